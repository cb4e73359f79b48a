// SPDX-License-Identifier: MIT
//
// See stacks.h. The unwinder ends a process with abort() when it meets a frame description it cannot make sense of; the
// runtime must not, so the static copy's abort() is ours and only ends the walk.
//
// Threading: see stacks.h.  Allocation: none.
#include "core/stacks.h"

#include "core/modules.h"
#include "core/thread.h"
#include "core/unwind.h"

namespace crossdep::runtime {

constinit Stacks stacks;

namespace {

struct Walk {
  engine::Site* frames;
  unsigned count, capacity;
};

thread_local constinit void** walk_escape __attribute__((tls_model("initial-exec"))) = nullptr;

_Unwind_Reason_Code step(_Unwind_Context* context, void* data) {
  auto* walk = static_cast<Walk*>(data);
  int before = 0;
  std::uint64_t address = _Unwind_GetIPInfo(context, &before);
  if (address == 0 || walk->count == walk->capacity) return _URC_END_OF_STACK;
  if (before != 0) ++address;   // interrupted here by a signal: readers take 1 off every return address
  if (!modules.is_own(address)) walk->frames[walk->count++] = address;
  return _URC_NO_REASON;
}

}  // namespace

void walk_stack(_Unwind_Trace_Fn step, void* data) noexcept {
  void* escape[5];
  if (__builtin_setjmp(escape) == 0) {
    walk_escape = escape;
    _Unwind_Backtrace(step, data);
  }
  walk_escape = nullptr;
}

unsigned Stacks::capture(engine::Site* frames, unsigned capacity) noexcept {
  Walk walk{frames, 0, capacity};
  const bool known = walk_known([&walk](std::uint64_t address, std::uint64_t, std::uint64_t) {
    if (walk.count == walk.capacity) return false;
    if (!modules.is_own(address)) walk.frames[walk.count++] = address;
    return true;
  });
  if (!known) {
    walk.count = 0;
    walk_stack(step, &walk);
  }
  const ThreadState& self = this_thread();
  if (self.record_stacks && self.stream != nullptr) self.stream->stack(frames, walk.count);
  return walk.count;
}

}  // namespace crossdep::runtime

// By its assembler name: the headers declare abort() as exported.
extern "C" __attribute__((visibility("hidden"), noreturn, used)) void end_of_walk() __asm__("abort");
extern "C" void end_of_walk() {
  using crossdep::runtime::walk_escape;
  if (walk_escape != nullptr) __builtin_longjmp(walk_escape, 1);
  __builtin_trap();
}
