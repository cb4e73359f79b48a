// SPDX-License-Identifier: MIT
//
// Numbers (addresses, pids) to small numbers: open addressing with linear probing, for readers that look one up per line.
// Entries are never removed one by one; what is looked up again and again is found in one or two cache lines.
//
// Threading: one user.  Allocation: one array, doubled at 5/8 full.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace crossdep::traces {

class AddressMap {
 public:
  static constexpr std::uint32_t kAbsent = 0xffffffffu;

  AddressMap() : slots_(64) {}

  std::uint32_t find(std::uint64_t key) const {
    for (std::size_t at = place(key);; at = (at + 1) & (slots_.size() - 1)) {
      const Slot& slot = slots_[at];
      if (slot.value == kAbsent) return kAbsent;
      if (slot.key == key) return slot.value;
    }
  }
  /// `key` must not be in the map, `value` not be kAbsent.
  void insert(std::uint64_t key, std::uint32_t value) {
    if ((size_ + 1) * 8 > slots_.size() * 5) grow();
    put(key, value);
    ++size_;
  }
  std::size_t size() const { return size_; }

 private:
  struct Slot {
    std::uint64_t key = 0;
    std::uint32_t value = kAbsent;
  };

  std::size_t place(std::uint64_t key) const {
    return static_cast<std::size_t>((key * 0x9e3779b97f4a7c15ull) >> 32) & (slots_.size() - 1);
  }
  void put(std::uint64_t key, std::uint32_t value) {
    std::size_t at = place(key);
    while (slots_[at].value != kAbsent) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = {key, value};
  }
  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old)
      if (slot.value != kAbsent) put(slot.key, slot.value);
  }

  std::vector<Slot> slots_;
  std::size_t size_ = 0;
};

}  // namespace crossdep::traces
