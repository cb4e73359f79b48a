// EXPECT none: a thread cancelled in its wait has the mutex again, and its handler gives it back
// SPDX-License-Identifier: MIT
#include <stdio.h>

#include "pair.h"

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static void give_back(void* mutex) { printf("unlocked: %d\n", pthread_mutex_unlock(mutex)); }
static void* waiter(void* unused) {
  pthread_mutex_lock(&m);
  pthread_cleanup_push(give_back, &m);
  for (;;) pthread_cond_wait(&never, &m);
  pthread_cleanup_pop(1);
  return unused;
}
int main(void) {
  pthread_t thread;
  void* value;
  pthread_create(&thread, NULL, waiter, NULL);
  usleep(100 * 1000);
  pthread_cancel(thread);
  pthread_join(thread, &value);
  printf("cancelled: %d\n", value == PTHREAD_CANCELED);
  pthread_mutex_lock(&m);
  pthread_mutex_unlock(&m);
  return 0;
}
