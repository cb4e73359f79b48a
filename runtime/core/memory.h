// SPDX-License-Identifier: MIT
//
// The runtime's memory: own pages, never malloc (the tested program's allocator may take the very locks we judge).
// Small blocks come from size classes (four per power of two, free lists), carved out of 1 MiB arenas; big ones are
// mapped and unmapped one by one. Blocks are zeroed. Pages are touched only when used.
//
// Threading: thread-safe by a futex lock of its own, the innermost one; not from a handler that interrupts it.
// After a fork the child calls restart(): what the parent had stays readable and is never given out again.
#pragma once

#include "core/futex_lock.h"
#include "engine/memory.h"

namespace crossdep::runtime {

class Memory final : public engine::Allocator {
 public:
  void* allocate(std::size_t bytes) noexcept override;
  void deallocate(void* memory, std::size_t bytes) noexcept override;

  template <typename T>
  T* make() noexcept { return static_cast<T*>(allocate(sizeof(T))); }
  template <typename T>
  void drop(T* object) noexcept { deallocate(object, sizeof(T)); }
  /// A terminated copy, or nullptr.
  char* copy_text(const char* text, std::size_t length) noexcept;

  void restart() noexcept;

 private:
  struct Free { Free* next; };
  static constexpr std::size_t kArena = 1024 * 1024;
  static constexpr std::size_t kBig = 64 * 1024;   // from here on: pages of its own
  static constexpr unsigned kClasses = 52;

  static unsigned class_of(std::size_t bytes) noexcept;
  static std::size_t class_size(unsigned index) noexcept;

  FutexLock lock_;
  char* cursor_ = nullptr;
  char* limit_ = nullptr;
  Free* free_[kClasses] = {};
};

/// The process's one.
extern Memory memory;

}  // namespace crossdep::runtime
