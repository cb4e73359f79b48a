// SPDX-License-Identifier: MIT
//
// pthread mutexes: normal, recursive, errorcheck, adaptive, robust, priority, process-shared; the traits are in
// mutex_family.h, because condition variables need them too.
//
// Threading: any thread.  Allocation: none here.
#include "interpose/mutex_family.h"

using namespace crossdep::runtime;

namespace {

constexpr std::uint8_t kTry = crossdep::engine::kTry, kTimed = crossdep::engine::kTimed;

}  // namespace

CROSSDEP_EXPORT int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
  return take<Mutex>(real.pthread_mutex_lock, Mode::kWrite, 0, CROSSDEP_CALLER, mutex);
}
CROSSDEP_EXPORT int pthread_mutex_unlock(pthread_mutex_t* mutex) noexcept {
  return give<Mutex>(real.pthread_mutex_unlock, CROSSDEP_CALLER, mutex);
}
CROSSDEP_EXPORT int pthread_mutex_trylock(pthread_mutex_t* mutex) noexcept {
  return take<Mutex>(real.pthread_mutex_trylock, Mode::kWrite, kTry, CROSSDEP_CALLER, mutex);
}
CROSSDEP_EXPORT int pthread_mutex_timedlock(pthread_mutex_t* mutex, const timespec* until) noexcept {
  return take<Mutex>(real.pthread_mutex_timedlock, Mode::kWrite, kTimed, CROSSDEP_CALLER, mutex, until);
}
CROSSDEP_EXPORT int pthread_mutex_clocklock(pthread_mutex_t* mutex, clockid_t clock, const timespec* until) noexcept {
  return take<Mutex>(real.pthread_mutex_clocklock, Mode::kWrite, kTimed, CROSSDEP_CALLER, mutex, clock, until);
}
CROSSDEP_EXPORT int pthread_mutex_init(pthread_mutex_t* mutex, const pthread_mutexattr_t* attributes) noexcept {
  return initialise<Mutex>(real.pthread_mutex_init, CROSSDEP_CALLER, mutex, attributes);
}
CROSSDEP_EXPORT int pthread_mutex_destroy(pthread_mutex_t* mutex) noexcept {
  return destroy<Mutex>(real.pthread_mutex_destroy, CROSSDEP_CALLER, mutex);
}
