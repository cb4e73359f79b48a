// EXPECT lock-order-cycle latent: the first order is done with before the thread that does the second is made
// SPDX-License-Identifier: MIT
#include "pair.h"

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static void* ba(void* unused) { lock_both(&b, &a); return unused; }
int main(void) {
  pthread_t thread;
  lock_both(&a, &b);
  pthread_create(&thread, NULL, ba, NULL);
  pthread_join(thread, NULL);
  return 0;
}
