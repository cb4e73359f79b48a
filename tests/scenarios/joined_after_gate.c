// EXPECT lock-order-cycle possible: the creator lets go of the gate before it joins
// REASONS none-excluded
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
  pthread_mutex_unlock(&gate);
  pthread_join(made, NULL);
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
