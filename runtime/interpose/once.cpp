// SPDX-License-Identifier: MIT
//
// What is initialised once: pthread_once(), C11's call_once(), and the guards of C++'s static locals. A lock, held for
// writing by whoever runs the initialisation; others wait for it. Where all is done already one load tells, and there is
// no event.
//
// std::call_once() goes through pthread_once() and may throw through it, which nothing here could see: it is passed on
// unobserved. The guards have an end of their own for that (__cxa_guard_abort).
// Threading: any thread.  Allocation: none here.
#include "core/elf_lookup.h"
#include "core/modules.h"
#include "interpose/lock_call.h"

using namespace crossdep::runtime;
using crossdep::engine::Kind;

namespace {

struct Once {
  using Object = pthread_once_t;
  static constexpr Kind kKind = Kind::kOnce;
  static std::uint8_t flags(const Object*) noexcept { return 0; }
  static constexpr int kFinished = 2;   // glibc's __PTHREAD_ONCE_DONE
};
struct Guard {
  using Object = std::uint64_t;
  static constexpr Kind kKind = Kind::kGuard;
  static std::uint8_t flags(const Object*) noexcept { return 0; }
};

// What this thread is about to initialise, for run(), which gets no argument.
struct Initialisation {
  LockInstance* lock;
  void (*routine)();
  Site site;
};
thread_local constinit Initialisation* starting __attribute__((tls_model("initial-exec"))) = nullptr;

void run() {
  const Initialisation mine = *starting;   // the routine may initialise something else
  starting->routine = nullptr;
  if (Inside inside = Inside::enter()) acquired(inside, mine.lock, Mode::kWrite, 0, mine.site);
  mine.routine();
  if (Inside inside = Inside::enter()) release(inside, mine.lock, mine.site);
}

template <typename Function>
auto initialise_once(Function& function, pthread_once_t* control, void (*routine)(), Site site) {
  Initialisation mine{nullptr, routine, site};
  if (__atomic_load_n(control, __ATOMIC_ACQUIRE) != Once::kFinished && !modules.is_cxx_library(reinterpret_cast<std::uint64_t>(routine))) {
    if (Inside inside = Inside::enter()) {
      mine.lock = instance_of<Once>(inside, control, site);
      request(inside, mine.lock, Mode::kWrite, 0, site);
    }
  }
  if (mine.lock == nullptr) return call_real(function, control, routine);
  Initialisation* const outer = starting;
  starting = &mine;
  if constexpr (std::is_void_v<decltype(function(control, run))>) {
    call_real(function, control, run);
    starting = outer;
    if (mine.routine != nullptr)
      if (Inside inside = Inside::enter()) failed(inside, mine.lock);
  } else {
    const auto result = call_real(function, control, run);
    starting = outer;
    if (mine.routine != nullptr)   // somebody else did it
      if (Inside inside = Inside::enter()) failed(inside, mine.lock);
    return result;
  }
}

// In libstdc++, which may be loaded long after us.
struct GuardFunctions {
  int (*acquire)(std::uint64_t*);
  void (*release)(std::uint64_t*);
  void (*abort)(std::uint64_t*);
};
constinit GuardFunctions guards{};

template <typename Function>
Function& found(Function& function, const char* name) noexcept {
  if (function == nullptr) function = reinterpret_cast<Function>(next_definition(name, nullptr));
  return function;
}

void over(std::uint64_t* guard, Site site) noexcept {
  if (Inside inside = Inside::enter())
    if (LockInstance* lock = identity.find(guard)) release(inside, lock, site);
}

}  // namespace

CROSSDEP_EXPORT int pthread_once(pthread_once_t* control, void (*routine)()) {
  return initialise_once(real.pthread_once, control, routine, CROSSDEP_CALLER);
}
CROSSDEP_EXPORT void call_once(once_flag* flag, void (*routine)()) {
  static_assert(sizeof(once_flag) == sizeof(pthread_once_t));
  initialise_once(real.pthread_once, reinterpret_cast<pthread_once_t*>(flag), routine, CROSSDEP_CALLER);
}

CROSSDEP_EXPORT int __cxa_guard_acquire(std::uint64_t* guard) {
  const Site site = CROSSDEP_CALLER;
  LockInstance* lock = nullptr;
  if (*reinterpret_cast<volatile char*>(guard) == 0) {
    if (Inside inside = Inside::enter()) {
      lock = instance_of<Guard>(inside, guard, site);
      request(inside, lock, Mode::kWrite, 0, site);
    }
  }
  const int result = found(guards.acquire, "__cxa_guard_acquire")(guard);
  if (lock == nullptr) return result;
  if (Inside inside = Inside::enter()) {
    if (result != 0) acquired(inside, lock, Mode::kWrite, 0, site);
    else failed(inside, lock);
  }
  return result;
}
CROSSDEP_EXPORT void __cxa_guard_release(std::uint64_t* guard) {
  over(guard, CROSSDEP_CALLER);
  found(guards.release, "__cxa_guard_release")(guard);
}
CROSSDEP_EXPORT void __cxa_guard_abort(std::uint64_t* guard) {
  over(guard, CROSSDEP_CALLER);
  found(guards.abort, "__cxa_guard_abort")(guard);
}
