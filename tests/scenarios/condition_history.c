// EXPECT cross-release-cycle possible: the notifier had `outer` before the wait under `outer` began (history)
// SPDX-License-Identifier: MIT
#include "pair.h"

static pthread_mutex_t outer = PTHREAD_MUTEX_INITIALIZER, m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int ready;
static void* notifier(void* unused) {
  pthread_mutex_lock(&outer);
  pthread_mutex_unlock(&outer);
  usleep(300 * 1000);   // the wait begins here
  pthread_mutex_lock(&m);
  ready = 1;
  pthread_cond_signal(&changed);
  pthread_mutex_unlock(&m);
  return unused;
}
static void* waiter(void* unused) {
  pthread_mutex_lock(&outer);
  pthread_mutex_lock(&m);
  while (!ready) pthread_cond_wait(&changed, &m);
  pthread_mutex_unlock(&m);
  pthread_mutex_unlock(&outer);
  return unused;
}
int main(void) { two_threads(notifier, waiter); return 0; }
