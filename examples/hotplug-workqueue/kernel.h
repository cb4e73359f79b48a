// SPDX-License-Identifier: MIT
//
// A kernel in miniature: the five parties of a deadlock found in a graphics driver in 2017, as threads of one program.
// kernel.c holds the four parties that are right and stay as they are; before.c and after.c hold the driver.
#pragma once

#include <pthread.h>
#include <stdbool.h>

struct workqueue { const char* name; };

/// The address space of one process; its lock is taken for writing to change the mappings, for reading to fault a page in.
struct mm {
  pthread_rwlock_t mmap_sem;
};

/// What the driver keeps per process, made when the process first hands it a range of user memory.
struct notifier { struct workqueue* queue; };

struct driver {
  pthread_mutex_t mm_lock;      // guards notifier
  struct notifier* notifier;
};

/// Allocating a work queue reads the set of processors, which must not change meanwhile: it takes the hotplug lock.
struct workqueue* alloc_workqueue(const char* name);
void destroy_workqueue(struct workqueue* queue);

/// In before.c and after.c: the first user pointer of a process needs a notifier. False if it cannot be had.
bool driver_init_notifier(struct driver* driver, struct mm* mm);
