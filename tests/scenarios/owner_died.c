// EXPECT exit-held confirmed: the thread ends holding it; whoever comes next gets EOWNERDEAD, and the lock
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>

#include "pair.h"

static pthread_mutex_t m, other = PTHREAD_MUTEX_INITIALIZER;
static void* owner(void* unused) { pthread_mutex_lock(&m); return unused; }
static void* heir(void* unused) {
  const int result = pthread_mutex_lock(&m);
  printf("owner died: %d\n", result == EOWNERDEAD);
  pthread_mutex_consistent(&m);
  pthread_mutex_lock(&other);
  pthread_mutex_unlock(&other);
  pthread_mutex_unlock(&m);
  return unused;
}
int main(void) {
  pthread_mutexattr_t robust;
  pthread_mutexattr_init(&robust);
  pthread_mutexattr_setrobust(&robust, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&m, &robust);
  two_threads(owner, heir);
  return 0;
}
