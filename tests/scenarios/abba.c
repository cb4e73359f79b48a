// EXPECT lock-order-cycle possible: two threads, two orders, nothing keeps them apart but time
// SPDX-License-Identifier: MIT
#include "pair.h"

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static void* ab(void* unused) { lock_both(&a, &b); return unused; }
static void* ba(void* unused) { lock_both(&b, &a); return unused; }
int main(void) { two_threads(ab, ba); return 0; }
