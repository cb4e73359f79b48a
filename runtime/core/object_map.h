// SPDX-License-Identifier: MIT
//
// Address -> pointer, read without a lock on every lock operation. Open addressing, linear probing, one 16-byte slot a
// key; a full table is replaced by a larger one that is published with one store.
//
// Thread safety: find() from any thread at any time. insert(), erase(), each() by one thread at a time (the caller's lock).
// Invariants: a slot's key is stored after its value; find() reads the key again after the value, so a slot that changed
// hands in between is not taken for the old one. Replaced tables are kept, two per size, and used again: readers may
// still stand in them, and at worst miss - a miss is looked up again under the caller's lock.
// Allocation: Memory.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/memory.h"

namespace crossdep::runtime {

template <typename T>
class ObjectMap {
 public:
  T* find(std::uint64_t key) const noexcept {
    const Table* table = table_.load(std::memory_order_acquire);
    if (__builtin_expect(table == nullptr, 0)) return nullptr;
    const std::uint64_t first = hash(key) >> table->shift;
    const Slot& slot = table->slots[first];
    if (__builtin_expect(slot.key.load(std::memory_order_acquire) == key, 1)) {
      T* value = slot.value.load(std::memory_order_acquire);
      if (__builtin_expect(slot.key.load(std::memory_order_relaxed) == key, 1)) return value;
    }
    return find_further(*table, first, key);
  }

  /// False: no memory. The key must not be in the map.
  bool insert(std::uint64_t key, T* value) noexcept {
    Table* table = table_.load(std::memory_order_relaxed);
    if (table == nullptr || (used_ + 1) * 4 > (table->mask + 1) * 3) {
      table = rebuild(table);
      if (table == nullptr) return false;
    }
    place(*table, key, value);
    ++live_;
    return true;
  }

  void erase(std::uint64_t key) noexcept {
    Table* table = table_.load(std::memory_order_relaxed);
    if (table == nullptr) return;
    for (std::uint64_t i = hash(key) >> table->shift;; ++i) {
      Slot& slot = table->slots[i & table->mask];
      const std::uint64_t found = slot.key.load(std::memory_order_relaxed);
      if (found == kEmpty) return;
      if (found != key) continue;
      // A tombstone before an empty slot ends no probe: it can be empty itself.
      const bool last = table->slots[(i + 1) & table->mask].key.load(std::memory_order_relaxed) == kEmpty;
      slot.key.store(last ? kEmpty : kErased, std::memory_order_release);
      if (last) --used_;
      --live_;
      return;
    }
  }

  /// Calls visit(key, value) for every entry; it may erase the entry it is shown.
  template <typename Visit>
  void each(Visit visit) const noexcept {
    Table* table = table_.load(std::memory_order_relaxed);
    if (table == nullptr) return;
    for (std::uint64_t i = 0; i <= table->mask; ++i) {
      const std::uint64_t key = table->slots[i].key.load(std::memory_order_relaxed);
      if (key > kErased) visit(key, table->slots[i].value.load(std::memory_order_relaxed));
    }
  }

  /// Takes the other map's entries for its own, which are forgotten; the other one is empty then. Nobody may be reading.
  void take_over(ObjectMap& other) noexcept {
    table_.store(other.table_.load(std::memory_order_relaxed), std::memory_order_relaxed);
    used_ = other.used_;
    live_ = other.live_;
    retired_ = nullptr;
    other.table_.store(nullptr, std::memory_order_relaxed);
    other.retired_ = nullptr;
    other.used_ = other.live_ = 0;
  }

  std::uint64_t size() const noexcept { return live_; }

 private:
  static constexpr std::uint64_t kEmpty = 0, kErased = 1;
  struct Slot {
    std::atomic<std::uint64_t> key;
    std::atomic<T*> value;
  };
  struct Table {
    std::uint64_t mask;
    unsigned shift;       // of the 64-bit hash: its upper bits are the index
    Table* next_retired;
    Slot slots[];
  };

  static std::uint64_t hash(std::uint64_t key) noexcept { return key * 0x9e3779b97f4a7c15u; }

  __attribute__((noinline)) static T* find_further(const Table& table, std::uint64_t first, std::uint64_t key) noexcept {
    for (std::uint64_t i = first;; ++i) {
      const Slot& slot = table.slots[i & table.mask];
      const std::uint64_t found = slot.key.load(std::memory_order_acquire);
      if (found == kEmpty) return nullptr;
      if (found != key) continue;
      T* value = slot.value.load(std::memory_order_acquire);
      return slot.key.load(std::memory_order_relaxed) == key ? value : nullptr;
    }
  }

  void place(Table& table, std::uint64_t key, T* value) noexcept {
    for (std::uint64_t i = hash(key) >> table.shift;; ++i) {
      Slot& slot = table.slots[i & table.mask];
      const std::uint64_t found = slot.key.load(std::memory_order_relaxed);
      if (found > kErased) continue;
      if (found == kEmpty) ++used_;
      slot.value.store(value, std::memory_order_relaxed);
      slot.key.store(key, std::memory_order_release);
      return;
    }
  }

  Table* rebuild(Table* old) noexcept {
    std::uint64_t capacity = old == nullptr ? 1024 : old->mask + 1;
    if (old != nullptr && live_ * 2 >= capacity) capacity *= 2;   // else: only tombstones, the same size will do
    Table* fresh = take_retired(capacity);
    if (fresh == nullptr) {
      fresh = static_cast<Table*>(memory.allocate(sizeof(Table) + capacity * sizeof(Slot)));
      if (fresh == nullptr) return nullptr;
      // Once only: a reader may still be in a table that is used again.
      fresh->mask = capacity - 1;
      fresh->shift = static_cast<unsigned>(__builtin_clzll(capacity)) + 1;
    }
    used_ = 0;
    if (old != nullptr) {
      for (std::uint64_t i = 0; i <= old->mask; ++i) {
        const std::uint64_t key = old->slots[i].key.load(std::memory_order_relaxed);
        if (key > kErased) place(*fresh, key, old->slots[i].value.load(std::memory_order_relaxed));
      }
      old->next_retired = retired_;
      retired_ = old;
    }
    table_.store(fresh, std::memory_order_release);
    return fresh;
  }

  // The older of two retired tables of this size, cleared.
  Table* take_retired(std::uint64_t capacity) noexcept {
    Table** oldest = nullptr;
    unsigned count = 0;
    for (Table** at = &retired_; *at != nullptr; at = &(*at)->next_retired)
      if ((*at)->mask + 1 == capacity) oldest = at, ++count;
    if (count < 2) return nullptr;
    Table* table = *oldest;
    *oldest = table->next_retired;
    for (std::uint64_t i = 0; i <= table->mask; ++i) table->slots[i].key.store(kEmpty, std::memory_order_release);
    return table;
  }

  std::atomic<Table*> table_{nullptr};
  Table* retired_ = nullptr;
  std::uint64_t used_ = 0;   // slots not empty
  std::uint64_t live_ = 0;
};

}  // namespace crossdep::runtime
