// EXPECT none: the hand-over is waited for without the lock; the harmless twin of semaphore_under_lock
// SPDX-License-Identifier: MIT
#include <semaphore.h>

#include "pair.h"

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static sem_t ready;
static void* waiter(void* unused) {
  sem_wait(&ready);
  pthread_mutex_lock(&m);
  pthread_mutex_unlock(&m);
  return unused;
}
static void* poster(void* unused) {
  pthread_mutex_lock(&m);
  pthread_mutex_unlock(&m);
  sem_post(&ready);
  return unused;
}
int main(void) {
  sem_init(&ready, 0, 0);
  two_threads(waiter, poster);
  sem_destroy(&ready);
  return 0;
}
