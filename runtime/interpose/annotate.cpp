// SPDX-License-Identifier: MIT
//
// The runtime's side of crossdep.h: annotations become events. Modes, flags and kinds have the engine's numbers; ones
// out of range are taken for the nearest harmless meaning, since a header older or newer than the library may send them.
//
// Threading: any thread.  Allocation: none here.
#include "crossdep.h"

#include "interpose/lock_call.h"

using namespace crossdep::runtime;
using crossdep::engine::ClassId;
using crossdep::engine::ContextKind;
using crossdep::engine::Kind;
using crossdep::engine::kNone;

static_assert(CROSSDEP_MUTEX == static_cast<int>(Kind::kMutex) && CROSSDEP_COMPLETION == static_cast<int>(Kind::kCompletion) &&
              CROSSDEP_WORKQUEUE == static_cast<int>(Kind::kWorkqueue) && CROSSDEP_OTHER == static_cast<int>(Kind::kOther));
static_assert(CROSSDEP_WRITE == static_cast<int>(Mode::kWrite) && CROSSDEP_READ == static_cast<int>(Mode::kRead) &&
              CROSSDEP_RECURSIVE_READ == static_cast<int>(Mode::kRecursiveRead));
static_assert(CROSSDEP_TRY == static_cast<int>(crossdep::engine::kTry) &&
              CROSSDEP_TIMED == static_cast<int>(crossdep::engine::kTimed));

namespace {

Mode mode_of(int mode) noexcept {
  return mode == CROSSDEP_READ ? Mode::kRead : mode == CROSSDEP_RECURSIVE_READ ? Mode::kRecursiveRead : Mode::kWrite;
}
std::uint8_t flags_of(int flags) noexcept { return static_cast<std::uint8_t>(flags & (CROSSDEP_TRY | CROSSDEP_TIMED)); }
Kind kind_of(int kind) noexcept {
  return kind >= 0 && kind <= CROSSDEP_OTHER ? static_cast<Kind>(kind) : Kind::kOther;
}

// An object that was never announced is a lock, or a completion where it is waited for, of unknown name.
LockInstance* instance(Token inside, const void* object, Kind kind, Site site) noexcept {
  if (object == nullptr) return nullptr;
  if (LockInstance* lock = identity.find(object)) return lock;
  return identity.first_sight(inside, object, kind, 0, site);
}

void ask(Token inside, LockInstance* lock, int mode, int flags, int subclass, Site site) noexcept {
  if (lock == nullptr) return;
  if (subclass < 0) return request(inside, lock, mode_of(mode), flags_of(flags), site);
  request_as(inside, lock, identity.subclass(lock, static_cast<unsigned>(subclass)), mode_of(mode), flags_of(flags), site);
}

void got(Token inside, LockInstance* lock, int mode, int flags, int subclass, Site site) noexcept {
  if (lock == nullptr) return;
  if (subclass < 0) return acquired(inside, lock, mode_of(mode), flags_of(flags), site);
  acquired_as(inside, lock, identity.subclass(lock, static_cast<unsigned>(subclass)), mode_of(mode), flags_of(flags), site);
}

}  // namespace

CROSSDEP_EXPORT void crossdep_rt_lock_init(const void* lock, const char* name, unsigned subclass, int kind) {
  const Site site = CROSSDEP_CALLER;
  if (Inside inside = Inside::enter())
    identity.named(inside, lock, name, true, kind_of(kind), static_cast<std::uint8_t>(subclass), site);
}
CROSSDEP_EXPORT void crossdep_rt_object_init(const void* object, const char* name, int kind) {
  const Site site = CROSSDEP_CALLER;
  if (Inside inside = Inside::enter()) identity.named(inside, object, name, true, kind_of(kind), 0, site);
}
CROSSDEP_EXPORT void crossdep_rt_name(const void* object, const char* name) {
  const Site site = CROSSDEP_CALLER;
  if (Inside inside = Inside::enter()) identity.named(inside, object, name, false, Kind::kOther, 0, site);
}
CROSSDEP_EXPORT void crossdep_rt_lock_destroy(const void* lock) {
  const Site site = CROSSDEP_CALLER;
  if (Inside inside = Inside::enter()) identity.destroyed(inside, lock, site);
}

CROSSDEP_EXPORT void crossdep_rt_request(const void* lock, int mode, int flags, int subclass) {
  const Site site = CROSSDEP_CALLER;
  if (Inside inside = Inside::enter()) ask(inside, instance(inside, lock, Kind::kMutex, site), mode, flags, subclass, site);
}
CROSSDEP_EXPORT void crossdep_rt_acquired(const void* lock, int mode, int flags, int subclass) {
  const Site site = CROSSDEP_CALLER;
  if (Inside inside = Inside::enter()) got(inside, instance(inside, lock, Kind::kMutex, site), mode, flags, subclass, site);
}
CROSSDEP_EXPORT void crossdep_rt_acquire(const void* lock, int mode, int flags, int subclass) {
  const Site site = CROSSDEP_CALLER;
  Inside inside = Inside::enter();
  if (!inside) return;
  LockInstance* known = instance(inside, lock, Kind::kMutex, site);
  ask(inside, known, mode, flags, subclass, site);
  got(inside, known, mode, flags, subclass, site);
}
CROSSDEP_EXPORT void crossdep_rt_release(const void* lock) {
  const Site site = CROSSDEP_CALLER;
  if (Inside inside = Inside::enter()) release(inside, instance(inside, lock, Kind::kMutex, site), site);
}
CROSSDEP_EXPORT void crossdep_rt_downgrade(const void* lock) {
  const Site site = CROSSDEP_CALLER;
  if (Inside inside = Inside::enter()) downgrade(inside, instance(inside, lock, Kind::kRwlock, site), site);
}
CROSSDEP_EXPORT void crossdep_rt_might_lock(const void* lock, int mode) {
  const Site site = CROSSDEP_CALLER;
  if (Inside inside = Inside::enter()) might_lock(inside, instance(inside, lock, Kind::kMutex, site), mode_of(mode), site);
}
CROSSDEP_EXPORT void crossdep_rt_assert_held(const void* lock, int mode) {
  const Site site = CROSSDEP_CALLER;
  if (Inside inside = Inside::enter()) assert_held(inside, instance(inside, lock, Kind::kMutex, site), mode_of(mode), site);
}

CROSSDEP_EXPORT void crossdep_rt_wait_begin(const void* object, int flags) {
  const Site site = CROSSDEP_CALLER;
  if (Inside inside = Inside::enter())
    wait_begin(inside, instance(inside, object, Kind::kCompletion, site), nullptr, flags_of(flags), site);
}
CROSSDEP_EXPORT void crossdep_rt_wait_end(const void* object, int matched) {
  const Site site = CROSSDEP_CALLER;
  if (Inside inside = Inside::enter())
    wait_end(inside, instance(inside, object, Kind::kCompletion, site), nullptr, matched != 0, site);
}
CROSSDEP_EXPORT void crossdep_rt_signal(const void* object, unsigned count) {
  const Site site = CROSSDEP_CALLER;
  if (Inside inside = Inside::enter())
    signal(inside, instance(inside, object, Kind::kCompletion, site), count == ~0u ? kNone : count, site);
}

CROSSDEP_EXPORT void crossdep_rt_work_queue(const void* work, const void* queue) {
  const Site site = CROSSDEP_CALLER;
  Inside inside = Inside::enter();
  if (!inside) return;
  instance(inside, work, Kind::kWork, site);
  instance(inside, queue, Kind::kWorkqueue, site);
}
CROSSDEP_EXPORT void crossdep_rt_work_begin(const void* work, const void* queue) {
  const Site site = CROSSDEP_CALLER;
  if (Inside inside = Inside::enter())
    enter(inside, ContextKind::kWorkItem, instance(inside, work, Kind::kWork, site),
          instance(inside, queue, Kind::kWorkqueue, site), site);
}
CROSSDEP_EXPORT void crossdep_rt_work_end(const void*) {
  const Site site = CROSSDEP_CALLER;
  if (Inside inside = Inside::enter()) leave(inside, site);
}

CROSSDEP_EXPORT void crossdep_rt_operation(const char* name) {
  const Site site = CROSSDEP_CALLER;
  if (Inside inside = Inside::enter()) operation(inside, name, site);
}
