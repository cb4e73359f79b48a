// SPDX-License-Identifier: MIT
//
// Where each piece of the program's heap was allocated: what names the class of a lock that lies in it, and tells when
// the lock's memory is gone. One table of fixed size, direct-mapped by address; a piece whose entry is taken over by
// another one is simply not known any more, and its locks are then named and kept by their address alone.
//
// An entry is two words. The first is the piece's address (a multiple of 16, so 44 of 48 bits) and its size in units of
// 16 bytes (20 bits; larger pieces are not listed); the second is the caller of malloc or operator new. The first is
// written last and cleared first, so that a reader who finds it the same before and after has read one entry.
//
// Cost: two stores per allocation, a load per free. Pieces smaller than the smallest mutex are not listed.
// Threading: any thread, no lock.  Allocation: none; the table is 8 MiB of which only what is used is ever touched.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace crossdep::runtime {

class Heap {
 public:
  struct Piece {
    std::uint64_t begin = 0, size = 0, site = 0;   // size 0: not known
  };

  void allocated(const void* piece, std::size_t size, std::uint64_t site) noexcept {
    const auto begin = reinterpret_cast<std::uint64_t>(piece);
    if (piece == nullptr || size < kSmallest || size > kLargest || (begin & 15) != 0 || begin >> 48 != 0) return;
    Entry& entry = entries_[index_of(begin)];
    entry.piece.store(0, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);
    entry.site.store(site, std::memory_order_relaxed);
    entry.piece.store(begin >> 4 << 20 | (size + 15) / 16, std::memory_order_release);
  }

  /// The same piece, better known: operator new's caller instead of operator new.
  void allocated_for(const void* piece, std::uint64_t site) noexcept {
    Entry& entry = entries_[index_of(reinterpret_cast<std::uint64_t>(piece))];
    if (entry.piece.load(std::memory_order_relaxed) >> 20 == reinterpret_cast<std::uint64_t>(piece) >> 4)
      entry.site.store(site, std::memory_order_relaxed);
  }

  /// The piece is about to be freed; its size, 0 if it is not listed.
  std::size_t freed(const void* piece) noexcept {
    const auto begin = reinterpret_cast<std::uint64_t>(piece);
    Entry& entry = entries_[index_of(begin)];
    const std::uint64_t found = entry.piece.load(std::memory_order_relaxed);
    if (found >> 20 != begin >> 4) return 0;
    entry.piece.store(0, std::memory_order_relaxed);
    return (found & kSizeMask) * 16;
  }

  /// The listed piece that `address` lies in.
  Piece piece_of(std::uint64_t address) noexcept;

 private:
  static constexpr std::size_t kSmallest = 32, kEntries = std::size_t{1} << 19;
  static constexpr std::uint64_t kSizeMask = (1u << 20) - 1;
  static constexpr std::size_t kLargest = kSizeMask * 16;
  static constexpr unsigned kMostSteps = 1 << 13;   // of 32 bytes, looked back for the beginning of a piece

  struct Entry {
    std::atomic<std::uint64_t> piece, site;
  };
  static std::size_t index_of(std::uint64_t begin) noexcept { return begin >> 5 & (kEntries - 1); }

  Piece piece_at(std::uint64_t at) const noexcept;

  Entry entries_[kEntries];
  static constexpr std::size_t kBig = 4096;
  std::atomic<std::uint64_t> last_big_{0};   // the beginning of the last big piece something was found in
};

extern constinit Heap heap;

}  // namespace crossdep::runtime
