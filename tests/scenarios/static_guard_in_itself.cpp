// EXPECT recursive-lock deadlock: the initialisation of a static local comes to itself again, and is stuck for good
// SPDX-License-Identifier: MIT
#include <stdio.h>

#include "pair.h"

static int again();
static int use() {
  static int once = again();
  return once;
}
static int again() { return use(); }
static void* body(void* unused) {
  use();
  return unused;
}
int main() {
  pthread_t thread;
  pthread_create(&thread, nullptr, body, nullptr);
  usleep(300 * 1000);
  puts("still stuck");
  return 0;
}
