// EXPECT none: the thread is joined before the lock is taken
// SPDX-License-Identifier: MIT
#include "pair.h"

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_key_t key;
static void destroy(void* unused) {
  (void)unused;
  if (pthread_mutex_trylock(&m) == 0) {
    pthread_mutex_unlock(&m);
    pthread_mutex_lock(&m);
    pthread_mutex_unlock(&m);
  }
}
static void* worker(void* unused) {
  pthread_setspecific(key, &key);
  return unused;
}
int main(void) {
  pthread_t thread;
  pthread_key_create(&key, destroy);
  pthread_create(&thread, NULL, worker, NULL);
  usleep(100 * 1000);
  pthread_join(thread, NULL);
  pthread_mutex_lock(&m);
  pthread_mutex_unlock(&m);
  return 0;
}
