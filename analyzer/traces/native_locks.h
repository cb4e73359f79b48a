// SPDX-License-Identifier: MIT
//
// What the merge of native_trace.cpp knows of each lock instance: how many of its events were given, who waits for it,
// and the number the consumer knows it by. The runtime never uses an instance's id twice, so a long run has far more ids
// than locks alive: the table is made of small pages that go when all their locks are dead, and the consumer's numbers
// are used again.
//
// Ids far beyond those the file accounts for (damage) live in a hash table, so that they cost memory by the record.
//
// Threading: one thread.  Allocation: the heap; O(locks alive) in blocks of 64.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "traces/event.h"

namespace crossdep::traces {

inline constexpr std::uint32_t kNoStream = 0xffffffffu;

struct LockState {
  std::uint32_t count = 0;              // the number of the last event given
  std::uint32_t waiter = kNoStream;     // first of a list of streams, sorted by the count they need
  std::uint64_t address = 0;
  InstanceId number = kNone;            // the consumer's
  bool live = false;                    // defined to the consumer
};

class LockTable {
 public:
  /// nullptr: nothing is known of it (or it is one of the odd ones).
  LockState* find(InstanceId id) {
    const std::size_t page = id / kPage;
    if (page >= pages_.size() || pages_[page] == nullptr) return nullptr;
    return &pages_[page]->locks[id % kPage];
  }

  /// Its entry stays where it is until bury().
  LockState& get(InstanceId id) {
    if (LockState* known = find(id)) return *known;
    const std::size_t page = id / kPage;
    if (id >= accounted_) return odd_[id];
    if (page >= pages_.size()) pages_.resize(page + 1);
    pages_[page] = std::make_unique<Page>();
    return pages_[page]->locks[id % kPage];
  }

  /// The file holds `count` more definitions of instances.
  void account(std::size_t count) { accounted_ += 2 * count; }

  void bring_to_life(LockState& lock) {
    lock.live = true;
    if (free_.empty()) {
      lock.number = next_number_++;
    } else {
      lock.number = free_.back();
      free_.pop_back();
    }
  }
  /// `heir` goes on under the consumer's number of `lock`.
  void pass_on(InstanceId id, LockState& lock, LockState& heir) {
    heir.live = true;
    heir.number = lock.number;
    leave(id, lock);
  }
  void bury(InstanceId id, LockState& lock) {
    free_.push_back(lock.number);
    leave(id, lock);
  }

 private:
  static constexpr std::uint32_t kPage = 64;
  struct Page {
    LockState locks[kPage];
    std::uint32_t dead = 0;
  };

  void leave(InstanceId id, LockState& lock) {
    lock.live = false;
    lock.number = kNone;
    const std::size_t page = id / kPage;
    if (find(id) != &lock || ++pages_[page]->dead < kPage) return;
    for (const LockState& other : pages_[page]->locks)
      if (other.live || other.waiter != kNoStream) return;
    pages_[page].reset();
  }

  std::vector<std::unique_ptr<Page>> pages_;
  std::unordered_map<InstanceId, LockState> odd_;
  std::uint64_t accounted_ = 1u << 20;
  std::vector<InstanceId> free_;
  InstanceId next_number_ = 0;
};

}  // namespace crossdep::traces
