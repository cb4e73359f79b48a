// SPDX-License-Identifier: MIT
//
// One line of a stack, resolved.
//
// Threading: a value.  Allocation: std::string.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace crossdep::symbols {

/// An inlined call is a frame of its own, `inlined`, above the frame it was inlined into.
struct Frame {
  std::string function;        // demangled; empty if unknown
  std::uint64_t offset = 0;    // into the function, or into the module if the function is unknown
  std::uint64_t size = 0;      // of the function, 0 if unknown
  std::string module;          // file name of the ELF object without directories; empty for the main program
  std::string file;            // empty if unknown
  std::uint32_t line = 0, column = 0;
  bool inlined = false;
  bool library = false;        // of the C or C++ library: folded unless verbose

  auto operator<=>(const Frame&) const = default;
};

}  // namespace crossdep::symbols
