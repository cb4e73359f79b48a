// SPDX-License-Identifier: MIT
//
// Condition variables: a wait gives up the mutex and gets it again; signal and broadcast release waits. glibc has two
// sets of functions on x86-64: version GLIBC_2.3.2 works on the object, GLIBC_2.2.5 (programs linked before 2002) keeps a
// pointer in it. A program is bound to one of them by version, so both are exported, and each calls its own.
// C11's cnd_* are here too: glibc calls past the interposers inside.
//
// Threading: any thread.  Allocation: none here.
#include "interpose/mutex_family.h"
#include "interpose/wait_call.h"

using namespace crossdep::runtime;
using crossdep::engine::Kind;
using crossdep::engine::kNone;
using crossdep::engine::kTimed;

namespace {

template <typename Condition>
struct CondOf {
  using Object = Condition;
  static constexpr Kind kKind = Kind::kCond;
  static constexpr int kDone = 0;
  static std::uint8_t flags(const Object*) noexcept { return 0; }
};
using Cond = CondOf<pthread_cond_t>;
using C11Cond = CondOf<cnd_t>;
static_assert(thrd_success == 0);

template <typename Family, typename MutexFamily, typename Function, typename... Arguments>
int wait(Function& function, std::uint8_t flags, Site site, typename Family::Object* cond,
         typename MutexFamily::Object* mutex, Arguments... until) {
  Waiting waiting;
  waiting.site = site;
  if (Inside inside = Inside::enter()) {
    waiting.crosslock = instance_of<Family>(inside, cond, site);
    waiting.mutex = instance_of<MutexFamily>(inside, mutex, site);
    wait_begin(inside, waiting.crosslock, waiting.mutex, flags, site);
  }
  if (waiting.crosslock == nullptr) return call_real(function, cond, mutex, until...);
  // Everything but success - a timeout, or an error that means it never waited - is a wait nobody ended.
  return wait_call(waiting, [](int result) { return MutexFamily::taken(result); }, function, cond, mutex, until...);
}

template <typename Family, typename Function>
int wake(Function& function, std::uint32_t count, Site site, typename Family::Object* cond) {
  if (Inside inside = Inside::enter()) signal(inside, instance_of<Family>(inside, cond, site), count, site);
  return call_real(function, cond);
}

}  // namespace

// SUFFIX: of our names; TABLE: the real functions.
#define CROSSDEP_COND_FUNCTIONS(SUFFIX, TABLE)                                                                         \
  CROSSDEP_EXPORT int cond_init##SUFFIX(pthread_cond_t* cond, const pthread_condattr_t* attributes) noexcept {         \
    return initialise<Cond>(TABLE.pthread_cond_init, CROSSDEP_CALLER, cond, attributes);                               \
  }                                                                                                                    \
  CROSSDEP_EXPORT int cond_destroy##SUFFIX(pthread_cond_t* cond) noexcept {                                            \
    return destroy<Cond>(TABLE.pthread_cond_destroy, CROSSDEP_CALLER, cond);                                           \
  }                                                                                                                    \
  CROSSDEP_EXPORT int cond_wait##SUFFIX(pthread_cond_t* cond, pthread_mutex_t* mutex) {                                \
    return wait<Cond, Mutex>(TABLE.pthread_cond_wait, 0, CROSSDEP_CALLER, cond, mutex);                                \
  }                                                                                                                    \
  CROSSDEP_EXPORT int cond_timedwait##SUFFIX(pthread_cond_t* cond, pthread_mutex_t* mutex, const timespec* until) {    \
    return wait<Cond, Mutex>(TABLE.pthread_cond_timedwait, kTimed, CROSSDEP_CALLER, cond, mutex, until);               \
  }                                                                                                                    \
  CROSSDEP_EXPORT int cond_signal##SUFFIX(pthread_cond_t* cond) noexcept {                                             \
    return wake<Cond>(TABLE.pthread_cond_signal, 1, CROSSDEP_CALLER, cond);                                            \
  }                                                                                                                    \
  CROSSDEP_EXPORT int cond_broadcast##SUFFIX(pthread_cond_t* cond) noexcept {                                          \
    return wake<Cond>(TABLE.pthread_cond_broadcast, kNone, CROSSDEP_CALLER, cond);                                     \
  }

#ifdef CROSSDEP_OLD_COND
// libcrossdep.map defines the two versions.
CROSSDEP_COND_FUNCTIONS(_new, real)
CROSSDEP_COND_FUNCTIONS(_old, real_old_cond)
#define CROSSDEP_COND_VERSIONS(name)                                          \
  __asm__(".symver cond_" #name "_new, pthread_cond_" #name "@@GLIBC_2.3.2"); \
  __asm__(".symver cond_" #name "_old, pthread_cond_" #name "@GLIBC_2.2.5");
CROSSDEP_COND_VERSIONS(init)
CROSSDEP_COND_VERSIONS(destroy)
CROSSDEP_COND_VERSIONS(wait)
CROSSDEP_COND_VERSIONS(timedwait)
CROSSDEP_COND_VERSIONS(signal)
CROSSDEP_COND_VERSIONS(broadcast)
#else
#define cond_init pthread_cond_init
#define cond_destroy pthread_cond_destroy
#define cond_wait pthread_cond_wait
#define cond_timedwait pthread_cond_timedwait
#define cond_signal pthread_cond_signal
#define cond_broadcast pthread_cond_broadcast
CROSSDEP_COND_FUNCTIONS(, real)
#endif

CROSSDEP_EXPORT int pthread_cond_clockwait(pthread_cond_t* cond, pthread_mutex_t* mutex, clockid_t clock,
                                           const timespec* until) {
  return wait<Cond, Mutex>(real.pthread_cond_clockwait, kTimed, CROSSDEP_CALLER, cond, mutex, clock, until);
}

CROSSDEP_EXPORT int cnd_init(cnd_t* cond) { return initialise<C11Cond>(real.cnd_init, CROSSDEP_CALLER, cond); }
CROSSDEP_EXPORT void cnd_destroy(cnd_t* cond) { destroy<C11Cond>(real.cnd_destroy, CROSSDEP_CALLER, cond); }
CROSSDEP_EXPORT int cnd_wait(cnd_t* cond, mtx_t* mutex) {
  return wait<C11Cond, C11Mutex>(real.cnd_wait, 0, CROSSDEP_CALLER, cond, mutex);
}
CROSSDEP_EXPORT int cnd_timedwait(cnd_t* cond, mtx_t* mutex, const timespec* until) {
  return wait<C11Cond, C11Mutex>(real.cnd_timedwait, kTimed, CROSSDEP_CALLER, cond, mutex, until);
}
CROSSDEP_EXPORT int cnd_signal(cnd_t* cond) { return wake<C11Cond>(real.cnd_signal, 1, CROSSDEP_CALLER, cond); }
CROSSDEP_EXPORT int cnd_broadcast(cnd_t* cond) { return wake<C11Cond>(real.cnd_broadcast, kNone, CROSSDEP_CALLER, cond); }
