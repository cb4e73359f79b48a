// EXPECT none: the harmless twin of condition_timeout_hides: the notifier takes another lock, and comes too late by itself
// SPDX-License-Identifier: MIT
#include <time.h>

#include "pair.h"

static pthread_mutex_t outer = PTHREAD_MUTEX_INITIALIZER, other = PTHREAD_MUTEX_INITIALIZER, state = PTHREAD_MUTEX_INITIALIZER;
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
  pthread_mutex_lock(&other);
  pthread_mutex_unlock(&other);
  usleep(1100 * 1000);
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
