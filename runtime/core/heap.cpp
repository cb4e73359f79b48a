// SPDX-License-Identifier: MIT
//
// See heap.h.
//
// Threading and allocation: see heap.h.
#include "core/heap.h"

namespace crossdep::runtime {

constinit Heap heap{};

// The nearest listed piece that begins at or before the address is the only one that can hold it: pieces do not overlap.
Heap::Piece Heap::piece_of(std::uint64_t address) const noexcept {
  std::uint64_t at = address & ~std::uint64_t{31};
  for (unsigned step = 0; step < kMostSteps && at >= 32; ++step, at -= 32) {
    const Entry& entry = entries_[index_of(at)];
    const std::uint64_t found = entry.piece.load(std::memory_order_acquire);
    const std::uint64_t begin = found >> 20 << 4;
    if (found == 0 || begin >> 5 != at >> 5 || begin > address) continue;
    const std::uint64_t site = entry.site.load(std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_acquire);
    if (entry.piece.load(std::memory_order_relaxed) != found) return {};
    const std::uint64_t size = (found & kSizeMask) * 16;
    if (address - begin >= size) return {};
    return {begin, size, site};
  }
  return {};
}

}  // namespace crossdep::runtime
