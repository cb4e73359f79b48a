// SPDX-License-Identifier: MIT
//
// See heap.h.
//
// Threading and allocation: see heap.h.
#include "core/heap.h"

namespace crossdep::runtime {

constinit Heap heap{};

// The nearest listed piece that begins at or before the address is the only one that can hold it: pieces do not overlap.
// The piece that begins at `at`, rounded down; size 0 if none does.
Heap::Piece Heap::piece_at(std::uint64_t at) const noexcept {
  const Entry& entry = entries_[index_of(at)];
  const std::uint64_t found = entry.piece.load(std::memory_order_acquire);
  const std::uint64_t begin = found >> 20 << 4;
  if (found == 0 || begin >> 5 != at >> 5) return {};
  const std::uint64_t site = entry.site.load(std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_acquire);
  if (entry.piece.load(std::memory_order_relaxed) != found) return {};
  return {begin, (found & kSizeMask) * 16, site};
}

Heap::Piece Heap::piece_of(std::uint64_t address) noexcept {
  const std::uint64_t big = last_big_.load(std::memory_order_relaxed);
  if (big != 0 && address >= big)
    if (const Piece piece = piece_at(big); piece.begin == big && address - big < piece.size) return piece;
  std::uint64_t at = address & ~std::uint64_t{31};
  for (unsigned step = 0; step < kMostSteps && at >= 32; ++step, at -= 32) {
    const Piece piece = piece_at(at);
    if (piece.size == 0 || piece.begin > address) continue;
    if (address - piece.begin >= piece.size) return {};
    if (piece.size >= kBig) last_big_.store(piece.begin, std::memory_order_relaxed);
    return piece;
  }
  return {};
}

}  // namespace crossdep::runtime
