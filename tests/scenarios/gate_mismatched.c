// EXPECT lock-order-cycle possible: each side holds a gate, but not the same one
// SPDX-License-Identifier: MIT
#include "pair.h"

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER, other = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static void* ab(void* unused) {
  pthread_mutex_lock(&gate);
  lock_both(&a, &b);
  pthread_mutex_unlock(&gate);
  return unused;
}
static void* ba(void* unused) {
  pthread_mutex_lock(&other);
  lock_both(&b, &a);
  pthread_mutex_unlock(&other);
  return unused;
}
int main(void) { two_threads(ab, ba); return 0; }
