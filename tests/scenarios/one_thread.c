// EXPECT lock-order-cycle latent: one thread did both; it cannot meet itself
// SPDX-License-Identifier: MIT
#include "pair.h"

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
int main(void) {
  lock_both(&a, &b);
  lock_both(&b, &a);
  return 0;
}
