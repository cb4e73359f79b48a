// EXPECT lock-order-cycle possible: a -> b, b -> c, c -> a, each pair of threads alone is right
// SPDX-License-Identifier: MIT
#include "pair.h"

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER, c = PTHREAD_MUTEX_INITIALIZER;
static void* ab(void* unused) { lock_both(&a, &b); return unused; }
static void* bc(void* unused) { lock_both(&b, &c); return unused; }
static void* ca(void* unused) { usleep(200 * 1000); lock_both(&c, &a); return unused; }
int main(void) {
  pthread_t last;
  pthread_create(&last, NULL, ca, NULL);
  two_threads(ab, bc);
  pthread_join(last, NULL);
  return 0;
}
