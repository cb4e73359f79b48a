// EXPECT none: as once_in_itself, but the routine initialises something else, and afterwards itself is done
// SPDX-License-Identifier: MIT
#include "pair.h"

static pthread_once_t outer = PTHREAD_ONCE_INIT, inner = PTHREAD_ONCE_INIT;
static void innermost(void) {}
static void routine(void) { pthread_once(&inner, innermost); }
static void* body(void* unused) {
  pthread_once(&outer, routine);
  pthread_once(&inner, innermost);
  return unused;
}
int main(void) { two_threads(body, body); return 0; }
