// EXPECT lock-order-cycle possible: the semaphore is posted before the first order is done
// SPDX-License-Identifier: MIT
#include <semaphore.h>

#include "pair.h"

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static sem_t done;
static void* ba(void* unused) {
  sem_wait(&done);
  usleep(100 * 1000);
  lock_both(&b, &a);
  return unused;
}
static void* ab(void* unused) {
  sem_post(&done);
  lock_both(&a, &b);
  return unused;
}
int main(void) {
  sem_init(&done, 0, 0);
  two_threads(ba, ab);
  return 0;
}
