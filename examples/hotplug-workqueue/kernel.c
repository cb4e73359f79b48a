// SPDX-License-Identifier: MIT
//
// The story, told by five threads, each at its own hour:
//
//   swapper/0    boots: sets up a processor state. It keeps the set of processors still (cpu_hotplug_lock, read), owns
//                the table of states (cpuhp_state_mutex), and has the hotplug thread run the state's callback.
//   cpuhp/0      runs the callback, which creates a device node and waits until it is there.
//   kdevtmpfs    creates device nodes for others: locks the directory (i_mutex, write), makes the node, says "done".
//   ls           reads that directory: holds i_mutex (read) while it copies names to user memory, where a page may be
//                missing: the fault takes mmap_sem (read).
//   prime_mmap   hands user memory to the graphics driver: mmap_sem (write), then the driver's mm_lock, and inside both
//                the driver allocates a work queue, which takes cpu_hotplug_lock (read).   See before.c.
//
// Nobody is wrong alone. Together: prime_mmap waits for the hotplug lock (a writer is queued), whose holder waits for
// cpuhp/0, which waits for kdevtmpfs, which waits for the directory, whose reader waits for mmap_sem, which prime_mmap
// holds. No lock is held across the middle of it, only a promise: "done" comes from another thread. An analysis of lock
// orders alone cannot see it.
//
// The threads are kept apart by time, as they were in life (boot, a directory listing, a frame to draw), and so this
// program always ends. They are not kept apart by synchronisation: nothing excludes that they meet.
#define _GNU_SOURCE
#include "kernel.h"

#include <linux/futex.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "crossdep.h"

// --- the program's own primitives, over a futex word ------------------------------------------------------------------

static void sleep_until_changed(atomic_uint* word, unsigned seen) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}

static void wake_all(atomic_uint* word) { syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1 << 30, NULL, NULL, 0); }

static void pass_time(unsigned milliseconds) { usleep(milliseconds * 1000); }

/// One thread waits for it, another one releases it. The annotations are all that crossdep needs to know of it.
struct completion { atomic_uint done; };

static void init_completion(struct completion* c, const char* name) {
  atomic_init(&c->done, 0);
  crossdep_completion_init(c, name);
}

static void wait_for_completion(struct completion* c) {
  crossdep_wait_begin(c, 0);
  while (atomic_load(&c->done) == 0) sleep_until_changed(&c->done, 0);
  crossdep_wait_end(c, 1);
}

static void complete(struct completion* c) {
  crossdep_complete(c);
  atomic_store(&c->done, 1);
  wake_all(&c->done);
}

/// A thread's doorbell: how work is handed to it. Not annotated: what the caller waits for is said where it waits.
struct doorbell { atomic_uint rung; };

static void ring(struct doorbell* bell) {
  atomic_fetch_add(&bell->rung, 1);
  wake_all(&bell->rung);
}

static void await_ring(struct doorbell* bell, unsigned times) {
  for (unsigned n = atomic_load(&bell->rung); n < times; n = atomic_load(&bell->rung)) sleep_until_changed(&bell->rung, n);
}

/// A reader-writer lock as the kernel's: a waiting writer holds back new readers, so a reader can wait for a reader.
static void init_rwsem(pthread_rwlock_t* lock, const char* name) {
  crossdep_name(lock, name);
  pthread_rwlockattr_t attributes;
  pthread_rwlockattr_init(&attributes);
  pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
  pthread_rwlock_init(lock, &attributes);
  pthread_rwlockattr_destroy(&attributes);
}

// --- device nodes: devtmpfs -------------------------------------------------------------------------------------------

static pthread_rwlock_t directory_lock;   // the inode lock of /dev

struct node_request {
  const char* name;
  struct completion done;
};

static struct node_request* _Atomic pending_request;
static struct doorbell devtmpfs_bell;

static void handle_create(struct node_request* request) {
  pthread_rwlock_wrlock(&directory_lock);
  printf("kdevtmpfs: created /dev/%s\n", request->name);
  pthread_rwlock_unlock(&directory_lock);
}

static void* devtmpfsd(void* unused) {
  await_ring(&devtmpfs_bell, 1);
  pass_time(50);   // by now whoever asked is waiting
  struct node_request* request = atomic_load(&pending_request);
  handle_create(request);
  complete(&request->done);
  return unused;
}

static void devtmpfs_create_node(const char* name) {
  struct node_request request = {.name = name};
  init_completion(&request.done, "(complete)&req.done");
  atomic_store(&pending_request, &request);
  ring(&devtmpfs_bell);
  wait_for_completion(&request.done);
}

// --- processors come and go: cpu hotplug -------------------------------------------------------------------------------

static pthread_rwlock_t cpu_hotplug_lock;   // readers keep the set of processors as it is
static pthread_mutex_t cpuhp_state_mutex = PTHREAD_MUTEX_INITIALIZER;   // the table of states
static char cpuhp_state;   // no lock: stands for "the hotplug thread is at work", which issuers wait for

static struct doorbell cpuhp_bell, issuer_bell;

static void cpus_read_lock(void) { pthread_rwlock_rdlock(&cpu_hotplug_lock); }
static void cpus_read_unlock(void) { pthread_rwlock_unlock(&cpu_hotplug_lock); }

static void msr_device_create(void) { devtmpfs_create_node("cpu/0/msr"); }

static void cpuhp_invoke_callback(void) { msr_device_create(); }

static void* cpuhp_thread_fun(void* unused) {
  await_ring(&cpuhp_bell, 1);
  crossdep_acquire(&cpuhp_state, CROSSDEP_WRITE, 0);
  cpuhp_invoke_callback();
  crossdep_release(&cpuhp_state);
  ring(&issuer_bell);
  return unused;
}

static void cpuhp_issue_call(void) {
  crossdep_acquire(&cpuhp_state, CROSSDEP_WRITE, 0);   // from here on we depend on what the hotplug thread needs
  crossdep_release(&cpuhp_state);
  ring(&cpuhp_bell);
  await_ring(&issuer_bell, 1);
}

static void cpuhp_setup_state(const char* state) {
  cpus_read_lock();
  pthread_mutex_lock(&cpuhp_state_mutex);
  cpuhp_issue_call();
  printf("swapper/0: state %s is set up\n", state);
  pthread_mutex_unlock(&cpuhp_state_mutex);
  cpus_read_unlock();
}

// --- work queues -------------------------------------------------------------------------------------------------------

static void apply_workqueue_attrs(struct workqueue* queue) {
  cpus_read_lock();
  printf("%s: a worker for each processor\n", queue->name);
  cpus_read_unlock();
}

struct workqueue* alloc_workqueue(const char* name) {
  struct workqueue* queue = malloc(sizeof *queue);
  if (queue == NULL) return NULL;
  queue->name = name;
  apply_workqueue_attrs(queue);
  return queue;
}

void destroy_workqueue(struct workqueue* queue) { free(queue); }

// --- what user programs do -----------------------------------------------------------------------------------------------

static struct mm user_mm;
static struct driver driver = {.mm_lock = PTHREAD_MUTEX_INITIALIZER};

static void copy_to_user(const char* name) {
  pthread_rwlock_rdlock(&user_mm.mmap_sem);   // the page is missing: fault it in
  printf("ls: %s\n", name);
  pthread_rwlock_unlock(&user_mm.mmap_sem);
}

static void iterate_dir(void) {
  pthread_rwlock_rdlock(&directory_lock);
  copy_to_user("cpu/0/msr");
  pthread_rwlock_unlock(&directory_lock);
}

static void userptr_ioctl(void) {
  if (driver_init_notifier(&driver, &user_mm)) puts("prime_mmap: user memory is watched");
  else puts("prime_mmap: no memory for a notifier");
}

// --- the day ----------------------------------------------------------------------------------------------------------

enum { kBoot = 100, kListing = 400, kDrawing = 700 };   // milliseconds

static void* swapper(void* unused) {
  pass_time(kBoot);
  cpuhp_setup_state("x86/msr:online");
  return unused;
}

static void* ls(void* unused) {
  pass_time(kListing);
  iterate_dir();
  return unused;
}

static void* prime_mmap(void* unused) {
  pass_time(kDrawing);
  userptr_ioctl();
  userptr_ioctl();   // the second range finds the notifier there
  return unused;
}

static pthread_t start(const char* name, void* (*body)(void*)) {
  pthread_t thread;
  prctl(PR_SET_NAME, name);   // a thread inherits its maker's name, and so has its own from the first moment
  if (pthread_create(&thread, NULL, body, NULL) != 0) {
    perror("pthread_create");
    exit(1);
  }
  return thread;
}

int main(void) {
  init_rwsem(&cpu_hotplug_lock, "cpu_hotplug_lock.rw_sem");
  init_rwsem(&directory_lock, "&sb->s_type->i_mutex_key#5");
  init_rwsem(&user_mm.mmap_sem, "&mm->mmap_sem");
  crossdep_name(&driver.mm_lock, "&dev_priv->mm_lock");
  crossdep_lock_init(&cpuhp_state, "cpuhp_state", 0, CROSSDEP_MUTEX);

  pthread_t threads[] = {start("kdevtmpfs", devtmpfsd), start("cpuhp/0", cpuhp_thread_fun), start("swapper/0", swapper),
                         start("ls", ls), start("prime_mmap", prime_mmap)};
  for (unsigned i = 0; i < sizeof threads / sizeof threads[0]; ++i) pthread_join(threads[i], NULL);
  if (driver.notifier != NULL) {
    destroy_workqueue(driver.notifier->queue);
    free(driver.notifier);
  }
  return 0;
}
