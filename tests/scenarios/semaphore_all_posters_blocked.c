// EXPECT cross-release-cycle possible: both posters were seen to need the waiter's lock first
// REASONS none-excluded
// SPDX-License-Identifier: MIT
#include <semaphore.h>

#include "pair.h"

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static sem_t ready;
static void take_and_post(void) {
  pthread_mutex_lock(&m);
  pthread_mutex_unlock(&m);
  sem_post(&ready);
}
static void* plain_waiter(void* unused) {
  sem_wait(&ready);
  sem_wait(&ready);
  return unused;
}
static void* poster(void* unused) {
  take_and_post();
  return unused;
}
static void* other_poster(void* unused) {
  usleep(200 * 1000);
  take_and_post();
  usleep(200 * 1000);
  sem_post(&ready);
  return unused;
}
static void* waiter_with_lock(void* unused) {
  usleep(300 * 1000);
  pthread_mutex_lock(&m);
  sem_wait(&ready);
  pthread_mutex_unlock(&m);
  return unused;
}
int main(void) {
  sem_init(&ready, 0, 0);
  pthread_t others[2];
  pthread_create(&others[0], NULL, waiter_with_lock, NULL);
  pthread_create(&others[1], NULL, other_poster, NULL);
  two_threads(plain_waiter, poster);
  pthread_join(others[0], NULL);
  pthread_join(others[1], NULL);
  sem_destroy(&ready);
  return 0;
}
