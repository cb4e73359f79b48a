// SPDX-License-Identifier: MIT
//
// What a recording says of a program or shared library that was mapped.
//
// Threading: a value.  Allocation: the heap.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace crossdep::symbols {

struct Module {
  struct Range {
    std::uint64_t begin = 0, end = 0;   // addresses
  };
  std::string path;                     // empty: the vDSO
  std::string build_id;                 // raw bytes, empty if it has none
  std::uint64_t bias = 0;               // address - link-time address
  std::vector<Range> ranges;            // executable ones
};

}  // namespace crossdep::symbols
