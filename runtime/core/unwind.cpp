// SPDX-License-Identifier: MIT
//
// See unwind.h. The table is direct-mapped: a rule that is displaced is read again.
//
// Threading and allocation: see unwind.h.
#include "core/unwind.h"

#include "core/frames.h"
#include "core/thread.h"

namespace crossdep::runtime {
namespace {

constexpr unsigned kTableBits = 13;
constexpr std::uint64_t kMostAddress = 1ull << (64 - FrameRule::kBits);   // all user addresses but those asked for

constinit std::atomic<std::uint64_t> table[1u << kTableBits] = {};        // return address | rule

}  // namespace

FrameRule known_rule(std::uint64_t return_address) noexcept {
  std::uint64_t function;
  if (return_address >= kMostAddress) return frame_rule(return_address - 1, function);
  std::atomic<std::uint64_t>& entry = table[return_address * 0x9e3779b97f4a7c15u >> (64 - kTableBits)];
  const std::uint64_t found = entry.load(std::memory_order_relaxed);
  if (found >> FrameRule::kBits == return_address) return FrameRule::unpack(static_cast<std::uint32_t>(found));
  const FrameRule rule = frame_rule(return_address - 1, function);
  // Code without a description may get one: it is asked each time.
  if (function != 0) entry.store(return_address << FrameRule::kBits | rule.pack(), std::memory_order_relaxed);
  return rule;
}

void forget_rules() noexcept {
  for (std::atomic<std::uint64_t>& entry : table) entry.store(0, std::memory_order_relaxed);
}

std::uint64_t stack_limit(std::uint64_t stack_pointer) noexcept {
  ThreadState& self = this_thread();
  if (self.stack_end == 0) self.stack_end = end_of_stack();
  return stack_pointer < self.stack_end ? self.stack_end : 0;
}

}  // namespace crossdep::runtime
