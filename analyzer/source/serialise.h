// SPDX-License-Identifier: MIT
//
// A Unit as bytes and back, for the pipe between a worker and the program, and for the cache. Both ends are the same
// build of the same program: no versions inside (the cache's key has it), but a cut text is recognised.
//
// Threading: pure functions.  Allocation: the heap.
#pragma once

#include <string>
#include <string_view>

#include "source/ir.h"

namespace crossdep::source {

std::string serialise(const Unit& unit);
/// False if `bytes` is no whole unit; `out` is then unspecified.
bool deserialise(std::string_view bytes, Unit& out);

}  // namespace crossdep::source
