// EXPECT none: the lock of stdout is only tried under the mutex
// SPDX-License-Identifier: MIT
#include <stdio.h>

#include "pair.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static void* mutex_in_file(void* unused) {
  flockfile(stdout);
  flockfile(stdout);   // recursive
  pthread_mutex_lock(&mutex);
  pthread_mutex_unlock(&mutex);
  funlockfile(stdout);
  funlockfile(stdout);
  return unused;
}
static void* file_in_mutex(void* unused) {
  pthread_mutex_lock(&mutex);
  if (ftrylockfile(stdout) == 0)
  funlockfile(stdout);
  pthread_mutex_unlock(&mutex);
  return unused;
}
int main(void) {
  two_threads(mutex_in_file, file_in_mutex);
  return 0;
}
