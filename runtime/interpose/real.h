// SPDX-License-Identifier: MIT
//
// The real functions: what each interposer calls in the end. One list of names; the table is filled in one go, by our own
// symbol lookup (core/elf_lookup.h), the first time anything of ours runs.
//
// A function the C library does not have (an old one) stays null; nobody can have linked against it either.
// Threading: filling writes the same values every time.  Allocation: none.
#pragma once

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
#define CROSSDEP_COND_VERSION "GLIBC_2.3.2"
#define CROSSDEP_OLD_COND 1
#else
#define CROSSDEP_COND_VERSION nullptr
#endif

// F(name) for every function of the default version.
#define CROSSDEP_REAL_FUNCTIONS(F)                                                                                     \
  F(pthread_mutex_init) F(pthread_mutex_destroy) F(pthread_mutex_lock) F(pthread_mutex_trylock)                        \
  F(pthread_mutex_timedlock) F(pthread_mutex_clocklock) F(pthread_mutex_unlock)                                        \
  F(pthread_rwlock_init) F(pthread_rwlock_destroy) F(pthread_rwlock_rdlock) F(pthread_rwlock_tryrdlock)                \
  F(pthread_rwlock_timedrdlock) F(pthread_rwlock_clockrdlock) F(pthread_rwlock_wrlock) F(pthread_rwlock_trywrlock)     \
  F(pthread_rwlock_timedwrlock) F(pthread_rwlock_clockwrlock) F(pthread_rwlock_unlock)                                 \
  F(pthread_spin_init) F(pthread_spin_destroy) F(pthread_spin_lock) F(pthread_spin_trylock) F(pthread_spin_unlock)     \
  F(sem_init) F(sem_destroy) F(sem_open) F(sem_close) F(sem_wait) F(sem_trywait) F(sem_timedwait) F(sem_clockwait)     \
  F(sem_post) F(pthread_barrier_init) F(pthread_barrier_destroy) F(pthread_barrier_wait) F(pthread_once)               \
  F(pthread_create) F(pthread_join) F(pthread_tryjoin_np) F(pthread_timedjoin_np) F(pthread_clockjoin_np)              \
  F(pthread_detach) F(pthread_setname_np) F(prctl)                                                                      \
  F(mtx_init) F(mtx_destroy) F(mtx_lock) F(mtx_trylock) F(mtx_timedlock) F(mtx_unlock)                                 \
  F(cnd_init) F(cnd_destroy) F(cnd_wait) F(cnd_timedwait) F(cnd_signal) F(cnd_broadcast)                               \
  F(thrd_create) F(thrd_join) F(thrd_detach)                                                                           \
  F(fork) F(_exit) F(_Exit) F(quick_exit)                                                                              \
  F(dlclose) F(execve) F(execv) F(execvp) F(execvpe) F(fexecve)                                                  \
  F(sigaction) F(signal) F(pthread_sigmask) F(sigprocmask)                                                             \
  F(malloc) F(calloc) F(realloc) F(reallocarray) F(memalign) F(aligned_alloc) F(posix_memalign) F(free) F(munmap) \
  F(dlopen) F(dlsym) F(dl_iterate_phdr) F(fcntl) F(flock) F(lockf) F(close) F(fclose) F(dup2) F(dup3)                           \
  F(flockfile) F(ftrylockfile) F(funlockfile) F(sleep) F(usleep) F(nanosleep) F(clock_nanosleep) F(thrd_sleep)

// F(name) for the condition variables, which have two versions where CROSSDEP_OLD_COND is defined.
#define CROSSDEP_REAL_COND_FUNCTIONS(F)                                                                                \
  F(pthread_cond_init) F(pthread_cond_destroy) F(pthread_cond_wait) F(pthread_cond_timedwait) F(pthread_cond_signal)   \
  F(pthread_cond_broadcast)

namespace crossdep::runtime {

struct RealFunctions {
#define CROSSDEP_MEMBER(name) decltype(&::name) name;
  CROSSDEP_REAL_FUNCTIONS(CROSSDEP_MEMBER)
  CROSSDEP_REAL_COND_FUNCTIONS(CROSSDEP_MEMBER)
#undef CROSSDEP_MEMBER
  int (*pthread_cond_clockwait)(pthread_cond_t*, pthread_mutex_t*, clockid_t, const struct timespec*);
  pid_t (*_Fork)();
  int (*daemon)(int, int);
  // Declared noreturn, which is no part of a pointer's type; one of them by no header.
  void (*longjmp)(struct __jmp_buf_tag*, int);
  void (*_longjmp)(struct __jmp_buf_tag*, int);
  void (*siglongjmp)(struct __jmp_buf_tag*, int);
  void (*__longjmp_chk)(struct __jmp_buf_tag*, int);
};
/// Valid once find_real_functions() was called.
extern RealFunctions real;

#ifdef CROSSDEP_OLD_COND
struct OldCondFunctions {
#define CROSSDEP_MEMBER(name) decltype(&::name) name;
  CROSSDEP_REAL_COND_FUNCTIONS(CROSSDEP_MEMBER)
#undef CROSSDEP_MEMBER
};
extern OldCondFunctions real_old_cond;
#endif

void find_real_functions() noexcept;

}  // namespace crossdep::runtime
