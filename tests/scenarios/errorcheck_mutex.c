// EXPECT none: an error-checking mutex answers EDEADLK, it does not block: refuted
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <errno.h>

#include "pair.h"

static pthread_mutex_t m = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
int main(void) {
  pthread_mutex_lock(&m);
  const int again = pthread_mutex_lock(&m);
  pthread_mutex_unlock(&m);
  return again == EDEADLK ? 0 : 1;
}
