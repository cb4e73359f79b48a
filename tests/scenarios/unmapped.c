// EXPECT none: a mapping goes, another one comes to its place with another lock
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <sys/mman.h>

#include "pair.h"

static pthread_mutex_t table = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t* place;
__attribute__((noinline)) static void make_first(void) { pthread_mutex_init(place, NULL); }
__attribute__((noinline)) static void make_second(void) { pthread_mutex_init(place, NULL); }
static void* first(void* unused) { lock_both(place, &table); return unused; }
static void* second(void* unused) { lock_both(&table, place); return unused; }
static void run(void* (*body)(void*)) {
  pthread_t thread;
  pthread_create(&thread, NULL, body, NULL);
  pthread_join(thread, NULL);
}
int main(void) {
  place = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  make_first();
  run(first);
  munmap(place, 4096);
  mmap(place, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  make_second();
  run(second);
  return 0;
}
