// EXPECT recursive-lock latent: elements of one array of locks, always with ascending addresses
// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include "pair.h"

enum { kLocks = 100 };
static pthread_mutex_t* locks;
static void* forward(void* unused) { lock_both(&locks[20], &locks[30]); return unused; }
static void* backward(void* unused) { lock_both(&locks[30], &locks[40]); return unused; }
int main(void) {
  // Never initialised by a call: all bits zero is an unlocked mutex.
  locks = calloc(kLocks, sizeof *locks);
  for (int i = 0; i < kLocks; ++i) {
    pthread_mutex_lock(&locks[i]);
    pthread_mutex_unlock(&locks[i]);
  }
  two_threads(forward, backward);
  free(locks);
  return 0;
}
