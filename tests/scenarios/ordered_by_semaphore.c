// EXPECT lock-order-cycle latent: the second order begins when the first has posted the semaphore
// SPDX-License-Identifier: MIT
#include <semaphore.h>

#include "pair.h"

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static sem_t done;
static void* ba(void* unused) {
  sem_wait(&done);
  lock_both(&b, &a);
  return unused;
}
static void* ab(void* unused) {
  lock_both(&a, &b);
  sem_post(&done);
  return unused;
}
int main(void) {
  sem_init(&done, 0, 0);
  two_threads(ba, ab);
  return 0;
}
