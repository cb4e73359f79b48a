// SPDX-License-Identifier: MIT
//
// The few containers the engine needs: a vector, an open-addressing map, a pool with stable addresses. The standard
// ones throw or abort when memory is out and want a global allocator; these take an Allocator and answer false or null.
//
// Threading: none of their own; the owner serialises.  Allocation: from the Allocator given at construction; growth
// doubles. Elements must be trivially copyable (they are moved by memcpy and never destroyed).
#pragma once

#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

#include "engine/hash.h"
#include "engine/memory.h"
#include "engine/types.h"

namespace crossdep::engine {

/// A growing array. Index operations are unchecked.
template <class T>
class Vec {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  explicit Vec(Allocator& memory) noexcept : memory_(&memory) {}
  ~Vec() { memory_->deallocate(data_, capacity_ * sizeof(T)); }
  Vec(const Vec&) = delete;
  Vec& operator=(const Vec&) = delete;

  [[nodiscard]] bool push(const T& value) noexcept {
    if (!make_room()) return false;
    data_[size_++] = value;
    return true;
  }
  /// After true, the next push() cannot fail.
  [[nodiscard]] bool make_room() noexcept { return size_ < capacity_ || reserve(size_ == 0 ? 4 : size_ * 2); }
  [[nodiscard]] bool reserve(std::uint32_t wanted) noexcept {
    if (wanted <= capacity_) return true;
    T* grown = static_cast<T*>(memory_->allocate(wanted * sizeof(T)));
    if (grown == nullptr) return false;
    if (size_ != 0) std::memcpy(static_cast<void*>(grown), data_, size_ * sizeof(T));
    memory_->deallocate(data_, capacity_ * sizeof(T));
    data_ = grown;
    capacity_ = wanted;
    return true;
  }
  /// Grows with zeroed elements or shrinks.
  [[nodiscard]] bool resize(std::uint32_t wanted) noexcept {
    if (wanted > capacity_ && !reserve(wanted < 2 * capacity_ ? 2 * capacity_ : wanted)) return false;
    if (wanted > size_) std::memset(static_cast<void*>(data_ + size_), 0, (wanted - size_) * sizeof(T));
    size_ = wanted;
    return true;
  }
  void pop() noexcept { --size_; }
  void clear() noexcept { size_ = 0; }

  T& operator[](std::uint32_t i) noexcept { return data_[i]; }
  const T& operator[](std::uint32_t i) const noexcept { return data_[i]; }
  T& back() noexcept { return data_[size_ - 1]; }
  T* begin() noexcept { return data_; }
  T* end() noexcept { return data_ + size_; }
  const T* begin() const noexcept { return data_; }
  const T* end() const noexcept { return data_ + size_; }
  T* data() noexcept { return data_; }
  const T* data() const noexcept { return data_; }
  std::uint32_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }

 private:
  Allocator* memory_;
  T* data_ = nullptr;
  std::uint32_t size_ = 0, capacity_ = 0;
};

/// A map from a non-zero 64-bit key to a small value: linear probing, at most 3/4 full, no erase.
template <class V>
class FlatMap {
  static_assert(std::is_trivially_copyable_v<V>);
  struct Slot {
    std::uint64_t key;
    V value;
  };

 public:
  explicit FlatMap(Allocator& memory) noexcept : memory_(&memory) {}
  ~FlatMap() { memory_->deallocate(slots_, capacity_ * sizeof(Slot)); }
  FlatMap(const FlatMap&) = delete;
  FlatMap& operator=(const FlatMap&) = delete;

  V* find(std::uint64_t key) noexcept {
    if (capacity_ == 0) return nullptr;
    for (std::uint32_t i = index(key);; i = (i + 1) & (capacity_ - 1)) {
      if (slots_[i].key == key) return &slots_[i].value;
      if (slots_[i].key == 0) return nullptr;
    }
  }
  const V* find(std::uint64_t key) const noexcept { return const_cast<FlatMap*>(this)->find(key); }

  /// The value of `key`, zeroed if it is new; nullptr when memory is out. Valid until the next insert().
  V* insert(std::uint64_t key) noexcept {
    if (V* found = find(key)) return found;
    if ((size_ + 1) * 4 > capacity_ * 3 && !grow()) return nullptr;
    std::uint32_t i = index(key);
    while (slots_[i].key != 0) i = (i + 1) & (capacity_ - 1);
    slots_[i].key = key;
    ++size_;
    return &slots_[i].value;
  }
  void clear() noexcept {
    if (capacity_ != 0) std::memset(static_cast<void*>(slots_), 0, capacity_ * sizeof(Slot));
    size_ = 0;
  }
  std::uint32_t size() const noexcept { return size_; }
  template <class F>
  void for_each(F&& visit) const {
    for (std::uint32_t i = 0; i < capacity_; ++i)
      if (slots_[i].key != 0) visit(slots_[i].key, slots_[i].value);
  }

 private:
  std::uint32_t index(std::uint64_t key) const noexcept {
    return static_cast<std::uint32_t>(mix(key) >> 32) & (capacity_ - 1);
  }
  bool grow() noexcept {
    const std::uint32_t old_capacity = capacity_;
    Slot* old = slots_;
    const std::uint32_t wanted = old_capacity == 0 ? 16 : old_capacity * 2;
    Slot* fresh = static_cast<Slot*>(memory_->allocate(wanted * sizeof(Slot)));
    if (fresh == nullptr) return false;
    slots_ = fresh;
    capacity_ = wanted;
    for (std::uint32_t i = 0; i < old_capacity; ++i) {
      if (old[i].key == 0) continue;
      std::uint32_t j = index(old[i].key);
      while (slots_[j].key != 0) j = (j + 1) & (capacity_ - 1);
      slots_[j] = old[i];
    }
    memory_->deallocate(old, old_capacity * sizeof(Slot));
    return true;
  }

  Allocator* memory_;
  Slot* slots_ = nullptr;
  std::uint32_t size_ = 0, capacity_ = 0;
};

/// Objects with stable addresses, recycled one by one. Memory goes back when the pool dies.
template <class T>
class Pool {
  struct Page {
    Page* next;
  };
  union Free {
    Free* next;
  };
  static constexpr std::size_t kPageBytes = 16384;
  static constexpr std::size_t kAlign = alignof(T) > 16 ? alignof(T) : 16;
  static constexpr std::size_t kStride = (sizeof(T) + kAlign - 1) / kAlign * kAlign;
  static constexpr std::size_t kPerPage = (kPageBytes - sizeof(Page) - kAlign) / kStride;
  static_assert(kPerPage > 0 && sizeof(T) >= sizeof(Free));

 public:
  explicit Pool(Allocator& memory) noexcept : memory_(&memory) {}
  ~Pool() {
    while (pages_ != nullptr) {
      Page* next = pages_->next;
      memory_->deallocate(pages_, kPageBytes);
      pages_ = next;
    }
  }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// Raw memory for a T, nullptr when memory is out: zeroed if new, with its old bytes behind the first 8 if recycled.
  void* take() noexcept {
    if (free_ != nullptr) {
      Free* taken = free_;
      free_ = taken->next;
      return taken;
    }
    if (pages_ == nullptr || used_ == kPerPage) {
      Page* page = static_cast<Page*>(memory_->allocate(kPageBytes));
      if (page == nullptr) return nullptr;
      page->next = pages_;
      pages_ = page;
      used_ = 0;
    }
    const auto first = (reinterpret_cast<std::uintptr_t>(pages_ + 1) + kAlign - 1) / kAlign * kAlign;
    return reinterpret_cast<void*>(first + kStride * used_++);
  }
  void give_back(void* object) noexcept {
    Free* freed = static_cast<Free*>(object);
    freed->next = free_;
    free_ = freed;
  }

 private:
  Allocator* memory_;
  Page* pages_ = nullptr;
  Free* free_ = nullptr;
  std::size_t used_ = 0;
};

}  // namespace crossdep::engine
