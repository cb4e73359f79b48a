// EXPECT cross-release-cycle possible: one thread arrives at the barrier holding a lock that the other needs before it arrives
// SPDX-License-Identifier: MIT
#include "pair.h"

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t barrier;
static void* plain(void* unused) {
  pthread_barrier_wait(&barrier);   // a round that lets the next be seen
  pthread_mutex_lock(&a);
  pthread_mutex_unlock(&a);
  pthread_barrier_wait(&barrier);
  return unused;
}
static void* with_lock(void* unused) {
  pthread_barrier_wait(&barrier);
  usleep(100 * 1000);
  pthread_mutex_lock(&a);
  pthread_barrier_wait(&barrier);
  pthread_mutex_unlock(&a);
  return unused;
}
int main(void) {
  pthread_barrier_init(&barrier, NULL, 2);
  two_threads(plain, with_lock);
  pthread_barrier_destroy(&barrier);
  return 0;
}
