// SPDX-License-Identifier: MIT
//
// The floor of any preload: it interposes mutexes and only passes the calls on.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>

static int (*real_lock)(pthread_mutex_t*);
static int (*real_unlock)(pthread_mutex_t*);

__attribute__((constructor)) static void find(void) {
  real_lock = (int (*)(pthread_mutex_t*))dlsym(RTLD_NEXT, "pthread_mutex_lock");
  real_unlock = (int (*)(pthread_mutex_t*))dlsym(RTLD_NEXT, "pthread_mutex_unlock");
}

int pthread_mutex_lock(pthread_mutex_t* mutex) {
  if (real_lock == NULL) find();
  return real_lock(mutex);
}

int pthread_mutex_unlock(pthread_mutex_t* mutex) {
  if (real_unlock == NULL) find();
  return real_unlock(mutex);
}
