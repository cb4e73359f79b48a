// EXPECT cross-release-cycle possible: two semaphores of one token each are taken in two orders, and given back by who took them
// SPDX-License-Identifier: MIT
#include <semaphore.h>

#include "pair.h"

static sem_t a, b;

static void in_order(sem_t* outer, sem_t* inner) {
  sem_wait(outer);
  sem_wait(inner);
  sem_post(inner);
  sem_post(outer);
}
static void* first(void* unused) {
  in_order(&a, &b);
  return unused;
}
static void* second(void* unused) {
  in_order(&b, &a);
  return unused;
}
int main(void) {
  sem_init(&a, 0, 1);
  sem_init(&b, 0, 1);
  two_threads(first, second);
  return 0;
}
