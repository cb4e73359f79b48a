// EXPECT none: two locks of one class, nested under a subclass of their own: parent before child
// SPDX-License-Identifier: MIT
#include "crossdep.h"
#include "pair.h"

static int parent, child;
static void* nest(void* unused) {
  crossdep_acquire(&parent, CROSSDEP_WRITE, 0);
  crossdep_acquire_nested(&child, CROSSDEP_WRITE, 0, 1);
  crossdep_release(&child);
  crossdep_release(&parent);
  return unused;
}
int main(void) {
  crossdep_lock_init(&parent, "directory", 0, CROSSDEP_MUTEX);
  crossdep_lock_init(&child, "directory", 0, CROSSDEP_MUTEX);
  two_threads(nest, nest);
  return 0;
}
