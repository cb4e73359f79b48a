// SPDX-License-Identifier: MIT
//
// Where the engine's memory comes from. The runtime hands in pages of its own (never malloc: the tested program's
// allocator may take the very locks we judge); the analyzer hands in the heap; tests hand in one that fails.
//
// Threading: an Allocator is called from several contexts at once and must be thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/types.h"

namespace crossdep::engine {

class Allocator {
 public:
  /// `bytes` of zeroed memory aligned to 16, or nullptr. Never throws.
  virtual void* allocate(std::size_t bytes) noexcept = 0;
  /// Gives back what allocate(bytes) returned; `bytes` is the same number. nullptr is allowed.
  virtual void deallocate(void* memory, std::size_t bytes) noexcept = 0;

 protected:
  ~Allocator() = default;
};

/// Serialises the engine's shared part. Offline there is one thread and no lock (nullptr); the runtime hands in its own.
class Serialiser {
 public:
  virtual void lock() noexcept = 0;
  virtual void unlock() noexcept = 0;

 protected:
  ~Serialiser() = default;
};

/// Takes the calling context's stack when the engine wants evidence (rarely: on a chain never seen before).
class StackSource {
 public:
  /// Writes at most `capacity` return addresses, innermost first, and returns how many.
  virtual unsigned capture(Site* frames, unsigned capacity) noexcept = 0;

 protected:
  ~StackSource() = default;
};

}  // namespace crossdep::engine
