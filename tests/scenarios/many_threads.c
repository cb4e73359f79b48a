// EXPECT none: 200 threads, in one order, some joined, some detached, some leaving by pthread_exit
// SPDX-License-Identifier: MIT
#include <stdio.h>

#include "pair.h"

enum { kThreads = 200 };
static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ended = PTHREAD_COND_INITIALIZER;
static int count;
static void* worker(void* number) {
  for (int i = 0; i < 100; ++i) lock_both(&a, &b);
  pthread_mutex_lock(&a);
  ++count;
  pthread_cond_signal(&ended);
  pthread_mutex_unlock(&a);
  if ((size_t)number % 3 == 0) pthread_exit(NULL);
  return NULL;
}
int main(void) {
  pthread_t threads[kThreads];
  for (size_t i = 0; i < kThreads; ++i) pthread_create(&threads[i], NULL, worker, (void*)i);
  for (size_t i = 0; i < kThreads; ++i) {
    if (i % 2 != 0) pthread_detach(threads[i]);
    else pthread_join(threads[i], NULL);
  }
  pthread_mutex_lock(&a);
  while (count < kThreads) pthread_cond_wait(&ended, &a);
  pthread_mutex_unlock(&a);
  printf("%d\n", count);
  return 0;
}
