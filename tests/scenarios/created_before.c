// EXPECT lock-order-cycle possible: the thread that does the second order is made before the first is done
// SPDX-License-Identifier: MIT
#include "pair.h"

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static void* ba(void* unused) { usleep(100 * 1000); lock_both(&b, &a); return unused; }
int main(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, ba, NULL);
  lock_both(&a, &b);
  pthread_join(thread, NULL);
  return 0;
}
