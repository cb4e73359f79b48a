// SPDX-License-Identifier: MIT
//
// The driver as it was: the work queue is allocated where it is needed, inside mmap_sem and mm_lock. alloc_workqueue()
// takes the hotplug lock, so mm_lock -> cpu_hotplug_lock, and the circle of kernel.c is closed.
#include <stdlib.h>

#include "kernel.h"

bool driver_init_notifier(struct driver* driver, struct mm* mm) {
  bool ready = true;
  pthread_rwlock_wrlock(&mm->mmap_sem);
  pthread_mutex_lock(&driver->mm_lock);
  if (driver->notifier == NULL) {
    struct notifier* fresh = malloc(sizeof *fresh);
    struct workqueue* queue = fresh != NULL ? alloc_workqueue("userptr-release") : NULL;
    if (queue != NULL) {
      fresh->queue = queue;
      driver->notifier = fresh;
    } else {
      free(fresh);
      ready = false;
    }
  }
  pthread_mutex_unlock(&driver->mm_lock);
  pthread_rwlock_unlock(&mm->mmap_sem);
  return ready;
}
