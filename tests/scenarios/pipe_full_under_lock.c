// EXPECT cross-release-cycle possible: a full pipe is written to under a lock that its reader takes first
// ENVIRONMENT CROSSDEP_OPTIONS=waits=io
// SPDX-License-Identifier: MIT
#include <time.h>

#include "pair.h"

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static int ends[2];
static char page[4096];
static void* writer(void* unused) {
  pthread_mutex_lock(&m);
  for (int i = 0; i < 20; ++i)   // more than its 64 KiB
    if (write(ends[1], page, sizeof page) != sizeof page) return NULL;
  pthread_mutex_unlock(&m);
  return unused;
}
static void* reader(void* unused) {
  struct timespec soon;
  clock_gettime(CLOCK_REALTIME, &soon);
  soon.tv_nsec += 1000 * 1000;
  if (soon.tv_nsec >= 1000000000) ++soon.tv_sec, soon.tv_nsec -= 1000000000;
  if (pthread_mutex_timedlock(&m, &soon) == 0) pthread_mutex_unlock(&m);
  for (int i = 0; i < 20; ++i)
    if (read(ends[0], page, sizeof page) <= 0) return NULL;
  return unused;
}
int main(void) {
  if (pipe(ends) != 0) return 1;
  two_threads(writer, reader);
  return 0;
}
