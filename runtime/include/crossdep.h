/* SPDX-License-Identifier: MIT
 *
 * crossdep.h: annotations for code whose synchronisation crossdep cannot see by itself - your own locks, completions,
 * work queues - and names and assertions for what it can see. For C (C99, GNU dialect) and C++.
 *
 * Nothing has to be linked. Each function looks for the runtime (libcrossdep.so, loaded by LD_PRELOAD or `crossdep run`)
 * and does nothing, at the price of one load and one branch, where it is absent. To leave even that out, define
 * CROSSDEP_DISABLED before including this file.
 *
 * The object an annotation speaks of is any address: of your lock structure, your queue, your request. It is only
 * compared, never read; it belongs to you. Names are copied. All functions may be called from any thread, before main and
 * after exit began, and none of them changes errno or blocks, except for printing a finding.
 *
 * Call order: request before you may block; acquired after you have the lock; release before you let go of it.
 */
#ifndef CROSSDEP_H
#define CROSSDEP_H

#ifdef __cplusplus
extern "C" {
#endif

/* What an object is. The numbers are part of the binary interface: never renumbered. */
enum {
  CROSSDEP_MUTEX = 0, CROSSDEP_SPIN = 1, CROSSDEP_RWLOCK = 2, CROSSDEP_RWSEM = 3,   /* locks */
  CROSSDEP_COMPLETION = 4, CROSSDEP_COND = 5, CROSSDEP_SEMAPHORE = 6, CROSSDEP_FUTURE = 7,   /* waited for */
  CROSSDEP_BARRIER = 8, CROSSDEP_LATCH = 9, CROSSDEP_ONCE = 10, CROSSDEP_GUARD = 11, CROSSDEP_THREAD = 12,
  CROSSDEP_PROCESS = 13, CROSSDEP_WORK = 14, CROSSDEP_WORKQUEUE = 15, CROSSDEP_FUTEX = 16, CROSSDEP_OTHER = 17
};

/* How a lock is asked for. A reader waits behind waiting writers, a recursive reader does not. */
enum { CROSSDEP_WRITE = 0, CROSSDEP_READ = 1, CROSSDEP_RECURSIVE_READ = 2 };

/* Properties of a request or wait, or-ed. TRY: it does not block. TIMED: it ends by itself. */
enum { CROSSDEP_TRY = 1, CROSSDEP_TIMED = 2 };

/* --- the runtime's side; not for direct use ----------------------------------------------------------------------- */

#ifndef CROSSDEP_DISABLED

extern void crossdep_rt_lock_init(const void *, const char *, unsigned, int) __attribute__((weak));
extern void crossdep_rt_name(const void *, const char *) __attribute__((weak));
extern void crossdep_rt_lock_destroy(const void *) __attribute__((weak));
extern void crossdep_rt_request(const void *, int, int, int) __attribute__((weak));
extern void crossdep_rt_acquired(const void *, int, int, int) __attribute__((weak));
extern void crossdep_rt_acquire(const void *, int, int, int) __attribute__((weak));
extern void crossdep_rt_release(const void *) __attribute__((weak));
extern void crossdep_rt_downgrade(const void *) __attribute__((weak));
extern void crossdep_rt_might_lock(const void *, int) __attribute__((weak));
extern void crossdep_rt_assert_held(const void *, int) __attribute__((weak));
extern void crossdep_rt_object_init(const void *, const char *, int) __attribute__((weak));
extern void crossdep_rt_wait_begin(const void *, int) __attribute__((weak));
extern void crossdep_rt_wait_end(const void *, int) __attribute__((weak));
extern void crossdep_rt_signal(const void *, unsigned) __attribute__((weak));
extern void crossdep_rt_work_queue(const void *, const void *) __attribute__((weak));
extern void crossdep_rt_work_begin(const void *, const void *) __attribute__((weak));
extern void crossdep_rt_work_end(const void *) __attribute__((weak));
extern void crossdep_rt_operation(const char *) __attribute__((weak));

/* In code that is not position-independent the linker would settle an absent weak symbol at 0 for good; taken through
 * the global offset table it is looked up when the program is loaded. */
#if defined(__x86_64__) && !defined(__PIC__) && !defined(__PIE__)
#define CROSSDEP_FIND_(function) \
  __extension__({ __typeof__(&function) crossdep_found_; \
    __asm__(".weak " #function "\n\tmovq " #function "@GOTPCREL(%%rip), %0" : "=r"(crossdep_found_)); crossdep_found_; })
#else
#define CROSSDEP_FIND_(function) (&function)
#endif
#define CROSSDEP_CALL_(function, arguments) \
  do { __typeof__(&function) crossdep_call_ = CROSSDEP_FIND_(function); \
    if (__builtin_expect(crossdep_call_ != 0, 0)) crossdep_call_ arguments; } while (0)

#else
#define CROSSDEP_CALL_(function, arguments) do { } while (0)
#endif

/* Inlined even without optimisation: the place reported is the caller's. */
#define CROSSDEP_INLINE_ static inline __attribute__((always_inline, unused))

/* --- locks --------------------------------------------------------------------------------------------------------- */

/* A lock begins its life at this address. All locks of one name and subclass form a class: they obey one ordering rule.
 * `kind` is one of CROSSDEP_MUTEX ... CROSSDEP_OTHER. Of a pthread object (call it after its pthread_*_init): puts it into
 * the class of this name. */
CROSSDEP_INLINE_ void crossdep_lock_init(const void *lock, const char *name, unsigned subclass, int kind) {
  (void)lock; (void)name; (void)subclass; (void)kind;
  CROSSDEP_CALL_(crossdep_rt_lock_init, (lock, name, subclass, kind));
}

/* Names an object crossdep sees by itself (a pthread_mutex_t, a sem_t ...), before or after its first use. */
CROSSDEP_INLINE_ void crossdep_name(const void *object, const char *name) {
  (void)object; (void)name;
  CROSSDEP_CALL_(crossdep_rt_name, (object, name));
}

/* Its life ends; a later object at the same address is a new one. Destroying a held lock is a finding. */
CROSSDEP_INLINE_ void crossdep_lock_destroy(const void *lock) {
  (void)lock;
  CROSSDEP_CALL_(crossdep_rt_lock_destroy, (lock));
}

/* Before the caller may block: the deadlock is judged, and reported, here. */
CROSSDEP_INLINE_ void crossdep_request(const void *lock, int mode, int flags) {
  (void)lock; (void)mode; (void)flags;
  CROSSDEP_CALL_(crossdep_rt_request, (lock, mode, flags, -1));
}

/* After it was obtained; mode and flags as in the request. After a TRY or TIMED request that failed: call nothing. */
CROSSDEP_INLINE_ void crossdep_acquired(const void *lock, int mode, int flags) {
  (void)lock; (void)mode; (void)flags;
  CROSSDEP_CALL_(crossdep_rt_acquired, (lock, mode, flags, -1));
}

/* request and acquired in one, where the lock is known to be obtained (or judged just before it is asked for). */
CROSSDEP_INLINE_ void crossdep_acquire(const void *lock, int mode, int flags) {
  (void)lock; (void)mode; (void)flags;
  CROSSDEP_CALL_(crossdep_rt_acquire, (lock, mode, flags, -1));
}

/* The same under another subclass (0 to 255) than the lock's own: a second lock of its class, nested in a fixed order. */
CROSSDEP_INLINE_ void crossdep_acquire_nested(const void *lock, int mode, int flags, unsigned subclass) {
  (void)lock; (void)mode; (void)flags; (void)subclass;
  CROSSDEP_CALL_(crossdep_rt_acquire, (lock, mode, flags, (int)subclass));
}

/* Before it is given up, in any order, by the thread that holds it. */
CROSSDEP_INLINE_ void crossdep_release(const void *lock) {
  (void)lock;
  CROSSDEP_CALL_(crossdep_rt_release, (lock));
}

/* From write to read, without letting go. */
CROSSDEP_INLINE_ void crossdep_downgrade(const void *lock) {
  (void)lock;
  CROSSDEP_CALL_(crossdep_rt_downgrade, (lock));
}

/* This code may take the lock, though it did not do so this time: judged as if it had. */
CROSSDEP_INLINE_ void crossdep_might_lock(const void *lock, int mode) {
  (void)lock; (void)mode;
  CROSSDEP_CALL_(crossdep_rt_might_lock, (lock, mode));
}

/* A finding unless the calling thread holds the lock: for writing, or, with CROSSDEP_READ, in any mode. */
CROSSDEP_INLINE_ void crossdep_assert_held(const void *lock, int mode) {
  (void)lock; (void)mode;
  CROSSDEP_CALL_(crossdep_rt_assert_held, (lock, mode));
}

/* --- what is waited for here and released elsewhere ------------------------------------------------------------------ */

CROSSDEP_INLINE_ void crossdep_completion_init(const void *completion, const char *name) {
  (void)completion; (void)name;
  CROSSDEP_CALL_(crossdep_rt_object_init, (completion, name, CROSSDEP_COMPLETION));
}

/* Around the wait; `flags` may hold CROSSDEP_TIMED. `matched`: not 0 if it was completed, 0 if the wait timed out. */
CROSSDEP_INLINE_ void crossdep_wait_begin(const void *completion, int flags) {
  (void)completion; (void)flags;
  CROSSDEP_CALL_(crossdep_rt_wait_begin, (completion, flags));
}
CROSSDEP_INLINE_ void crossdep_wait_end(const void *completion, int matched) {
  (void)completion; (void)matched;
  CROSSDEP_CALL_(crossdep_rt_wait_end, (completion, matched));
}

/* Before one waiter, or all of them, are let go. */
CROSSDEP_INLINE_ void crossdep_complete(const void *completion) {
  (void)completion;
  CROSSDEP_CALL_(crossdep_rt_signal, (completion, 1));
}
CROSSDEP_INLINE_ void crossdep_complete_all(const void *completion) {
  (void)completion;
  CROSSDEP_CALL_(crossdep_rt_signal, (completion, ~0u));
}

/* The same for anything that is waited for: `count` waits are released, ~0u for all. */
CROSSDEP_INLINE_ void crossdep_signal(const void *object, unsigned count) {
  (void)object; (void)count;
  CROSSDEP_CALL_(crossdep_rt_signal, (object, count));
}

/* --- work queues ------------------------------------------------------------------------------------------------------ */

/* A work item and a queue. A flush of either waits for work to end; work_end releases both. */
CROSSDEP_INLINE_ void crossdep_work_init(const void *work, const char *name) {
  (void)work; (void)name;
  CROSSDEP_CALL_(crossdep_rt_object_init, (work, name, CROSSDEP_WORK));
}
CROSSDEP_INLINE_ void crossdep_workqueue_init(const void *queue, const char *name) {
  (void)queue; (void)name;
  CROSSDEP_CALL_(crossdep_rt_object_init, (queue, name, CROSSDEP_WORKQUEUE));
}

/* The item is put into the queue (it does not run yet). */
CROSSDEP_INLINE_ void crossdep_work_queue(const void *work, const void *queue) {
  (void)work; (void)queue;
  CROSSDEP_CALL_(crossdep_rt_work_queue, (work, queue));
}

/* Around its running, in the thread that runs it: a context of its own, which holds none of the thread's locks. `queue`
 * may be null. */
CROSSDEP_INLINE_ void crossdep_work_begin(const void *work, const void *queue) {
  (void)work; (void)queue;
  CROSSDEP_CALL_(crossdep_rt_work_begin, (work, queue));
}
CROSSDEP_INLINE_ void crossdep_work_end(const void *work) {
  (void)work;
  CROSSDEP_CALL_(crossdep_rt_work_end, (work));
}

/* Around waiting for a work item, or for everything in a queue. */
CROSSDEP_INLINE_ void crossdep_flush_begin(const void *work_or_queue) {
  (void)work_or_queue;
  CROSSDEP_CALL_(crossdep_rt_wait_begin, (work_or_queue, 0));
}
CROSSDEP_INLINE_ void crossdep_flush_end(const void *work_or_queue) {
  (void)work_or_queue;
  CROSSDEP_CALL_(crossdep_rt_wait_end, (work_or_queue, 1));
}

/* --- rules ------------------------------------------------------------------------------------------------------------ */

/* Performs a named operation that a rule may forbid under a lock ("alloc", "io", "callback" ...). */
CROSSDEP_INLINE_ void crossdep_operation(const char *name) {
  (void)name;
  CROSSDEP_CALL_(crossdep_rt_operation, (name));
}

/* --- reports ------------------------------------------------------------------------------------------------------- */

/* The program may define this function; it is then called for each finding, after that was printed: `check` is its
 * id ("lock-order-cycle"), `verdict` how sure it is ("possible", "deadlock"), `text` the report, which is gone when the
 * function returns. It runs in the thread that made the finding, inside its lock operation and with whatever locks the
 * program holds there; what it locks itself is not observed. It may end the process (abort), but not leave by
 * an exception or longjmp. The runtime finds it when it is loaded, so it must be exported: from a program by -rdynamic or
 * -Wl,--export-dynamic-symbol=__crossdep_on_report, from a library it is linked to by default visibility. */
extern void __crossdep_on_report(const char *check, const char *verdict, const char *text)
    __attribute__((weak, visibility("default")));

#ifdef __cplusplus
}
#endif

#endif /* CROSSDEP_H */
