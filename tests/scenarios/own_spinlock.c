// EXPECT lock-order-cycle possible: a program's own lock, announced by crossdep.h, against a mutex
// SPDX-License-Identifier: MIT
#include <stdatomic.h>

#include "crossdep.h"
#include "pair.h"

static atomic_flag spin = ATOMIC_FLAG_INIT;
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static void spin_lock(void) {
  crossdep_request(&spin, CROSSDEP_WRITE, 0);
  while (atomic_flag_test_and_set(&spin)) usleep(100);
  crossdep_acquired(&spin, CROSSDEP_WRITE, 0);
}
static void spin_unlock(void) {
  crossdep_release(&spin);
  atomic_flag_clear(&spin);
}
static void* spin_then_mutex(void* unused) {
  spin_lock();
  pthread_mutex_lock(&m);
  pthread_mutex_unlock(&m);
  spin_unlock();
  return unused;
}
static void* mutex_then_spin(void* unused) {
  pthread_mutex_lock(&m);
  spin_lock();
  spin_unlock();
  pthread_mutex_unlock(&m);
  return unused;
}
int main(void) {
  crossdep_lock_init(&spin, "spin", 0, CROSSDEP_SPIN);
  two_threads(spin_then_mutex, mutex_then_spin);
  return 0;
}
