// SPDX-License-Identifier: MIT
//
// See memory.h. Size class i holds blocks of (4 + i % 4) << (2 + i / 4) bytes, rounded up to 16: 16, 32, 48, 64, 80 …
//
// Threading: see memory.h.  Allocation: mmap.
#include "core/memory.h"

namespace crossdep::runtime {

constinit Memory memory;

namespace {

// The runtime links no libc string functions into its paths: a sanitizer's interceptors may stand in for them.
void clear(void* at, std::size_t bytes) noexcept {
  auto* p = static_cast<std::uint64_t*>(at);
  for (std::size_t i = 0; i < bytes / 8; ++i) p[i] = 0;
}

constexpr std::size_t round_up(std::size_t bytes, std::size_t to) { return (bytes + to - 1) / to * to; }

}  // namespace

std::size_t Memory::class_size(unsigned index) noexcept {
  return round_up(std::size_t{4 + index % 4} << (2 + index / 4), 16);
}

unsigned Memory::class_of(std::size_t bytes) noexcept {
  if (bytes <= 16) return 0;
  const unsigned power = 63 - static_cast<unsigned>(__builtin_clzll(bytes - 1));   // 2^power < bytes <= 2^(power + 1)
  const unsigned quarter = static_cast<unsigned>(((bytes - 1) >> (power - 2)) & 3) + 1;
  return (power - 4) * 4 + quarter;
}

void* Memory::allocate(std::size_t bytes) noexcept {
  if (bytes >= kBig) return system_pages(round_up(bytes, 4096));
  const unsigned index = class_of(bytes);
  const std::size_t size = class_size(index);
  void* block = nullptr;
  {
    FutexHold hold(lock_);
    if (free_[index] != nullptr) {
      Free* head = free_[index];
      free_[index] = head->next;
      block = head;
    } else {
      if (static_cast<std::size_t>(limit_ - cursor_) < size) {
        char* arena = static_cast<char*>(system_pages(kArena));
        if (arena == nullptr) return nullptr;
        cursor_ = arena;
        limit_ = arena + kArena;
      }
      block = cursor_;
      cursor_ += size;
      return block;   // fresh pages are zero
    }
  }
  clear(block, size);
  return block;
}

void Memory::deallocate(void* block, std::size_t bytes) noexcept {
  if (block == nullptr) return;
  if (bytes >= kBig) return system_release_pages(block, round_up(bytes, 4096));
  const unsigned index = class_of(bytes);
  FutexHold hold(lock_);
  auto* head = static_cast<Free*>(block);
  head->next = free_[index];
  free_[index] = head;
}

char* Memory::copy_text(const char* text, std::size_t length) noexcept {
  auto* copy = static_cast<char*>(allocate(length + 1));
  if (copy == nullptr) return nullptr;
  for (std::size_t i = 0; i < length; ++i) copy[i] = text[i];
  return copy;
}

void Memory::restart() noexcept {
  lock_.free_in_child();
  cursor_ = limit_ = nullptr;
  for (Free*& head : free_) head = nullptr;
}

}  // namespace crossdep::runtime
