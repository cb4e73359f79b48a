// EXPECT cross-release-cycle possible: waits with a timeout, holding the lock that the notifier takes first; it comes too late
// REASONS timed
// SPDX-License-Identifier: MIT
#include <time.h>

#include "pair.h"

static pthread_mutex_t outer = PTHREAD_MUTEX_INITIALIZER, state = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int ready;

static void* waiter(void* unused) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += 1;
  pthread_mutex_lock(&outer);
  pthread_mutex_lock(&state);
  while (!ready && pthread_cond_timedwait(&changed, &state, &until) == 0) {}
  pthread_mutex_unlock(&state);
  pthread_mutex_unlock(&outer);
  return unused;
}
static void* notifier(void* unused) {
  pthread_mutex_lock(&outer);
  pthread_mutex_unlock(&outer);
  pthread_mutex_lock(&state);
  ready = 1;
  pthread_cond_signal(&changed);
  pthread_mutex_unlock(&state);
  return unused;
}
int main(void) {
  two_threads(waiter, notifier);
  return 0;
}
