// SPDX-License-Identifier: MIT
//
// The shape every interposed lock function has, written once: judge the request, make the real call, note what came of
// it. A family (mutex.cpp, rwlock.cpp …) gives a traits class and one line per function:
//
//   struct Family {
//     using Object = …;                          // what the functions point to
//     static constexpr engine::Kind kKind = …;
//     static std::uint8_t flags(const Object*);  // InstanceFlag, read when the object is first seen
//     static bool taken(int result);             // the call got the lock
//   };
//
// The guard is not held during the real call: the thread may block there, be cancelled, or run a signal handler that
// takes locks of its own. errno is left as the real function left it: nothing of ours touches it.
// Threading: any thread.  Allocation: none here.
#pragma once

#include "core/events.h"
#include "core/identity.h"
#include "interpose/real.h"

#define CROSSDEP_EXPORT extern "C" __attribute__((visibility("default")))
// Where the interposer was called from; only right in the interposer itself.
#define CROSSDEP_CALLER reinterpret_cast<::crossdep::engine::Site>(__builtin_return_address(0))

namespace crossdep::runtime {

/// Calls a real function that an old C library may lack. Nothing was found before the runtime's first use.
template <typename Function, typename... Arguments>
__attribute__((always_inline)) inline auto call_real(Function& function, Arguments... arguments) {
  if (function == nullptr) [[unlikely]] find_real_functions();
  return function(arguments...);
}

template <typename Family>
__attribute__((always_inline)) inline LockInstance* instance_of(Token inside, typename Family::Object* object,
                                                                Site site) noexcept {
  if (LockInstance* lock = identity.find(object)) [[likely]] {
    if (!lock->fleeting) [[likely]] return lock;
    return identity.still(inside, lock, object, Family::kKind, Family::flags(object), site);
  }
  return identity.first_sight(inside, object, Family::kKind, Family::flags(object), site);
}

/// What is asked for, when the address map does not know it as it is.
template <typename Family>
__attribute__((noinline, cold)) LockInstance* request_slow(Token inside, Mode mode, std::uint8_t flags, Site site,
                                                           typename Family::Object* object) noexcept {
  LockInstance* lock = instance_of<Family>(inside, object, site);
  request(inside, lock, mode, flags, site);
  return lock;
}

/// lock, trylock, timedlock …
template <typename Family, typename Function, typename... Arguments>
__attribute__((always_inline)) inline int take(Function& function, Mode mode, std::uint8_t flags, Site site,
                                               typename Family::Object* object, Arguments... arguments) {
  LockInstance* lock = nullptr;
  if (Inside inside = Inside::enter()) [[likely]] {
    lock = identity.find(object);
    if (lock == nullptr || lock->fleeting) [[unlikely]] lock = request_slow<Family>(inside, mode, flags, site, object);
    else if (Token(inside).watched()) recorded_request(inside, lock, mode, flags, site);
    else engine_of_process().request(inside.context(), lock, mode, flags, site);
  }
  const int result = call_real(function, object, arguments...);
  if (lock == nullptr) [[unlikely]] return result;
  if (Inside inside = Inside::enter()) [[likely]] {
    if (!Family::taken(result)) [[unlikely]] failed(inside, lock);
    else if (Token(inside).watched()) recorded_acquired(inside, lock, mode, flags, site);
    else engine_of_process().acquired_as_requested(inside.context(), lock, mode, flags, site);
  }
  return result;
}

/// The lock got last is the one most often given up: found without the address map.
template <typename Family>
__attribute__((always_inline)) inline LockInstance* held_instance_of(Token inside, typename Family::Object* object,
                                                                     Site site) noexcept {
  LockInstance* last = inside.context()->held_end()[-1].lock;   // nullptr: the floor
  if (last != nullptr && last->address == reinterpret_cast<std::uint64_t>(object)) [[likely]] return last;
  return instance_of<Family>(inside, object, site);
}

template <typename Family>
__attribute__((noinline, cold)) void release_slow(Token inside, Site site, typename Family::Object* object) noexcept {
  release(inside, held_instance_of<Family>(inside, object, site), site);
}

/// unlock: the release is noted while the lock is still held.
template <typename Family, typename Function>
__attribute__((always_inline)) inline auto give(Function& function, Site site, typename Family::Object* object) {
  if (Inside inside = Inside::enter()) [[likely]] {
    const auto address = reinterpret_cast<std::uint64_t>(object);
    const bool done = Token(inside).watched() ? recorded_release_last(inside, address, site)
                                              : engine_of_process().release_last(inside.context(), address);
    if (!done) [[unlikely]] release_slow<Family>(inside, site, object);
  }
  return call_real(function, object);
}

/// init: after the real one, when the object's kind can be read from it.
template <typename Family, typename Function, typename... Arguments>
inline int initialise(Function& function, Site site, typename Family::Object* object, Arguments... arguments) {
  const int result = call_real(function, object, arguments...);
  if (result == Family::kDone)
    if (Inside inside = Inside::enter())
      identity.initialised(inside, object, Family::kKind, Family::flags(object), site);
  return result;
}

/// destroy: before the real one, after which the memory may be anybody's.
template <typename Family, typename Function>
inline auto destroy(Function& function, Site site, typename Family::Object* object) {
  if (Inside inside = Inside::enter()) identity.destroyed(inside, object, site);
  return call_real(function, object);
}

}  // namespace crossdep::runtime
