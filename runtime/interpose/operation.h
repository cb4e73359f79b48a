// SPDX-License-Identifier: MIT
//
// Calls that rules may forbid under a lock, as events. Without a rule file only those under a lock are told: a graph or
// recording can be judged by rules later, and whoever holds nothing pays a look at his own held stack.
//
// Threading: any thread.  Allocation: the engine's, the first time a place performs one under these locks.
#pragma once

#include "interpose/lock_call.h"

namespace crossdep::runtime {

/// The calling thread is about to perform `name`. errno stays as it is.
inline void perform(const char* name, Site site) noexcept {
  const bool all = runtime.options.rules.length() != 0;
  if (this_thread().phase != Phase::kReady && !all) return;
  Inside inside = Inside::enter();
  if (!inside) return;
  const engine::Held& top = inside.context()->held_end()[-1];
  if (all || inside.stream() != nullptr || (top.lock != nullptr && !top.pseudo)) operation(inside, name, site);
}

}  // namespace crossdep::runtime
