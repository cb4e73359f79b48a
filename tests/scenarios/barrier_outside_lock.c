// EXPECT none: as barrier_under_lock, but nobody holds a lock at the barrier
// SPDX-License-Identifier: MIT
#include "pair.h"

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t barrier;
static void* work(void* unused) {
  for (int round = 0; round < 50; ++round) {
    pthread_mutex_lock(&a);
    pthread_mutex_unlock(&a);
    pthread_barrier_wait(&barrier);
  }
  return unused;
}
int main(void) {
  pthread_barrier_init(&barrier, NULL, 2);
  two_threads(work, work);
  pthread_barrier_destroy(&barrier);
  return 0;
}
