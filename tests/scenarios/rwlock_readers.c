// EXPECT none: the default kind lets readers in past waiting writers, so a reader never waits for a reader
// SPDX-License-Identifier: MIT
#include "pair.h"

static pthread_rwlock_t table = PTHREAD_RWLOCK_INITIALIZER;
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
