// SPDX-License-Identifier: MIT
//
// The driver as it should be: everything that can wait is done before the locks are taken. Under them the notifier is
// only installed - or, if another thread was first, left alone and given back afterwards. A failed allocation matters
// only if nobody else has a notifier to offer, so it is looked at inside; and the section has one way out.
#include <stdlib.h>

#include "kernel.h"

static struct notifier* make_notifier(void) {
  struct notifier* fresh = malloc(sizeof *fresh);
  if (fresh == NULL) return NULL;
  fresh->queue = alloc_workqueue("userptr-release");
  if (fresh->queue == NULL) {
    free(fresh);
    return NULL;
  }
  return fresh;
}

static void free_notifier(struct notifier* notifier) {
  if (notifier == NULL) return;
  destroy_workqueue(notifier->queue);
  free(notifier);
}

bool driver_init_notifier(struct driver* driver, struct mm* mm) {
  struct notifier* spare = make_notifier();
  pthread_rwlock_wrlock(&mm->mmap_sem);
  pthread_mutex_lock(&driver->mm_lock);
  if (driver->notifier == NULL) {
    driver->notifier = spare;
    spare = NULL;
  }
  const bool ready = driver->notifier != NULL;
  pthread_mutex_unlock(&driver->mm_lock);
  pthread_rwlock_unlock(&mm->mmap_sem);
  free_notifier(spare);
  return ready;
}
