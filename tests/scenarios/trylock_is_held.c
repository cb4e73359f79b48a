// EXPECT lock-order-cycle possible: what trylock got is held like any other lock: b -> a here, a -> b there
// SPDX-License-Identifier: MIT
#include "pair.h"

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static void* ab(void* unused) { lock_both(&a, &b); return unused; }
static void* ba(void* unused) {
  if (pthread_mutex_trylock(&b) == 0) {
    pthread_mutex_lock(&a);
    pthread_mutex_unlock(&a);
    pthread_mutex_unlock(&b);
  }
  return unused;
}
int main(void) { two_threads(ab, ba); return 0; }
