// EXPECT none: a condition variable with its own mutex, as in the book
// SPDX-License-Identifier: MIT
#include "pair.h"

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int items;
static void* consume(void* unused) {
  for (int i = 0; i < 100; ++i) {
    pthread_mutex_lock(&m);
    while (items == 0) pthread_cond_wait(&changed, &m);
    --items;
    pthread_mutex_unlock(&m);
  }
  return unused;
}
static void* produce(void* unused) {
  for (int i = 0; i < 100; ++i) {
    pthread_mutex_lock(&m);
    ++items;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&m);
  }
  return unused;
}
int main(void) { two_threads(consume, produce); return 0; }
