// EXPECT none: waits without `outer`; the harmless twin of condition_under_lock
// SPDX-License-Identifier: MIT
#include "pair.h"

static pthread_mutex_t outer = PTHREAD_MUTEX_INITIALIZER, m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int rounds;
static void wait_for_round(int n) {
  pthread_mutex_lock(&m);
  while (rounds < n) pthread_cond_wait(&changed, &m);
  pthread_mutex_unlock(&m);
}
static void next_round(void) {
  pthread_mutex_lock(&m);
  ++rounds;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&m);
}
static void* plain_waiter(void* unused) { wait_for_round(1); return unused; }
static void* waiter_without_lock(void* unused) {
  usleep(200 * 1000);
  pthread_mutex_lock(&outer);
  pthread_mutex_unlock(&outer);
  wait_for_round(2);
  return unused;
}
static void* releaser(void* unused) {
  pthread_mutex_lock(&outer);
  pthread_mutex_unlock(&outer);
  next_round();
  usleep(200 * 1000);
  next_round();
  return unused;
}
int main(void) {
  pthread_t other;
  pthread_create(&other, NULL, waiter_without_lock, NULL);
  two_threads(plain_waiter, releaser);
  pthread_join(other, NULL);
  return 0;
}
