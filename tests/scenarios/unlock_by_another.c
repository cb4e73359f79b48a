// EXPECT bad-unlock confirmed: the second thread unlocks what the first one holds
// SPDX-License-Identifier: MIT
#include "pair.h"

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static void* take(void* unused) { pthread_mutex_lock(&m); usleep(200 * 1000); return unused; }
static void* give(void* unused) { pthread_mutex_unlock(&m); return unused; }
int main(void) { two_threads(take, give); return 0; }
