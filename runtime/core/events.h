// SPDX-License-Identifier: MIT
//
// One function per event: to the engine, and in record mode to the thread's stream. The interposers and the annotations
// call these and nothing else. The hot ones are inline: the engine's own hot path, then one test for the stream.
//
// Each takes the guard. Null instances (memory was out) are ignored.
// Threading: the calling thread's context.  Allocation: the engine's, on its cold paths.
#pragma once

#include "core/runtime.h"
#include "core/thread.h"
#include "engine/engine.h"

namespace crossdep::runtime {

using engine::LockInstance;
using engine::Mode;
using engine::Site;

// Recording: cold when not recording, kept out of line.
void note_request(const Inside&, LockInstance*, Mode, std::uint8_t flags, Site) noexcept;
void note_acquired(const Inside&, LockInstance*, Mode, std::uint8_t flags, Site) noexcept;
void note_failed(const Inside&, LockInstance*) noexcept;
void note_release(const Inside&, LockInstance*, Site) noexcept;
void note_init(const Inside&, LockInstance*, Site) noexcept;
void note_destroy(const Inside&, LockInstance*, Site) noexcept;

inline void request(const Inside& inside, LockInstance* lock, Mode mode, std::uint8_t flags, Site site) noexcept {
  engine_of_process().request(inside.context(), lock, mode, flags, site);
  if (inside.stream() != nullptr) [[unlikely]] note_request(inside, lock, mode, flags, site);
}
inline void acquired(const Inside& inside, LockInstance* lock, Mode mode, std::uint8_t flags, Site site) noexcept {
  engine_of_process().acquired(inside.context(), lock, mode, flags, site);
  if (inside.stream() != nullptr) [[unlikely]] note_acquired(inside, lock, mode, flags, site);
}
/// The last request ended without the lock.
inline void failed(const Inside& inside, LockInstance* lock) noexcept {
  if (inside.stream() != nullptr) [[unlikely]] note_failed(inside, lock);
}
inline void release(const Inside& inside, LockInstance* lock, Site site) noexcept {
  if (inside.stream() != nullptr) [[unlikely]] note_release(inside, lock, site);
  engine_of_process().release(inside.context(), lock, site);
}

/// Requests and acquisitions under another class than the instance's own.
void request_as(const Inside&, LockInstance*, engine::ClassId, Mode, std::uint8_t flags, Site) noexcept;
void acquired_as(const Inside&, LockInstance*, engine::ClassId, Mode, std::uint8_t flags, Site) noexcept;

/// Write to read, still held.
void downgrade(const Inside&, LockInstance*, Site) noexcept;

void wait_begin(const Inside&, LockInstance* crosslock, LockInstance* mutex, std::uint8_t flags, Site) noexcept;
void wait_end(const Inside&, LockInstance* crosslock, LockInstance* mutex, bool matched, Site) noexcept;
/// `count` waits are matched, engine::kNone for all.
void signal(const Inside&, LockInstance* crosslock, std::uint32_t count, Site) noexcept;
void enter(const Inside&, engine::ContextKind, LockInstance* work, LockInstance* queue, Site) noexcept;
void leave(const Inside&, Site) noexcept;
void join_begin(const Inside&, engine::Context* child, std::uint8_t flags, Site) noexcept;
void join_end(const Inside&, engine::Context* child, bool joined) noexcept;
void might_lock(const Inside&, LockInstance*, Mode, Site) noexcept;
void assert_held(const Inside&, LockInstance*, Mode, Site) noexcept;
/// A call that a rule may forbid.
void operation(const Inside&, const char* name, Site) noexcept;

}  // namespace crossdep::runtime
