// SPDX-License-Identifier: MIT
//
// Which signals the calling thread has blocked: what it holds meanwhile is safe from their handlers.
//
// Threading: the calling thread's own state.  Allocation: none here.
#pragma once

#include "core/thread.h"

namespace crossdep::runtime {

/// `blocked`, bit n - 1 for signal n, is the mask from now on; tells the engine and the stream what changed.
void note_signal_mask(ThreadState& self, std::uint64_t blocked) noexcept;
/// As the system has it; for a thread or process that begins with a mask of its own.
void read_signal_mask(ThreadState& self) noexcept;

}  // namespace crossdep::runtime
