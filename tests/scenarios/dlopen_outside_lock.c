// EXPECT none: the lock is given back before the library is loaded; symbols and folders are found as ever
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
  pthread_mutex_unlock(&mutex);
  if (dlsym(dlopen(NULL, RTLD_NOW), "mutex") != &mutex) return NULL + 1;
  dlopen("libm.so.6", RTLD_NOW);   // found as the caller would find it
  return unused;
}
#include "pair.h"
int main(void) {
  two_threads(load, under_lock);
  return 0;
}
#endif
