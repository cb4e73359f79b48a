// EXPECT lock-order-cycle possible: a spin lock and a mutex, two orders
// SPDX-License-Identifier: MIT
#include "pair.h"

static pthread_spinlock_t spin;
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static void* forward(void* unused) {
  pthread_spin_lock(&spin);
  pthread_mutex_lock(&m);
  pthread_mutex_unlock(&m);
  pthread_spin_unlock(&spin);
  return unused;
}
static void* backward(void* unused) {
  pthread_mutex_lock(&m);
  pthread_spin_lock(&spin);
  pthread_spin_unlock(&spin);
  pthread_mutex_unlock(&m);
  return unused;
}
int main(void) {
  pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
  two_threads(forward, backward);
  pthread_spin_destroy(&spin);
  return 0;
}
