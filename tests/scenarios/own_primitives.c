// EXPECT cross-release-cycle possible: the program's own lock and completion, seen by annotation
// SPDX-License-Identifier: MIT
#include <stdatomic.h>

#include "crossdep.h"
#include "pair.h"

struct lock { atomic_int taken; };
static struct lock queue;
static atomic_int done;
static void lock(struct lock* l) {
  crossdep_request(l, CROSSDEP_WRITE, 0);
  while (atomic_exchange(&l->taken, 1) != 0) usleep(1000);
  crossdep_acquired(l, CROSSDEP_WRITE, 0);
}
static void unlock(struct lock* l) {
  crossdep_release(l);
  atomic_store(&l->taken, 0);
}
static void* waiter(void* unused) {
  lock(&queue);
  crossdep_wait_begin(&done, CROSSDEP_TIMED);
  for (int i = 0; i < 300 && atomic_load(&done) == 0; ++i) usleep(1000);
  crossdep_wait_end(&done, atomic_load(&done));
  unlock(&queue);
  return unused;
}
static void* plain_waiter(void* unused) {
  crossdep_wait_begin(&done, 0);
  while (atomic_load(&done) == 0) usleep(1000);
  crossdep_wait_end(&done, 1);
  return unused;
}
static void* completer(void* unused) {
  lock(&queue);
  unlock(&queue);
  crossdep_complete_all(&done);
  atomic_store(&done, 1);
  return unused;
}
int main(void) {
  crossdep_lock_init(&queue, "queue", 0, CROSSDEP_SPIN);
  crossdep_completion_init(&done, "done");
  pthread_t first;
  pthread_create(&first, NULL, waiter, NULL);
  two_threads(plain_waiter, completer);
  pthread_join(first, NULL);
  crossdep_lock_destroy(&queue);
  return 0;
}
