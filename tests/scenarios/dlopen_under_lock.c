// EXPECT lock-order-cycle possible: a library is loaded under a mutex that its constructor takes elsewhere
// LIBRARY
// SPDX-License-Identifier: MIT
#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>

extern pthread_mutex_t mutex;
#ifdef LIBRARY
__attribute__((constructor)) static void begin(void) {
  pthread_mutex_lock(&mutex);
  pthread_mutex_unlock(&mutex);
}
#else
pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static void* load(void* unused) {
  dlopen(LIBRARY_PATH, RTLD_NOW);
  return unused;
}
static void* under_lock(void* unused) {
  pthread_mutex_lock(&mutex);
  dlopen(NULL, RTLD_NOW);
  pthread_mutex_unlock(&mutex);
  return unused;
}
#include "pair.h"
int main(void) {
  two_threads(load, under_lock);
  return 0;
}
#endif
