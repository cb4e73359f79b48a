// EXPECT none: a semaphore that hands out places; it is given back by whoever got it
// SPDX-License-Identifier: MIT
#include <semaphore.h>

#include "pair.h"

static sem_t places;
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static int uses;
static void* work(void* unused) {
  for (int i = 0; i < 50; ++i) {
    sem_wait(&places);
    pthread_mutex_lock(&m);
    ++uses;
    pthread_mutex_unlock(&m);
    sem_post(&places);
  }
  return unused;
}
int main(void) {
  sem_init(&places, 0, 1);
  two_threads(work, work);
  return uses == 100 ? 0 : 1;
}
