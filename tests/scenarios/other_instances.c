// EXPECT lock-order-cycle possible: two objects of each kind; the classes form a circle, these four locks do not
// SPDX-License-Identifier: MIT
#include "pair.h"

struct node { pthread_mutex_t head, tail; };
static struct node left, right;
static void make(struct node* n) {
  pthread_mutex_init(&n->head, NULL);
  pthread_mutex_init(&n->tail, NULL);
}
static void* forward(void* unused) { lock_both(&left.head, &left.tail); return unused; }
static void* backward(void* unused) { lock_both(&right.tail, &right.head); return unused; }
int main(void) {
  struct node* all[] = {&left, &right};
  for (int i = 0; i < 2; ++i) make(all[i]);
  two_threads(forward, backward);
  return 0;
}
