// SPDX-License-Identifier: MIT
//
// The analyzer's memory for the engine: the heap. (The runtime hands in pages of its own, see engine/memory.h.)
//
// Threading: as malloc.  Allocation: calloc, which gives zeroed memory aligned for any type (16 bytes and more).
#pragma once

#include <cstdlib>

#include "engine/memory.h"

namespace crossdep::engine {

class HeapAllocator final : public Allocator {
 public:
  void* allocate(std::size_t bytes) noexcept override { return std::calloc(1, bytes == 0 ? 1 : bytes); }
  void deallocate(void* memory, std::size_t) noexcept override { std::free(memory); }
};

}  // namespace crossdep::engine
