// SPDX-License-Identifier: MIT
//
// Objects on the calling thread's stack: in which function's frame one lies, and whether that frame is still the same. A
// frame is told by its return address: another call from another place has another one there. Two calls from the same
// place look like one; their objects then count as one object, of the one class they would have anyway.
//
// Known for the thread's own stack only; an object of another thread's frame is named by its first use.
// Threading: each thread its own stack.  Allocation: none.
#pragma once

#include <cstdint>

namespace crossdep::runtime {

struct Frame {
  std::uint64_t function = 0;         // where it begins; 0: the address is in no frame of this thread
  std::uint64_t slot = 0;             // the object's distance from the frame's top
  std::uint64_t return_slot = 0;      // where the return address lies, 0: not known on this machine
  std::uint64_t return_address = 0;
};

/// In the stack of the calling thread, above the caller.
bool on_own_stack(std::uint64_t address) noexcept;
/// The address behind the calling thread's stack, 0 if that is not known.
std::uint64_t end_of_stack() noexcept;
/// A walk over the stack.
Frame frame_of(std::uint64_t address) noexcept;

}  // namespace crossdep::runtime
