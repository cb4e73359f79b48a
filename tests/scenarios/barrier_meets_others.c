// EXPECT lock-order-cycle possible: as barrier_orders, but four threads meet by twos at the barrier: who meets whom is chance
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
static void* late(void* unused) {
  usleep(300 * 1000);
  pthread_barrier_wait(&barrier);
  return unused;
}
int main(void) {
  pthread_t threads[2];
  pthread_barrier_init(&barrier, NULL, 2);
  for (int i = 0; i < 2; ++i) pthread_create(&threads[i], NULL, late, NULL);
  two_threads(before, after);
  for (int i = 0; i < 2; ++i) pthread_join(threads[i], NULL);
  pthread_barrier_destroy(&barrier);
  return 0;
}
