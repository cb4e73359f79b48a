// SPDX-License-Identifier: MIT
//
// One function per event: to the engine, and in record mode to the thread's stream. The interposers and the annotations
// call these and nothing else. The hot ones are inline: the engine's own hot path, then one test for the stream.
//
// Each takes proof of the guard. Null instances (memory was out) are ignored.
// Threading: the calling thread's context.  Allocation: the engine's, on its cold paths.
#pragma once

#include "core/runtime.h"
#include "core/thread.h"
#include "engine/engine.h"

namespace crossdep::runtime {

using engine::LockInstance;
using engine::Mode;
using engine::Site;

// Recording, and measuring how long a lock is held: kept out of line. recorded_… is the whole event.
void recorded_request(Token, LockInstance*, Mode, std::uint8_t flags, Site) noexcept;
/// Of what this context requested last, with the same arguments.
void recorded_acquired(Token, LockInstance*, Mode, std::uint8_t flags, Site) noexcept;
void recorded_release(Token, LockInstance*, Site) noexcept;
/// Of the lock got last if that is the one at `address`; false if not: nothing is done.
bool recorded_release_last(Token, std::uint64_t address, Site) noexcept;
void note_acquired(Token, LockInstance*, Mode, std::uint8_t flags, Site) noexcept;
void note_failed(Token, LockInstance*) noexcept;
void note_init(Token, LockInstance*, Site) noexcept;

__attribute__((always_inline)) inline void request(Token inside, LockInstance* lock, Mode mode, std::uint8_t flags, Site site) noexcept {
  if (inside.watched()) [[unlikely]] return recorded_request(inside, lock, mode, flags, site);
  engine_of_process().request(inside.context(), lock, mode, flags, site);
}
__attribute__((always_inline)) inline void acquired(Token inside, LockInstance* lock, Mode mode, std::uint8_t flags, Site site) noexcept {
  engine_of_process().acquired(inside.context(), lock, mode, flags, site);
  if (inside.watched()) [[unlikely]] note_acquired(inside, lock, mode, flags, site);
}
/// The last request ended without the lock.
inline void failed(Token inside, LockInstance* lock) noexcept {
  engine_of_process().failed(inside.context());
  if (inside.watched()) [[unlikely]] note_failed(inside, lock);
}
__attribute__((always_inline)) inline void release(Token inside, LockInstance* lock, Site site) noexcept {
  if (inside.watched()) [[unlikely]] return recorded_release(inside, lock, site);
  engine_of_process().release(inside.context(), lock, site);
}

/// Requests and acquisitions under another class than the instance's own.
void request_as(Token, LockInstance*, engine::ClassId, Mode, std::uint8_t flags, Site) noexcept;
void acquired_as(Token, LockInstance*, engine::ClassId, Mode, std::uint8_t flags, Site) noexcept;

/// Write to read, still held.
void downgrade(Token, LockInstance*, Site) noexcept;

/// The end of an object's life.
void destroy(Token, LockInstance*, Site) noexcept;

void wait_begin(Token, LockInstance* crosslock, LockInstance* mutex, std::uint8_t flags, Site) noexcept;
void wait_end(Token, LockInstance* crosslock, LockInstance* mutex, bool matched, Site) noexcept;
/// `count` waits are matched, engine::kNone for all.
void signal(Token, LockInstance* crosslock, std::uint32_t count, Site) noexcept;
/// `number` is a signal's.
void enter(Token, engine::ContextKind, LockInstance* work, LockInstance* queue, Site, unsigned number = 0) noexcept;
void leave(Token, Site) noexcept;
void join_begin(Token, engine::Context* child, std::uint8_t flags, Site) noexcept;
void join_end(Token, engine::Context* child, bool joined) noexcept;
void might_lock(Token, LockInstance*, Mode, Site) noexcept;
void assert_held(Token, LockInstance*, Mode, Site) noexcept;
/// A named operation, for rules.
void operation(Token, const char* name, Site) noexcept;

}  // namespace crossdep::runtime
