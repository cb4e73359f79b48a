// SPDX-License-Identifier: MIT
//
// What a Journal writes while it is open, in pages that the kernel gives a fork child as zeros: a zero State is a closed
// journal. Private to journal.cpp and chunks.cpp.
//
// Threading: see the members.  Allocation: one mapping for the whole.
#pragma once

#include <atomic>

#include "record/journal.h"
#include "record/system.h"

namespace crossdep::record {

inline constexpr std::uint32_t kPoolCapacity = 64;
inline constexpr std::uint32_t kMaxRegion = 16;         // chunks reserved and mapped at a time, at most
inline constexpr std::uint32_t kFullWindow = 4096;      // a window with less room than this is not worth handing on

struct Journal::State {
  std::atomic<std::uint32_t> status;                   // kClosed, kOpen, kBroken
  alignas(64) std::atomic<std::uint64_t> clock;
  alignas(64) std::atomic<std::uint32_t> spin;         // guards everything down to `pool`

  int descriptor;
  std::uint64_t device, inode;                         // what `descriptor` must still be: programs close what they did not open
  FileHeader* header;
  std::uint32_t region_size;                           // of the last reservation, in chunks
  std::uint32_t next_chunk, end_chunk;                 // reserved and mapped, not handed out
  std::uint8_t* next_memory;
  std::uint32_t pool_count;
  Window pool[kPoolCapacity];

  // Under the engine's Serialiser.
  Window journal;
  std::uint32_t journal_ordinal;
  std::atomic<std::uint64_t> lost;
  std::uint8_t scratch[kMaxJournalRecord + 16];
};

/// A short critical section among threads that do nothing else in it; never held over a wait.
class SpinGuard {
 public:
  explicit SpinGuard(std::atomic<std::uint32_t>& spin) noexcept : spin_(spin) {
    while (spin_.exchange(1, std::memory_order_acquire) != 0)
      for (unsigned i = 0; spin_.load(std::memory_order_relaxed) != 0; ++i)
        if (i >= 100) sys::yield();
  }
  ~SpinGuard() { spin_.store(0, std::memory_order_release); }
  SpinGuard(const SpinGuard&) = delete;
  SpinGuard& operator=(const SpinGuard&) = delete;

 private:
  std::atomic<std::uint32_t>& spin_;
};

}  // namespace crossdep::record
