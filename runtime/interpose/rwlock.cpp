// SPDX-License-Identifier: MIT
//
// pthread read-write locks. The kind decides how readers block: glibc's default (and PREFER_WRITER_NP, which it treats the
// same) lets readers in past waiting writers, so a read lock never blocks on readers: a recursive reader in the engine's
// words; PREFER_WRITER_NONRECURSIVE_NP makes new readers wait behind a waiting writer: a plain reader.
//
// Threading: any thread.  Allocation: none here.
#include "interpose/lock_call.h"

using namespace crossdep::runtime;
using crossdep::engine::Kind;

namespace {

struct Rwlock {
  using Object = pthread_rwlock_t;
  static constexpr Kind kKind = Kind::kRwlock;
  static constexpr int kDone = 0;
  static std::uint8_t flags(const Object*) noexcept { return 0; }
  static bool taken(int result) noexcept { return result == 0; }
};

Mode reader(const pthread_rwlock_t* lock) noexcept {
  return lock->__data.__flags == PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP ? Mode::kRead : Mode::kRecursiveRead;
}

constexpr std::uint8_t kTry = crossdep::engine::kTry, kTimed = crossdep::engine::kTimed;

}  // namespace

CROSSDEP_EXPORT int pthread_rwlock_rdlock(pthread_rwlock_t* lock) noexcept {
  return take<Rwlock>(real.pthread_rwlock_rdlock, reader(lock), 0, CROSSDEP_CALLER, lock);
}
CROSSDEP_EXPORT int pthread_rwlock_tryrdlock(pthread_rwlock_t* lock) noexcept {
  return take<Rwlock>(real.pthread_rwlock_tryrdlock, reader(lock), kTry, CROSSDEP_CALLER, lock);
}
CROSSDEP_EXPORT int pthread_rwlock_timedrdlock(pthread_rwlock_t* lock, const timespec* until) noexcept {
  return take<Rwlock>(real.pthread_rwlock_timedrdlock, reader(lock), kTimed, CROSSDEP_CALLER, lock, until);
}
CROSSDEP_EXPORT int pthread_rwlock_clockrdlock(pthread_rwlock_t* lock, clockid_t clock, const timespec* until) noexcept {
  return take<Rwlock>(real.pthread_rwlock_clockrdlock, reader(lock), kTimed, CROSSDEP_CALLER, lock, clock, until);
}
CROSSDEP_EXPORT int pthread_rwlock_wrlock(pthread_rwlock_t* lock) noexcept {
  return take<Rwlock>(real.pthread_rwlock_wrlock, Mode::kWrite, 0, CROSSDEP_CALLER, lock);
}
CROSSDEP_EXPORT int pthread_rwlock_trywrlock(pthread_rwlock_t* lock) noexcept {
  return take<Rwlock>(real.pthread_rwlock_trywrlock, Mode::kWrite, kTry, CROSSDEP_CALLER, lock);
}
CROSSDEP_EXPORT int pthread_rwlock_timedwrlock(pthread_rwlock_t* lock, const timespec* until) noexcept {
  return take<Rwlock>(real.pthread_rwlock_timedwrlock, Mode::kWrite, kTimed, CROSSDEP_CALLER, lock, until);
}
CROSSDEP_EXPORT int pthread_rwlock_clockwrlock(pthread_rwlock_t* lock, clockid_t clock, const timespec* until) noexcept {
  return take<Rwlock>(real.pthread_rwlock_clockwrlock, Mode::kWrite, kTimed, CROSSDEP_CALLER, lock, clock, until);
}
CROSSDEP_EXPORT int pthread_rwlock_unlock(pthread_rwlock_t* lock) noexcept {
  return give<Rwlock>(real.pthread_rwlock_unlock, CROSSDEP_CALLER, lock);
}
CROSSDEP_EXPORT int pthread_rwlock_init(pthread_rwlock_t* lock, const pthread_rwlockattr_t* attributes) noexcept {
  return initialise<Rwlock>(real.pthread_rwlock_init, CROSSDEP_CALLER, lock, attributes);
}
CROSSDEP_EXPORT int pthread_rwlock_destroy(pthread_rwlock_t* lock) noexcept {
  return destroy<Rwlock>(real.pthread_rwlock_destroy, CROSSDEP_CALLER, lock);
}
