// EXPECT cross-release-cycle possible: a pipe is read under a lock that its writer takes first
// ENVIRONMENT CROSSDEP_OPTIONS=waits=io
// SPDX-License-Identifier: MIT
#include <time.h>

#include "pair.h"

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static int ends[2];
static void* reader(void* unused) {
  char byte;
  pthread_mutex_lock(&m);
  if (read(ends[0], &byte, 1) != 1) return NULL;
  pthread_mutex_unlock(&m);
  return unused;
}
static void* writer(void* unused) {
  // What gets the lock elsewhere waits for it; here it is seen to be taken.
  if (pthread_mutex_trylock(&m) == 0) pthread_mutex_unlock(&m);
  struct timespec soon;
  clock_gettime(CLOCK_REALTIME, &soon);
  soon.tv_nsec += 1000 * 1000;
  if (soon.tv_nsec >= 1000000000) ++soon.tv_sec, soon.tv_nsec -= 1000000000;
  if (pthread_mutex_timedlock(&m, &soon) == 0) pthread_mutex_unlock(&m);
  return write(ends[1], "x", 1) == 1 ? unused : NULL;
}
int main(void) {
  if (pipe(ends) != 0) return 1;
  two_threads(reader, writer);
  return 0;
}
