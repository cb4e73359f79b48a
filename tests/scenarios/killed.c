// EXPECT lock-order-cycle possible: found before the process kills itself; what was committed is not lost
// SPDX-License-Identifier: MIT
#include <signal.h>

#include "pair.h"

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static void* forward(void* unused) { lock_both(&a, &b); return unused; }
static void* backward(void* unused) { lock_both(&b, &a); return unused; }
int main(void) {
  two_threads(forward, backward);
  raise(SIGKILL);
  return 0;
}
