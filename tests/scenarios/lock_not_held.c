// EXPECT assert-held confirmed: a function that wants the lock is called without it
// SPDX-License-Identifier: MIT
#include "crossdep.h"
#include "pair.h"

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static int value;
static void change(void) {
  crossdep_assert_held(&m, CROSSDEP_WRITE);
  ++value;
}
int main(void) {
  pthread_mutex_lock(&m);
  change();
  pthread_mutex_unlock(&m);
  change();
  return 0;
}
