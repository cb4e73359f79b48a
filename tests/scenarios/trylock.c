// EXPECT none: a trylock does not wait, so no dependency ends in it
// SPDX-License-Identifier: MIT
#include "pair.h"

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static void* ab(void* unused) {
  pthread_mutex_lock(&a);
  if (pthread_mutex_trylock(&b) == 0) pthread_mutex_unlock(&b);
  pthread_mutex_unlock(&a);
  return unused;
}
static void* ba(void* unused) { lock_both(&b, &a); return unused; }
int main(void) { two_threads(ab, ba); return 0; }
