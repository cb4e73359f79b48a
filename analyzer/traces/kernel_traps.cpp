// SPDX-License-Identifier: MIT
//
// Probes set by a breakpoint: the context column of their records says NMI, which is the trap, and hides the context of the
// code that ran into it. What tells it is the stock lock event that follows in the same task: the one of the same call, for a
// probe on lock_acquire or lock_release; for any other probe the next record that has a column (each takes a lock at once).
// Until then the probe is kept, unless its processor turns to another task first. A recording without stock lock events tells nothing: such a probe counts in the context its
// task was last seen in.
#include "traces/kernel_events.h"

namespace crossdep::traces {
namespace {

constexpr std::size_t kMostTrapped = 64;

// Of which stock event a probe is the twin; empty for none.
std::string_view twin(const KernelRecord& record) {
  if (record.event == "lock_acquire_args" || record.body.starts_with("(lock_acquire+") || record.body.starts_with("(__traceiter_lock_acquire+"))
    return "lock_acquire";
  if (record.event == "lock_release_args" || record.body.starts_with("(lock_release+")) return "lock_release";
  return {};
}

// The lock of a probe or of a stock event.
std::uint64_t map_of(const KernelRecord& record, bool is_probe) {
  std::string_view text = record.body;
  if (is_probe) {
    const std::size_t at = text.find(" map=");
    if (at == std::string_view::npos) return 0;
    text.remove_prefix(at + 5);
  }
  std::uint64_t map = 0;
  return take_hex(text, map) ? map : 0;
}

}  // namespace

bool KernelEvents::hidden(const KernelRecord& record) const {
  return (record.context == 'z' || record.context == 'Z') && stock_seen_ && source_ != Source::kUnknown && record.body.starts_with("(") &&
         (source_ != Source::kLockx || twin(record).empty());
}

void KernelEvents::trap(const KernelRecord& record) {
  trapped_.push_back(keep(record));
  if (trapped_.size() > kMostTrapped) tell_trapped(0, '\0');
}

void KernelEvents::tell_trapped(std::size_t number, char context) {
  const HeldBack held = std::move(trapped_[number]);
  trapped_.erase(trapped_.begin() + static_cast<std::ptrdiff_t>(number));
  KernelRecord record = record_of(held);
  record.context = context;
  const std::uint64_t position = position_;
  position_ = record.position;
  if (!probe(record)) unreadable();
  position_ = position;
}

void KernelEvents::tell_trapped(const KernelRecord& next) {
  if (next.context == '\0' || next.context == 'z' || next.context == 'Z') return;
  for (std::size_t i = 0; i < trapped_.size();) {
    const KernelRecord& record = trapped_[i].record;
    const bool same_task = record.pid == next.pid && (record.pid != 0 || record.cpu == next.cpu);
    if (!same_task && record.cpu == next.cpu) {   // its processor does something else: nothing follows
      tell_trapped(i, '\0');
      continue;
    }
    bool told = same_task;
    if (same_task) {
      const KernelRecord kept = record_of(trapped_[i]);
      const std::string_view stock = twin(kept);
      if (!stock.empty()) {
        const std::uint64_t map = map_of(next, false);   // hashed ones (32 bits) cannot be compared
        told = next.event == stock && (map >> 32 == 0 || map == map_of(kept, true));
      }
    }
    if (told) tell_trapped(i, next.context);
    else ++i;
  }
}

}  // namespace crossdep::traces
