// EXPECT cross-release-cycle possible: pthread_once() under a lock that its routine takes too
// SPDX-License-Identifier: MIT
#include "pair.h"

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static void routine(void) {
  pthread_mutex_lock(&a);
  pthread_mutex_unlock(&a);
  usleep(300 * 1000);
}
static void* first(void* unused) {
  pthread_once(&once, routine);
  return unused;
}
static void* second(void* unused) {   // comes while the routine runs
  pthread_mutex_lock(&a);
  pthread_once(&once, routine);
  pthread_mutex_unlock(&a);
  return unused;
}
int main(void) { two_threads(first, second); return 0; }
