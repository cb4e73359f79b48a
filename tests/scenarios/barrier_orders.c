// EXPECT lock-order-cycle latent: one thread's order is before the barrier, the other's after it
// SPDX-License-Identifier: MIT
#include "pair.h"

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t barrier;
static void* before(void* unused) {
  lock_both(&a, &b);
  pthread_barrier_wait(&barrier);
  return unused;
}
static void* after(void* unused) {
  pthread_barrier_wait(&barrier);
  lock_both(&b, &a);
  return unused;
}
int main(void) {
  pthread_barrier_init(&barrier, NULL, 2);
  two_threads(before, after);
  pthread_barrier_destroy(&barrier);
  return 0;
}
