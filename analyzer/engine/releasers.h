// SPDX-License-Identifier: MIT
//
// Who releases a crosslock. Where several contexts were seen to release the same object, a cycle through it is a deadlock
// only if none of them comes: one that asks for nothing of the cycle may end the wait (Reason::kOtherReleasers). It may
// also not come again, so such a cycle stays `possible`.
//
// Only objects with a second releaser have an entry here. Beyond kMostObjects, or without memory, nothing more is learnt:
// cycles then keep their stronger reason.
//
// Threading: serialised by the engine.  Allocation: the engine's Allocator.
#pragma once

#include "engine/containers.h"
#include "engine/types.h"

namespace crossdep::engine {

/// True for kinds whose wait any one release ends. At a barrier and a latch all have to come; a futex word, a once flag
/// and a thread's end are released by whoever owns them then.
constexpr bool any_release_ends(Kind kind) {
  return kind == Kind::kCompletion || kind == Kind::kCond || kind == Kind::kSemaphore || kind == Kind::kFuture;
}

class Releasers {
 public:
  static constexpr unsigned kMostContexts = 6;   // kept per object
  static constexpr std::uint32_t kMostObjects = 1u << 14, kMostRequests = 1u << 16;

  struct Object {
    ContextId contexts[kMostContexts];
    Site sites[kMostContexts];   // where it was released, 0 where not known
    std::uint32_t count;
  };

  explicit Releasers(Allocator& memory) noexcept : object_ids_(memory), objects_(memory), requests_(memory) {}

  /// This context released the object. True if it was not known as its releaser.
  bool released(InstanceId, ContextId, Site) noexcept;
  /// This context made the event dependency: it asked for its `to` before it released its `from`. True if that is new.
  bool asked(DependencyId, ContextId) noexcept;
  /// False only if it surely did not.
  bool may_have_asked(DependencyId dependency, ContextId context) const noexcept {
    return full_ || requests_.find(key(dependency, context)) != nullptr;
  }
  /// nullptr where not more than one is known.
  const Object* of(InstanceId) const noexcept;

 private:
  static std::uint64_t key(DependencyId dependency, ContextId context) noexcept {
    return (std::uint64_t{dependency} + 1) << 32 | context;
  }

  FlatMap<std::uint32_t> object_ids_;
  Vec<Object> objects_;
  FlatMap<bool> requests_;
  bool full_ = false;
};

}  // namespace crossdep::engine
