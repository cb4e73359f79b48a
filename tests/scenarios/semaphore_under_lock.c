// EXPECT cross-release-cycle possible: waits for the semaphore holding the lock that the poster takes first
// SPDX-License-Identifier: MIT
#include <semaphore.h>

#include "pair.h"

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static sem_t ready;
static void* plain_waiter(void* unused) { sem_wait(&ready); return unused; }
static void* waiter_with_lock(void* unused) {
  usleep(200 * 1000);
  pthread_mutex_lock(&m);
  sem_wait(&ready);
  pthread_mutex_unlock(&m);
  return unused;
}
static void* poster(void* unused) {
  pthread_mutex_lock(&m);
  pthread_mutex_unlock(&m);
  sem_post(&ready);
  usleep(200 * 1000);
  sem_post(&ready);
  return unused;
}
int main(void) {
  sem_init(&ready, 0, 0);
  pthread_t other;
  pthread_create(&other, NULL, waiter_with_lock, NULL);
  two_threads(plain_waiter, poster);
  pthread_join(other, NULL);
  sem_destroy(&ready);
  return 0;
}
