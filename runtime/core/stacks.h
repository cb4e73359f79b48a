// SPDX-License-Identifier: MIT
//
// Call stacks, by libgcc's unwinder (linked in statically; its tables are found by _dl_find_object, so it takes no lock
// and allocates nothing). Slow - a microsecond and more - and used only where the engine meets something new.
//
// Threading: any thread, with the guard (Inside or Quiet) held.  Allocation: none.
#pragma once

#include "engine/memory.h"

namespace crossdep::runtime {

class Stacks final : public engine::StackSource {
 public:
  /// Return addresses, innermost first; our own frames left out.
  unsigned capture(engine::Site* frames, unsigned capacity) noexcept override;
};

extern Stacks stacks;

}  // namespace crossdep::runtime
