// EXPECT lock-order-cycle possible: outer1 and outer2 are taken in both orders, and block there before a and b can
// REASONS histories-exclude none-excluded
// SPDX-License-Identifier: MIT
#include "pair.h"

static pthread_mutex_t outer1 = PTHREAD_MUTEX_INITIALIZER, outer2 = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static void pass(pthread_mutex_t* passed) {
  pthread_mutex_lock(passed);
  pthread_mutex_unlock(passed);
}
static void* one(void* unused) {
  pthread_mutex_lock(&outer1);
  pass(&outer2);
  lock_both(&a, &b);
  pthread_mutex_unlock(&outer1);
  return unused;
}
static void* other(void* unused) {
  pthread_mutex_lock(&outer2);
  pass(&outer1);
  lock_both(&b, &a);
  pthread_mutex_unlock(&outer2);
  return unused;
}
int main(void) {
  two_threads(one, other);
  return 0;
}
