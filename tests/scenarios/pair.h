// SPDX-License-Identifier: MIT
//
// Two threads, kept apart by time: the second begins 100 ms after the first, so that a program whose locks are in a
// circle still ends, and nothing but time orders the two.
#pragma once

#include <pthread.h>
#include <stddef.h>
#include <unistd.h>

static inline void* run_later(void* body) {
  usleep(100 * 1000);
  return ((void* (*)(void*))body)(NULL);
}

static inline void two_threads(void* (*first)(void*), void* (*second)(void*)) {
  pthread_t threads[2];
  pthread_create(&threads[0], NULL, first, NULL);
  pthread_create(&threads[1], NULL, run_later, (void*)second);
  pthread_join(threads[0], NULL);
  pthread_join(threads[1], NULL);
}

static inline void lock_both(pthread_mutex_t* outer, pthread_mutex_t* inner) {
  pthread_mutex_lock(outer);
  pthread_mutex_lock(inner);
  pthread_mutex_unlock(inner);
  pthread_mutex_unlock(outer);
}
