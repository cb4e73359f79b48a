// EXPECT none: the signal is blocked wherever the handler's lock is held
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
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  pthread_mutex_lock(&a);
  pthread_mutex_unlock(&a);
  pthread_sigmask(SIG_UNBLOCK, &set, NULL);
  raise(SIGUSR1);
  return 0;
}
