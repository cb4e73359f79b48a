// SPDX-License-Identifier: MIT
//
// What is initialised once: pthread_once() and C11's call_once(). A lock, held for writing by whoever runs the routine;
// others wait for it. Where all is done already one load tells, and there is no event.
//
// The routine may be left by an exception (std::call_once() goes through pthread_once()), by cancellation or by
// pthread_exit(); the C library then lets others try again, and the lock is given up. run() learns of it by a personality
// routine of its own, which the unwinder calls on its way through: no landing pad, so nothing of a C++ library or of
// libgcc is needed, and any unwinder will do.
//
// Of std::call_once()'s flags those in a module's data are observed. A future has one in its state, on the heap: whole
// tasks run under it, all of them of one class and at addresses used again, which would accuse programs that are right.
// Threading: any thread.  Allocation: none here.
#include <unwind.h>

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

struct Initialisation {
  LockInstance* lock;
  void (*routine)();   // nullptr: begun
  Site site;
  bool held;
  Initialisation* outer;
};
#define CROSSDEP_THREAD_LOCAL thread_local constinit __attribute__((tls_model("initial-exec")))
CROSSDEP_THREAD_LOCAL Initialisation* starting = nullptr;   // for run(), which gets no argument
CROSSDEP_THREAD_LOCAL Initialisation* running = nullptr;    // the innermost routine under way
#undef CROSSDEP_THREAD_LOCAL

void over() noexcept {
  const Initialisation& mine = *running;
  running = mine.outer;
  if (!mine.held) return;
  if (Inside inside = Inside::enter()) release(inside, mine.lock, mine.site);
}

}  // namespace

// Frames are left from the innermost outwards, each once, in the second phase.
extern "C" __attribute__((visibility("hidden"), used)) _Unwind_Reason_Code crossdep_once_left(
    int, _Unwind_Action actions, _Unwind_Exception_Class, _Unwind_Exception*, _Unwind_Context*) {
  if (actions & _UA_CLEANUP_PHASE) over();
  return _URC_CONTINUE_UNWIND;
}

namespace {

__attribute__((noinline)) void run() {
  __asm__ volatile(".cfi_personality 0x1b, crossdep_once_left");   // 0x1b: relative to itself, four bytes
  Initialisation mine = *starting;   // the routine may initialise something else
  starting->routine = nullptr;
  mine.outer = running;
  running = &mine;
  if (Inside inside = Inside::enter()) {
    acquired(inside, mine.lock, Mode::kWrite, 0, mine.site);
    mine.held = true;
  }
  mine.routine();
  over();
}

bool observed(const pthread_once_t* control, void (*routine)()) noexcept {
  if (!modules.is_cxx_library(reinterpret_cast<std::uint64_t>(routine))) return true;
  const auto address = reinterpret_cast<std::uint64_t>(control);
  std::uint32_t module;
  return modules.is_static_object(address, module) && !modules.is_cxx_library(address);   // the library's own: locales
}

int initialise_once(pthread_once_t* control, void (*routine)(), Site site) {
  Initialisation mine{nullptr, routine, site, false, nullptr};
  if (__atomic_load_n(control, __ATOMIC_ACQUIRE) != Once::kFinished && observed(control, routine)) {
    if (Inside inside = Inside::enter()) {
      mine.lock = instance_of<Once>(inside, control, site);
      request(inside, mine.lock, Mode::kWrite, 0, site);
    }
  }
  if (mine.lock == nullptr) return call_real(real.pthread_once, control, routine);
  Initialisation* const outer = starting;
  starting = &mine;
  const int result = call_real(real.pthread_once, control, run);
  starting = outer;
  if (mine.routine != nullptr)   // somebody else did it
    if (Inside inside = Inside::enter()) failed(inside, mine.lock);
  return result;
}

}  // namespace

CROSSDEP_EXPORT int pthread_once(pthread_once_t* control, void (*routine)()) {
  return initialise_once(control, routine, CROSSDEP_CALLER);
}
CROSSDEP_EXPORT void call_once(once_flag* flag, void (*routine)()) {
  static_assert(sizeof(once_flag) == sizeof(pthread_once_t));
  initialise_once(reinterpret_cast<pthread_once_t*>(flag), routine, CROSSDEP_CALLER);
}
