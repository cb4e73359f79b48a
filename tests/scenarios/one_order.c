// EXPECT none: both threads keep the order
// SPDX-License-Identifier: MIT
#include "pair.h"

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static void* ab(void* unused) { lock_both(&a, &b); return unused; }
int main(void) { two_threads(ab, ab); return 0; }
