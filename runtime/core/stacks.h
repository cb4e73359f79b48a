// SPDX-License-Identifier: MIT
//
// Call stacks, used only where the engine meets something new: by the rules known already (unwind.h), and where those do
// not do by libgcc's unwinder (linked in statically; its tables are found by _dl_find_object, so it takes no lock and
// allocates nothing), which takes a microsecond and more.
//
// Threading: any thread, with the guard (Inside or Quiet) held.  Allocation: none.
#pragma once

#include <unwind.h>

#include "engine/memory.h"

namespace crossdep::runtime {

class Stacks final : public engine::StackSource {
 public:
  /// Return addresses, innermost first; our own frames left out.
  unsigned capture(engine::Site* frames, unsigned capacity) noexcept override;
};

extern Stacks stacks;

/// Calls step(context, data) for each frame, innermost first (ours too), until it answers something else than _URC_NO_REASON.
void walk_stack(_Unwind_Trace_Fn step, void* data) noexcept;

}  // namespace crossdep::runtime
