// EXPECT none: a lock on the stack of a thread that ended; the next thread gets the same stack
// SPDX-License-Identifier: MIT
#include "pair.h"

static pthread_mutex_t other = PTHREAD_MUTEX_INITIALIZER;
static void* first(void* unused) {
  pthread_mutex_t mine = PTHREAD_MUTEX_INITIALIZER;
  lock_both(&mine, &other);
  return unused;
}
static void* second(void* unused) {
  pthread_mutex_t mine = PTHREAD_MUTEX_INITIALIZER;
  lock_both(&other, &mine);
  return unused;
}
int main(void) {
  void* (*const bodies[])(void*) = {first, second};
  for (int i = 0; i < 2; ++i) {
    pthread_t thread;
    pthread_create(&thread, NULL, bodies[i], NULL);
    pthread_join(thread, NULL);
  }
  return 0;
}
