// EXPECT none: as condition_history, but what the notifier did with `outer` it had told the waiter before that took it
// SPDX-License-Identifier: MIT
#include <semaphore.h>

#include "pair.h"

static pthread_mutex_t outer = PTHREAD_MUTEX_INITIALIZER, m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static sem_t done;
static int ready;
static void* notifier(void* unused) {
  pthread_mutex_lock(&outer);
  pthread_mutex_unlock(&outer);
  sem_post(&done);
  usleep(300 * 1000);   // the wait begins here
  pthread_mutex_lock(&m);
  ready = 1;
  pthread_cond_signal(&changed);
  pthread_mutex_unlock(&m);
  return unused;
}
static void* waiter(void* unused) {
  sem_wait(&done);
  pthread_mutex_lock(&outer);
  pthread_mutex_lock(&m);
  while (!ready) pthread_cond_wait(&changed, &m);
  pthread_mutex_unlock(&m);
  pthread_mutex_unlock(&outer);
  return unused;
}
int main(void) {
  sem_init(&done, 0, 0);
  two_threads(notifier, waiter);
  sem_destroy(&done);
  return 0;
}
