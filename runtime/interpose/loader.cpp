// SPDX-License-Identifier: MIT
//
// dlclose: the static objects of a module that is gone are gone; what is loaded to the same place later has other ones.
// dlopen needs nothing - modules are noticed when an address of theirs turns up - and must not be interposed: it looks at
// who called it.
//
// Threading: any thread.  Allocation: none here.
#include "core/modules.h"
#include "interpose/lock_call.h"

using namespace crossdep::runtime;

CROSSDEP_EXPORT int dlclose(void* handle) noexcept {
  const int result = call_real(real.dlclose, handle);
  if (runtime.state.load(std::memory_order_acquire) != State::kStarted) return result;
  if (Inside inside = Inside::enter()) {
    constexpr unsigned kMost = 64;
    struct { std::uint64_t begin, end; } ranges[kMost];
    unsigned count = 0;
    runtime.serial.lock();
    modules.forget_unloaded(runtime.journal, [&](std::uint64_t begin, std::uint64_t end) {
      if (count < kMost) ranges[count++] = {begin, end};
    });
    runtime.serial.unlock();
    for (unsigned i = 0; i < count; ++i) identity.gone(inside, ranges[i].begin, ranges[i].end, CROSSDEP_CALLER);
  }
  return result;
}
