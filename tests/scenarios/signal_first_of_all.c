// EXPECT signal-unsafe-lock possible: the handler runs before its thread has taken any lock; the signal is not blocked later
// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <signal.h>

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER;
static void handler(int number) {
  (void)number;
  pthread_mutex_lock(&a);
  pthread_mutex_unlock(&a);
}
int main(void) {
  signal(SIGUSR1, handler);
  raise(SIGUSR1);
  pthread_mutex_lock(&a);
  pthread_mutex_unlock(&a);
  return 0;
}
