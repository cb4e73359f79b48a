// EXPECT cross-release-cycle possible: flushes a work item while holding a lock that the item takes
// SPDX-License-Identifier: MIT
#include "crossdep.h"
#include "pair.h"

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static char work, queue;
static void* worker(void* unused) {
  crossdep_work_begin(&work, &queue);
  pthread_mutex_lock(&m);
  pthread_mutex_unlock(&m);
  crossdep_work_end(&work);
  return unused;
}
static void* flusher(void* unused) {
  usleep(100 * 1000);
  pthread_mutex_lock(&m);
  crossdep_flush_begin(&work);   // it has run already: nothing to wait for this time
  crossdep_flush_end(&work);
  pthread_mutex_unlock(&m);
  return unused;
}
int main(void) {
  crossdep_workqueue_init(&queue, "events");
  crossdep_work_init(&work, "refresh");
  crossdep_work_queue(&work, &queue);
  two_threads(worker, flusher);
  return 0;
}
