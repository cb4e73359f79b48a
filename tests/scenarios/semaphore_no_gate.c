// EXPECT lock-order-cycle possible: what seemed a gate is handed on by another thread than took it, so it keeps nobody out
// SPDX-License-Identifier: MIT
#include <semaphore.h>

#include "pair.h"

static sem_t turn;
static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;

static void* first(void* unused) {
  sem_wait(&turn);
  lock_both(&a, &b);
  sem_post(&turn);
  return unused;
}
static void* second(void* unused) {
  sem_wait(&turn);
  lock_both(&b, &a);
  sem_post(&turn);
  sem_post(&turn);   // not its own
  return unused;
}
int main(void) {
  sem_init(&turn, 0, 1);
  two_threads(first, second);
  return 0;
}
