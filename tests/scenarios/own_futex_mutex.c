// EXPECT none: a mutex the program builds on futex() is contended; it nests in one order, and a lock was given up before it
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <linux/futex.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "pair.h"

static _Atomic int word;   // 0 free, 1 taken, 2 taken and waited for
static pthread_mutex_t outer = PTHREAD_MUTEX_INITIALIZER, inner = PTHREAD_MUTEX_INITIALIZER;

static void take(void) {
  int expected = 0;
  if (atomic_compare_exchange_strong(&word, &expected, 1)) return;
  while (atomic_exchange(&word, 2) != 0) syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
}
static void give(void) {
  if (atomic_exchange(&word, 0) == 2) syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}
static void* body(void* unused) {
  for (int i = 0; i < 100; ++i) {
    pthread_mutex_lock(&outer);
    pthread_mutex_unlock(&outer);
    if (i % 2 == 0) pthread_mutex_lock(&outer);
    take();
    pthread_mutex_lock(&inner);
    usleep(100);
    pthread_mutex_unlock(&inner);
    give();
    if (i % 2 == 0) pthread_mutex_unlock(&outer);
  }
  return unused;
}
int main(void) {
  two_threads(body, body);
  return 0;
}
