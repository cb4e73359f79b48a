// EXPECT signal-unsafe-lock possible: the handler takes a lock that is held elsewhere with the signal unblocked
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
  pthread_mutex_lock(&a);
  pthread_mutex_unlock(&a);
  raise(SIGUSR1);
  return 0;
}
