// EXPECT none: as signal_over_another_lock, but b too is held only with the signal blocked
// SPDX-License-Identifier: MIT
#include <signal.h>

#include "pair.h"

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static sigset_t set;
static void handler(int number, siginfo_t* info, void* state) {
  (void)number, (void)info, (void)state;
  pthread_mutex_lock(&a);
  pthread_mutex_unlock(&a);
}
static void* blocks_it(void* unused) {
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  lock_both(&a, &b);
  return unused;
}
static void* blocks_it_too(void* unused) {
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  pthread_mutex_lock(&b);
  pthread_mutex_unlock(&b);
  pthread_sigmask(SIG_UNBLOCK, &set, NULL);
  raise(SIGUSR2);
  return unused;
}
int main(void) {
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR2, &action, NULL);
  two_threads(blocks_it, blocks_it_too);
  return 0;
}
