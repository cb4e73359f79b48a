// EXPECT none: one function makes every lock of the program; its callers tell the classes apart
// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include "pair.h"

__attribute__((noinline)) static pthread_mutex_t* make(void) {
  pthread_mutex_t* m = malloc(sizeof *m);
  pthread_mutex_init(m, NULL);
  return m;
}
static pthread_mutex_t *table, *row, *log;
static void* forward(void* unused) { lock_both(table, row); return unused; }
static void* onward(void* unused) { lock_both(row, log); return unused; }
int main(void) {
  table = make();
  row = make();
  log = make();
  two_threads(forward, onward);
  return 0;
}
