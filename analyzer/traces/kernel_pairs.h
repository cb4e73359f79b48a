// SPDX-License-Identifier: MIT
//
// Calls that a probe told of and whose stock event is still to come. The two of one call follow each other in their task, but
// not at once: an interrupt may come between. And an interrupt that comes while a probe is being handled hits no probe at all
// (the kernel counts these as missed): its calls have their stock events only. So a pair is found by the lock's address.
//
// Threading: one thread.  Allocation: at most kMost addresses a task.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace crossdep::traces {

class KernelPairs {
 public:
  /// The probe of a call with this lock was hit.
  void probed(std::uint64_t map) {
    if (open_.size() == kMost) open_.erase(open_.begin());   // no stock events are recorded, or they were lost
    open_.push_back(map);
  }
  /// The stock event of a call with this lock: true if its probe was hit.
  bool take(std::uint64_t map) {
    const auto at = std::find(open_.rbegin(), open_.rend(), map);
    if (at == open_.rend()) return false;
    open_.erase(std::next(at).base());
    return true;
  }
  bool empty() const { return open_.empty(); }
  std::uint64_t newest() const { return open_.back(); }

 private:
  static constexpr std::size_t kMost = 16;   // deeper than interrupts nest
  std::vector<std::uint64_t> open_;          // oldest first
};

}  // namespace crossdep::traces
