// EXPECT lock-order-cycle possible: two objects of each kind; the classes form a circle, these four locks do not
// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include "pair.h"

struct node { pthread_mutex_t head, tail; };
static struct node *left, *right;
__attribute__((noinline)) static struct node* make(void) {
  struct node* n = malloc(sizeof *n);
  pthread_mutex_init(&n->head, NULL);
  pthread_mutex_init(&n->tail, NULL);
  return n;
}
static void* forward(void* unused) { lock_both(&left->head, &left->tail); return unused; }
static void* backward(void* unused) { lock_both(&right->tail, &right->head); return unused; }
int main(void) {
  struct node** all[] = {&left, &right};
  for (volatile int i = 0; i < 2; ++i) *all[i] = make();   // one call, not two unrolled ones
  two_threads(forward, backward);
  return 0;
}
