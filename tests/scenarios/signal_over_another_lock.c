// EXPECT signal-unsafe-lock possible: a -> b in a thread that blocks the signal; b is held with it unblocked; the handler takes a
// SPDX-License-Identifier: MIT
#include <signal.h>

#include "pair.h"

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static void handler(int number, siginfo_t* info, void* state) {
  (void)number, (void)info, (void)state;
  pthread_mutex_lock(&a);
  pthread_mutex_unlock(&a);
}
static void* blocks_it(void* unused) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  lock_both(&a, &b);
  return unused;
}
static void* does_not(void* unused) {
  pthread_mutex_lock(&b);
  pthread_mutex_unlock(&b);
  raise(SIGUSR2);
  return unused;
}
int main(void) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR2, &action, NULL);
  two_threads(blocks_it, does_not);
  return 0;
}
