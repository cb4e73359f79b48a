// EXPECT none: joined without the lock; the harmless twin of join_under_lock
// SPDX-License-Identifier: MIT
#include "pair.h"

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static void* worker(void* unused) {
  pthread_mutex_lock(&m);
  pthread_mutex_unlock(&m);
  usleep(200 * 1000);
  return unused;
}
int main(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, worker, NULL);
  usleep(100 * 1000);
  pthread_mutex_lock(&m);
  pthread_mutex_unlock(&m);
  pthread_join(thread, NULL);
  return 0;
}
