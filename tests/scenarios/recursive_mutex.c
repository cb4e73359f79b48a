// EXPECT none: a recursive mutex may be taken again
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "pair.h"

static pthread_mutex_t m = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
int main(void) {
  lock_both(&m, &m);
  return 0;
}
