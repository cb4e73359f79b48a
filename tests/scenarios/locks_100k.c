// EXPECT lock-order-cycle possible: 100 000 locks live, each nested in one gate's; one of them the other way round
// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include "pair.h"

enum { kLocks = 100000 };
static pthread_mutex_t outer = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t* locks;
static void* inward(void* unused) {
  for (int i = 0; i < kLocks; ++i) lock_both(&outer, &locks[i]);
  return unused;
}
static void* outward(void* unused) {
  usleep(500 * 1000);
  lock_both(&locks[kLocks / 2], &outer);
  return unused;
}
int main(void) {
  locks = malloc(kLocks * sizeof *locks);
  for (int i = 0; i < kLocks; ++i) pthread_mutex_init(&locks[i], NULL);
  two_threads(inward, outward);
  for (int i = 0; i < kLocks; ++i) pthread_mutex_destroy(&locks[i]);
  free(locks);
  return 0;
}
