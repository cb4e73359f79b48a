// EXPECT none: a lock dies and another one is born at its address: not the same lock, not the same class
// SPDX-License-Identifier: MIT
#include "pair.h"

static pthread_mutex_t* place;
static pthread_mutex_t other = PTHREAD_MUTEX_INITIALIZER;
static void* first_life(void* unused) { lock_both(place, &other); return unused; }
static void* second_life(void* unused) { lock_both(&other, place); return unused; }
__attribute__((noinline)) static void make_first(void) { pthread_mutex_init(place, NULL); }
__attribute__((noinline)) static void make_second(void) { pthread_mutex_init(place, NULL); }
static void run(void* (*body)(void*)) {
  pthread_t thread;
  pthread_create(&thread, NULL, body, NULL);
  pthread_join(thread, NULL);
}
int main(void) {
  char on_stack[2 * sizeof(pthread_mutex_t)];
  place = (pthread_mutex_t*)(void*)(((size_t)on_stack + 15) & ~(size_t)15);
  make_first();
  run(first_life);
  pthread_mutex_destroy(place);
  make_second();
  run(second_life);
  pthread_mutex_destroy(place);
  return 0;
}
