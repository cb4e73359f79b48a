// EXPECT none: the creator holds the gate as long as the child runs, and the other side needs it
// REASONS guarded-child
// SPDX-License-Identifier: MIT
#include "pair.h"

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER, a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static void* child(void* unused) {
  lock_both(&a, &b);
  return unused;
}
static void* creator(void* unused) {
  pthread_t made;
  pthread_mutex_lock(&gate);
  pthread_create(&made, NULL, child, NULL);
  pthread_join(made, NULL);
  pthread_mutex_unlock(&gate);
  return unused;
}
static void* other(void* unused) {
  pthread_mutex_lock(&gate);
  lock_both(&b, &a);
  pthread_mutex_unlock(&gate);
  return unused;
}
int main(void) {
  two_threads(creator, other);
  return 0;
}
