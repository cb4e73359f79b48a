// EXPECT lock-order-cycle deadlock: both threads are stuck for good; it was said before the second one blocked
// SPDX-License-Identifier: MIT
#include <stdio.h>

#include "pair.h"

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static void hold_and_ask(pthread_mutex_t* held, pthread_mutex_t* asked) {
  pthread_mutex_lock(held);
  usleep(200 * 1000);
  pthread_mutex_lock(asked);
}
static void* forward(void* unused) { hold_and_ask(&a, &b); return unused; }
static void* backward(void* unused) { hold_and_ask(&b, &a); return unused; }
int main(void) {
  pthread_t threads[2];
  pthread_create(&threads[0], NULL, forward, NULL);
  pthread_create(&threads[1], NULL, backward, NULL);
  usleep(1000 * 1000);
  puts("still stuck");
  return 0;
}
