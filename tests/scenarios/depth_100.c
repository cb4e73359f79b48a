// EXPECT lock-order-cycle possible: a hundred locks held at once; elsewhere the first is asked for under the last
// SPDX-License-Identifier: MIT
#include "pair.h"

#define TEN(f) f(0) f(1) f(2) f(3) f(4) f(5) f(6) f(7) f(8) f(9)
#define DECLARE(n) static pthread_mutex_t a##n[10] = {TEN(INITIAL)};
#define INITIAL(n) PTHREAD_MUTEX_INITIALIZER,
DECLARE(0) DECLARE(1) DECLARE(2) DECLARE(3) DECLARE(4) DECLARE(5) DECLARE(6) DECLARE(7) DECLARE(8) DECLARE(9)
static pthread_mutex_t* const all[10] = {a0, a1, a2, a3, a4, a5, a6, a7, a8, a9};
static void* deep(void* unused) {
  for (int i = 0; i < 100; ++i) pthread_mutex_lock(&all[i / 10][i % 10]);
  for (int i = 100; i-- > 0;) pthread_mutex_unlock(&all[i / 10][i % 10]);
  return unused;
}
static void* back(void* unused) { lock_both(&a9[9], &a0[0]); return unused; }
int main(void) { two_threads(deep, back); return 0; }
