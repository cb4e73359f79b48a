// SPDX-License-Identifier: MIT
//
// The guards of C++'s static locals. A lock, held for writing by whoever runs the initialisation; others wait for it. The
// compiler looks at the guard before it calls, and so do we: where all is done there is no event. An initialisation that
// throws has an end of its own, __cxa_guard_abort().
//
// The functions are libstdc++'s, which may be loaded long after us, or never; then nobody calls these either.
// Threading: any thread; looking for a function finds the same one every time.  Allocation: none here.
#include "core/elf_lookup.h"
#include "interpose/lock_call.h"

using namespace crossdep::runtime;
using crossdep::engine::Kind;

namespace {

struct Guard {
  using Object = std::uint64_t;
  static constexpr Kind kKind = Kind::kGuard;
  static std::uint8_t flags(const Object*) noexcept { return 0; }
  static bool finished(const Object* guard) noexcept {   // its first byte, by the C++ ABI
    return __atomic_load_n(reinterpret_cast<const char*>(guard), __ATOMIC_ACQUIRE) != 0;
  }
};

using Acquire = int(std::uint64_t*);
using End = void(std::uint64_t*);
constinit std::atomic<Acquire*> real_acquire{nullptr};
constinit std::atomic<End*> real_release{nullptr}, real_abort{nullptr};

// An initialisation that began unobserved ends so: to give up what is not held would be a finding.
void over(std::uint64_t* guard, Site site) noexcept {
  if (Inside inside = Inside::enter()) {
    LockInstance* lock = identity.find(guard);
    if (engine_of_process().holds(inside.context(), lock)) release(inside, lock, site);
  }
}

}  // namespace

CROSSDEP_EXPORT int __cxa_guard_acquire(std::uint64_t* guard) {
  const Site site = CROSSDEP_CALLER;
  LockInstance* lock = nullptr;
  if (!Guard::finished(guard)) {
    if (Inside inside = Inside::enter()) {
      lock = instance_of<Guard>(inside, guard, site);
      request(inside, lock, Mode::kWrite, 0, site);
    }
  }
  const int result = late_definition(real_acquire, "__cxa_guard_acquire")(guard);
  if (lock == nullptr) return result;
  if (Inside inside = Inside::enter()) {
    if (result != 0) acquired(inside, lock, Mode::kWrite, 0, site);
    else failed(inside, lock);
  }
  return result;
}
CROSSDEP_EXPORT void __cxa_guard_release(std::uint64_t* guard) {
  over(guard, CROSSDEP_CALLER);
  late_definition(real_release, "__cxa_guard_release")(guard);
}
CROSSDEP_EXPORT void __cxa_guard_abort(std::uint64_t* guard) {
  over(guard, CROSSDEP_CALLER);
  late_definition(real_abort, "__cxa_guard_abort")(guard);
}
