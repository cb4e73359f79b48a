// SPDX-License-Identifier: MIT
//
// POSIX semaphores, unnamed and named. A sem_wait that finds a token is no wait and makes no dependency; one that would
// block is a wait for whoever posts. sem_post releases one wait. A named semaphore's class is its name.
// One that is made with a single token, for this process alone, is a lock until another thread than took the token is seen
// to give it back, or the same one takes it twice.
//
// Threading: any thread.  Allocation: none here.
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>

#include "interpose/wait_call.h"

using namespace crossdep::runtime;
using crossdep::engine::Kind;
using crossdep::engine::kTimed;
using crossdep::engine::kToken;
using crossdep::engine::kTry;

namespace {

struct Semaphore {
  using Object = sem_t;
  static constexpr Kind kKind = Kind::kSemaphore;
  static constexpr int kDone = 0;
  static std::uint8_t flags(const Object*) noexcept { return 0; }
};

LockInstance* token_of(sem_t* semaphore) noexcept {
  LockInstance* known = identity.find(semaphore);
  return known != nullptr && (known->flags & kToken) ? known : nullptr;
}

// Asked for like a lock; nullptr: it is none (any more).
LockInstance* request_token(std::uint8_t flags, Site site, sem_t* semaphore) noexcept {
  Inside inside = Inside::enter();
  if (!inside) return nullptr;
  LockInstance* token = token_of(semaphore);
  if (token == nullptr) return nullptr;
  request(inside, token, Mode::kWrite, flags, site);
  return (token->flags & kToken) ? token : nullptr;
}

// What came of it. Somebody may have given it back meanwhile who did not hold it: then it is none.
void token_requested(LockInstance* token, bool got, std::uint8_t flags, Site site) noexcept {
  Inside inside = Inside::enter();
  if (!inside) return;
  if (got && (token->flags & kToken)) acquired(inside, token, Mode::kWrite, flags, site);
  else failed(inside, token);
}
void token_cancelled(void* token) noexcept { token_requested(static_cast<LockInstance*>(token), false, 0, 0); }

template <typename Function, typename... Arguments>
int wait(Function& function, std::uint8_t flags, Site site, sem_t* semaphore, Arguments... until) {
  if (LockInstance* token = request_token(flags, site, semaphore)) {
    int result;
    pthread_cleanup_push(token_cancelled, token);
    result = call_real(function, semaphore, until...);
    pthread_cleanup_pop(0);
    token_requested(token, result == 0, flags, site);
    return result;
  }
  // What sem_wait itself does first; its error is not the caller's to see.
  pthread_testcancel();
  const int error = errno;
  if (call_real(real.sem_trywait, semaphore) == 0) return 0;
  const bool empty = errno == EAGAIN;
  errno = error;
  Waiting waiting;
  waiting.site = site;
  if (empty) {
    if (Inside inside = Inside::enter()) {
      waiting.crosslock = instance_of<Semaphore>(inside, semaphore, site);
      wait_begin(inside, waiting.crosslock, nullptr, flags, site);
    }
  }
  if (waiting.crosslock == nullptr) return call_real(function, semaphore, until...);
  return wait_call(waiting, [](int result) { return result == 0; }, function, semaphore, until...);
}

}  // namespace

CROSSDEP_EXPORT int sem_wait(sem_t* semaphore) {
  return wait(real.sem_wait, 0, CROSSDEP_CALLER, semaphore);
}
CROSSDEP_EXPORT int sem_timedwait(sem_t* semaphore, const timespec* until) {
  return wait(real.sem_timedwait, kTimed, CROSSDEP_CALLER, semaphore, until);
}
CROSSDEP_EXPORT int sem_clockwait(sem_t* semaphore, clockid_t clock, const timespec* until) {
  return wait(real.sem_clockwait, kTimed, CROSSDEP_CALLER, semaphore, clock, until);
}
CROSSDEP_EXPORT int sem_trywait(sem_t* semaphore) noexcept {
  const Site site = CROSSDEP_CALLER;
  const int result = call_real(real.sem_trywait, semaphore);
  if (result == 0)
    if (LockInstance* token = request_token(kTry, site, semaphore)) token_requested(token, true, kTry, site);
  return result;
}
CROSSDEP_EXPORT int sem_post(sem_t* semaphore) noexcept {
  // Legal in a signal handler; the guard keeps a handler that interrupts us out.
  const Site site = CROSSDEP_CALLER;
  if (Inside inside = Inside::enter())
    if (LockInstance* known = identity.find(semaphore)) {
      if (known->flags & kToken) release(inside, known, site);
      if ((known->flags & kToken) == 0) signal(inside, known, 1, site);
    }
  return call_real(real.sem_post, semaphore);
}
CROSSDEP_EXPORT int sem_init(sem_t* semaphore, int shared, unsigned value) noexcept {
  const Site site = CROSSDEP_CALLER;
  const int result = call_real(real.sem_init, semaphore, shared, value);
  if (result == 0)
    if (Inside inside = Inside::enter())
      identity.initialised(inside, semaphore, Kind::kSemaphore, value == 1 && shared == 0 ? kToken : 0, site);
  return result;
}
CROSSDEP_EXPORT int sem_destroy(sem_t* semaphore) noexcept {
  return destroy<Semaphore>(real.sem_destroy, CROSSDEP_CALLER, semaphore);
}
CROSSDEP_EXPORT sem_t* sem_open(const char* name, int flags, ...) noexcept {
  mode_t mode = 0;
  unsigned value = 0;
  if ((flags & O_CREAT) != 0) {
    va_list rest;
    va_start(rest, flags);
    mode = va_arg(rest, mode_t);
    value = va_arg(rest, unsigned);
    va_end(rest);
  }
  if (real.sem_open == nullptr) find_real_functions();
  sem_t* semaphore = real.sem_open(name, flags, mode, value);
  if (semaphore == SEM_FAILED) return semaphore;
  // The same semaphore opened twice is the same object.
  if (Inside inside = Inside::enter())
    if (identity.find(semaphore) == nullptr)
      identity.named(inside, semaphore, name, true, Kind::kSemaphore, 0, CROSSDEP_CALLER);
  return semaphore;
}
