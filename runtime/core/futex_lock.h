// SPDX-License-Identifier: MIT
//
// The runtime's own lock: three states (free, held, held with waiters) on one futex word, Drepper's "Futexes Are Tricky",
// mutex 2. Never a pthread mutex: those are what we watch.
//
// Threading: that is its job. Not recursive, not usable from a signal handler that interrupts its holder (the callers'
// guard sees to that). free_in_child() resets it after a fork.  Allocation: none.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/syscalls.h"

namespace crossdep::runtime {

class FutexLock {
 public:
  void lock() noexcept {
    std::uint32_t seen = 0;
    if (word_.compare_exchange_strong(seen, 1, std::memory_order_acquire, std::memory_order_relaxed)) return;
    for (int i = 0; i < 100; ++i) {
      seen = 0;
      if (word_.load(std::memory_order_relaxed) == 0 &&
          word_.compare_exchange_weak(seen, 1, std::memory_order_acquire, std::memory_order_relaxed))
        return;
    }
    while (word_.exchange(2, std::memory_order_acquire) != 0) futex_wait(&word_, 2);
  }
  bool try_lock() noexcept {
    std::uint32_t seen = 0;
    return word_.compare_exchange_strong(seen, 1, std::memory_order_acquire, std::memory_order_relaxed);
  }
  void unlock() noexcept {
    if (word_.exchange(0, std::memory_order_release) == 2) futex_wake(&word_, 1);
  }
  void free_in_child() noexcept { word_.store(0, std::memory_order_relaxed); }

 private:
  std::atomic<std::uint32_t> word_{0};
};

class FutexHold {
 public:
  explicit FutexHold(FutexLock& lock) noexcept : lock_(lock) { lock_.lock(); }
  ~FutexHold() { lock_.unlock(); }
  FutexHold(const FutexHold&) = delete;
  FutexHold& operator=(const FutexHold&) = delete;

 private:
  FutexLock& lock_;
};

}  // namespace crossdep::runtime
