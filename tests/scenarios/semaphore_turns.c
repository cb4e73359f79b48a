// EXPECT none: two threads take turns, each giving the other's semaphore; the first turn is there from the start
// SPDX-License-Identifier: MIT
#include <semaphore.h>

#include "pair.h"

static sem_t ping, pong;
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static int turns;

static void play(sem_t* mine, sem_t* others) {
  for (int i = 0; i < 20; ++i) {
    sem_wait(mine);
    pthread_mutex_lock(&m);
    ++turns;
    pthread_mutex_unlock(&m);
    sem_post(others);
  }
}
static void* first(void* unused) {
  play(&ping, &pong);
  return unused;
}
static void* second(void* unused) {
  play(&pong, &ping);
  return unused;
}
int main(void) {
  sem_init(&ping, 0, 1);
  sem_init(&pong, 0, 0);
  two_threads(first, second);
  return turns == 40 ? 0 : 1;
}
