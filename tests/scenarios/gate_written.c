// EXPECT none: one side holds the gate for writing: readers and writers do not meet
// SPDX-License-Identifier: MIT
#include "pair.h"

static pthread_rwlock_t gate = PTHREAD_RWLOCK_INITIALIZER;
static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static void* ab(void* unused) {
  pthread_rwlock_rdlock(&gate);
  lock_both(&a, &b);
  pthread_rwlock_unlock(&gate);
  return unused;
}
static void* ba(void* unused) {
  pthread_rwlock_wrlock(&gate);
  lock_both(&b, &a);
  pthread_rwlock_unlock(&gate);
  return unused;
}
int main(void) { two_threads(ab, ba); return 0; }
