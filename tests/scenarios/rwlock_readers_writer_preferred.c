// EXPECT lock-order-cycle possible: this kind makes new readers wait behind a waiting writer, so readers do block readers
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "pair.h"

static pthread_rwlock_t table = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static void* read_then_lock(void* unused) {
  pthread_rwlock_rdlock(&table);
  pthread_mutex_lock(&m);
  pthread_mutex_unlock(&m);
  pthread_rwlock_unlock(&table);
  return unused;
}
static void* lock_then_read(void* unused) {
  pthread_mutex_lock(&m);
  pthread_rwlock_rdlock(&table);
  pthread_rwlock_unlock(&table);
  pthread_mutex_unlock(&m);
  return unused;
}
int main(void) { two_threads(read_then_lock, lock_then_read); return 0; }
