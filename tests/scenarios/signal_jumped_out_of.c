// EXPECT lock-order-cycle possible: after a jump out of its handler the thread holds its own locks again, and only those
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <signal.h>

#include "pair.h"

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static sigjmp_buf back;
static char stack[65536];
static void handler(int number) {
  (void)number;
  siglongjmp(back, 1);
}
static void* ab(void* unused) {
  pthread_mutex_lock(&a);
  if (sigsetjmp(back, 1) == 0) raise(SIGUSR1);
  pthread_mutex_lock(&b);   // under a: the handler is over
  pthread_mutex_unlock(&b);
  pthread_mutex_unlock(&a);
  return unused;
}
static void* ba(void* unused) {
  stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
  sigaltstack(&other, NULL);
  pthread_mutex_lock(&b);
  if (sigsetjmp(back, 1) == 0) raise(SIGUSR1);
  pthread_mutex_lock(&a);
  pthread_mutex_unlock(&a);
  pthread_mutex_unlock(&b);
  return unused;
}
int main(void) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
  sigaction(SIGUSR1, &action, NULL);
  two_threads(ab, ba);
  return 0;
}
