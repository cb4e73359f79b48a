// EXPECT lock-order-cycle latent: the first thread is joined before the second is made
// SPDX-License-Identifier: MIT
#include "pair.h"

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static void* ab(void* unused) { lock_both(&a, &b); return unused; }
static void* ba(void* unused) { lock_both(&b, &a); return unused; }
int main(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, ab, NULL);
  pthread_join(thread, NULL);
  pthread_create(&thread, NULL, ba, NULL);
  pthread_join(thread, NULL);
  return 0;
}
