// EXPECT lock-order-cycle possible: one side gives the gate back before it asks for its second lock
// SPDX-License-Identifier: MIT
#include "pair.h"

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static void* ab(void* unused) {
  pthread_mutex_lock(&gate);
  lock_both(&a, &b);
  pthread_mutex_unlock(&gate);
  return unused;
}
static void* ba(void* unused) {
  pthread_mutex_lock(&gate);
  pthread_mutex_lock(&b);
  pthread_mutex_unlock(&gate);
  pthread_mutex_lock(&a);
  pthread_mutex_unlock(&a);
  pthread_mutex_unlock(&b);
  return unused;
}
int main(void) { two_threads(ab, ba); return 0; }
