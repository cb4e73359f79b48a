// SPDX-License-Identifier: MIT
//
// A walk over the calling thread's stack that remembers, for each return address met, how to get on from there
// (frame_rules.h): some ten instructions a frame where libgcc's unwinder reads the tables again each time, at a hundred
// times the price. On x86-64 and on the thread's own stack; elsewhere, and where a frame is described in an unusual way
// (a signal handler's), it declines, and the full unwinder is asked.
//
// Threading: any thread. The table of rules is shared: a word an entry, read and written whole.  Allocation: none.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/frame_rules.h"

namespace crossdep::runtime {

/// Of the instruction before a return address, from the table of those met before or read.
FrameRule known_rule(std::uint64_t return_address) noexcept;
/// A module has gone: what is at its addresses next has other rules.
void forget_rules() noexcept;
/// The end of the calling thread's stack, 0 if its stack pointer is not below it.
std::uint64_t stack_limit(std::uint64_t stack_pointer) noexcept;

/// Calls visit(return_address, begin, end) for each frame, innermost first - the caller's, where its own pc stands for the
/// return address, is the first - until it answers false. A frame reaches from `begin`, its own stack pointer at its call,
/// to `end`, its caller's; its return address lies below `end`. `end` is 0 where there is no caller. False: declined,
/// after some calls or none.
template <typename Visit>
__attribute__((noinline)) bool walk_known(Visit visit) noexcept {
#if defined(__x86_64__)
  std::uint64_t at, stack, pointer;
  asm volatile("lea 0(%%rip), %0\n\tmov %%rsp, %1\n\tmov %%rbp, %2" : "=&r"(at), "=&r"(stack), "=&r"(pointer));
  const std::uint64_t limit = stack_limit(stack);
  if (limit == 0) return false;
  constexpr unsigned kMostFrames = 1000;
  ++at;   // as a return address: the rule is that of the instruction before it
  for (unsigned i = 0; i < kMostFrames; ++i) {
    const FrameRule rule = known_rule(at);
    if (rule.pointer == FrameRule::kUnknown) return false;
    if (rule.pointer == FrameRule::kEnd) return visit(at, stack, std::uint64_t{0}), true;
    const std::uint64_t end = (rule.from_pointer ? pointer : stack) + rule.offset;
    if (end <= stack || end > limit || end % 8 != 0) return false;
    if (!visit(at, stack, end)) return true;
    const auto* const top = reinterpret_cast<const std::uint64_t*>(end);
    if (rule.pointer != FrameRule::kSame) pointer = top[-2 - static_cast<int>(rule.pointer - FrameRule::kSaved)];
    at = top[-1];
    stack = end;
    if (at == 0) return true;
  }
  return true;
#else
  (void)visit;
  return false;
#endif
}

}  // namespace crossdep::runtime
