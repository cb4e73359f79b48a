// EXPECT none: two locks in two orders, each time under one semaphore that is taken and given back like a lock
// REASONS gate-lock
// SPDX-License-Identifier: MIT
#include <semaphore.h>

#include "pair.h"

static sem_t gate;
static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;

static void* first(void* unused) {
  sem_wait(&gate);
  lock_both(&a, &b);
  sem_post(&gate);
  return unused;
}
static void* second(void* unused) {
  sem_wait(&gate);
  lock_both(&b, &a);
  sem_post(&gate);
  return unused;
}
int main(void) {
  sem_init(&gate, 0, 1);
  two_threads(first, second);
  return 0;
}
