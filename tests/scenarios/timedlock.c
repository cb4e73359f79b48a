// EXPECT lock-order-cycle possible: one side gives up after a while, which the reason says
// SPDX-License-Identifier: MIT
#include <time.h>

#include "pair.h"

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static void* ab(void* unused) { lock_both(&a, &b); return unused; }
static void* ba(void* unused) {
  struct timespec soon;
  clock_gettime(CLOCK_REALTIME, &soon);
  soon.tv_sec += 1;
  pthread_mutex_lock(&b);
  if (pthread_mutex_timedlock(&a, &soon) == 0) pthread_mutex_unlock(&a);
  pthread_mutex_unlock(&b);
  return unused;
}
int main(void) { two_threads(ab, ba); return 0; }
