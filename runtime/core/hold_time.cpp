// SPDX-License-Identifier: MIT
//
// See hold_time.h. Locks are given up in about the order opposite to that in which they were taken: the table is a stack
// that is searched from its end. A thread that holds more than it has room for is measured for the first ones.
//
// Threading and allocation: see hold_time.h.
#include "core/hold_time.h"

#include "core/events.h"
#include "core/runtime.h"
#include "core/syscalls.h"
#include "core/text.h"

namespace crossdep::runtime {

using engine::LockInstance;

struct HoldTimes {
  static constexpr unsigned kMost = 120;
  struct Entry {
    LockInstance* lock;
    std::int64_t since;      // nanoseconds
    std::uint32_t depth;     // further acquisitions of a recursive lock
  };
  unsigned count;
  Entry entries[kMost];
};

namespace {

constexpr std::size_t kPage = 4096;
static_assert(sizeof(HoldTimes) <= kPage);

HoldTimes::Entry* find(HoldTimes& times, LockInstance* lock) noexcept {
  for (unsigned i = times.count; i-- > 0;)
    if (times.entries[i].lock == lock) return &times.entries[i];
  return nullptr;
}

}  // namespace

std::int64_t hold_clock() noexcept {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);   // without a system call, and not interposed by us
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

void excuse_holds(ThreadState& self, std::int64_t nanoseconds) noexcept {
  for (unsigned i = 0; self.hold_times != nullptr && i < self.hold_times->count; ++i) self.hold_times->entries[i].since += nanoseconds;
}

void open_hold_times(ThreadState& self) noexcept {
  if (runtime.hold_limit == 0 || self.hold_times != nullptr) return;
  self.hold_times = static_cast<HoldTimes*>(system_pages(kPage));
  if (self.hold_times != nullptr) self.watched = true;
}

void close_hold_times(ThreadState& self) noexcept {
  if (self.hold_times == nullptr) return;
  system_release_pages(self.hold_times, kPage);
  self.hold_times = nullptr;
  self.watched = self.stream != nullptr;
}

void begin_hold(HoldTimes& times, LockInstance* lock) noexcept {
  if (HoldTimes::Entry* known = find(times, lock)) {
    ++known->depth;
    return;
  }
  if (times.count < HoldTimes::kMost) times.entries[times.count++] = {lock, hold_clock(), 0};
}

void end_hold(Token inside, HoldTimes& times, LockInstance* lock, engine::Site site) noexcept {
  HoldTimes::Entry* entry = lock == nullptr ? nullptr : find(times, lock);
  if (entry == nullptr) return;
  if (entry->depth != 0) {
    --entry->depth;
    return;
  }
  const std::int64_t milliseconds = (hold_clock() - entry->since) / 1'000'000;
  --times.count;
  for (HoldTimes::Entry* end = times.entries + times.count; entry < end; ++entry) *entry = entry[1];
  if (milliseconds < runtime.hold_limit) return;
  unsigned later = 0;
  const engine::Held* at = inside.context()->held_end() - 1;
  for (; at->lock != nullptr && at->lock != lock; --at) later += at->pseudo ? 0 : 1;
  if (at->lock == nullptr) return;
  // Three digits say enough; and there are not too many such names.
  std::uint64_t rounded = static_cast<std::uint64_t>(milliseconds), unit = 1;
  for (; rounded >= 1000; rounded /= 10) unit *= 10;
  Text<48> name;
  name.add("held-").number(rounded * unit).add("ms@").number(later);
  operation(inside, name.data(), site);
}

}  // namespace crossdep::runtime
