// EXPECT lock-order-cycle possible: found before _exit, which runs no handler
// SPDX-License-Identifier: MIT
#include "pair.h"

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static void* forward(void* unused) { lock_both(&a, &b); return unused; }
static void* backward(void* unused) { lock_both(&b, &a); return unused; }
int main(void) {
  two_threads(forward, backward);
  _exit(0);
}
