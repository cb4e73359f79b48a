// EXPECT recursive-lock deadlock: a routine calls pthread_once() for itself, and is stuck for good
// SPDX-License-Identifier: MIT
#include <stdio.h>

#include "pair.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static void routine(void) { pthread_once(&once, routine); }
static void* body(void* unused) {
  pthread_once(&once, routine);
  return unused;
}
int main(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, body, NULL);
  usleep(300 * 1000);
  puts("still stuck");
  return 0;
}
