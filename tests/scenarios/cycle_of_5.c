// EXPECT lock-order-cycle possible: five locks, five threads, each with one pair; the last pair closes the ring
// SPDX-License-Identifier: MIT
#include "pair.h"

enum { kLocks = 5 };
static pthread_mutex_t locks[kLocks];
static pthread_barrier_t begin;
static void* pair(void* number) {
  const size_t i = (size_t)number;
  pthread_barrier_wait(&begin);
  usleep((useconds_t)i * 10 * 1000);
  lock_both(&locks[i], &locks[(i + 1) % kLocks]);
  return NULL;
}
int main(void) {
  pthread_t threads[kLocks];
  pthread_barrier_init(&begin, NULL, kLocks);
  // Each line makes a class of its own.
#define MAKE(i) pthread_mutex_init(&locks[i], NULL)
  MAKE(0), MAKE(1), MAKE(2), MAKE(3), MAKE(4);
  for (size_t i = 0; i < kLocks; ++i) pthread_create(&threads[i], NULL, pair, (void*)i);
  for (size_t i = 0; i < kLocks; ++i) pthread_join(threads[i], NULL);
  return 0;
}
