// EXPECT none: the harmless twin of semaphore_as_lock: one order, and a semaphore left taken at the end
// SPDX-License-Identifier: MIT
#include <semaphore.h>

#include "pair.h"

static sem_t a, b, kept;

static void* work(void* unused) {
  sem_wait(&a);
  sem_wait(&b);
  sem_post(&a);
  sem_post(&b);
  sem_trywait(&kept);   // its end is no exit with a lock held
  return unused;
}
int main(void) {
  sem_init(&a, 0, 1);
  sem_init(&b, 0, 1);
  sem_init(&kept, 0, 1);
  two_threads(work, work);
  return 0;
}
