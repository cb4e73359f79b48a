// SPDX-License-Identifier: MIT
//
// See signal_mask.h.
#include "core/signal_mask.h"

#include "core/runtime.h"
#include "core/syscalls.h"

namespace crossdep::runtime {

void note_signal_mask(ThreadState& self, std::uint64_t blocked) noexcept {
  std::uint64_t changed = blocked ^ self.blocked_signals;
  self.blocked_signals = blocked;
  if (self.context == nullptr) return;
  for (unsigned number = 1; changed != 0; ++number, changed >>= 1) {
    if ((changed & 1) == 0) continue;
    const bool now = (blocked >> (number - 1) & 1) != 0;
    if (self.stream != nullptr) self.stream->mask(engine::ContextKind::kSignal, number, now);
    engine_of_process().mask(self.context, engine::ContextKind::kSignal, number, now);
  }
}

void read_signal_mask(ThreadState& self) noexcept {
  std::uint64_t blocked = 0;
  system_call(SYS_rt_sigprocmask, 0, 0, word(&blocked), sizeof blocked);
  self.blocked_signals = 0;
  note_signal_mask(self, blocked);
}

}  // namespace crossdep::runtime
