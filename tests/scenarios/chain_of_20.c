// EXPECT none: twenty locks, twenty threads, each with one pair; no pair closes the ring
// SPDX-License-Identifier: MIT
#include "pair.h"

enum { kLocks = 20 };
static pthread_mutex_t locks[kLocks];
static pthread_barrier_t begin;
static void* pair(void* number) {
  const size_t i = (size_t)number;
  pthread_barrier_wait(&begin);
  usleep((useconds_t)i * 10 * 1000);
  if (i + 1 < kLocks) lock_both(&locks[i], &locks[i + 1]);
  return NULL;
}
int main(void) {
  pthread_t threads[kLocks];
  pthread_barrier_init(&begin, NULL, kLocks);
  // Each line makes a class of its own.
#define MAKE(i) pthread_mutex_init(&locks[i], NULL)
  MAKE(0), MAKE(1), MAKE(2), MAKE(3), MAKE(4), MAKE(5), MAKE(6), MAKE(7), MAKE(8), MAKE(9);
  MAKE(10), MAKE(11), MAKE(12), MAKE(13), MAKE(14), MAKE(15), MAKE(16), MAKE(17), MAKE(18), MAKE(19);
  for (size_t i = 0; i < kLocks; ++i) pthread_create(&threads[i], NULL, pair, (void*)i);
  for (size_t i = 0; i < kLocks; ++i) pthread_join(threads[i], NULL);
  return 0;
}
