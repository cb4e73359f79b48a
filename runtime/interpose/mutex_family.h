// SPDX-License-Identifier: MIT
//
// What mutexes of both names, pthread_mutex_t and C11's mtx_t, are to lock_call.h. What kind one is stands in the object
// itself, also when a static initialiser made it.
//
// Threading and allocation: none here.
#pragma once

#include <errno.h>

#include "interpose/lock_call.h"

namespace crossdep::runtime {

struct Mutex {
  using Object = pthread_mutex_t;
  static constexpr engine::Kind kKind = engine::Kind::kMutex;
  static constexpr int kDone = 0;
  static std::uint8_t flags(const Object* mutex) noexcept {
    switch (mutex->__data.__kind & 3) {   // glibc: the rest are robust, priority, process-shared and elision bits
      case PTHREAD_MUTEX_RECURSIVE_NP: return engine::kRecursiveLock;
      case PTHREAD_MUTEX_ERRORCHECK_NP: return engine::kErrorCheck;
      default: return 0;
    }
  }
  // The owner of a robust mutex died: it is ours, with the state to be repaired.
  static bool taken(int result) noexcept { return result == 0 || result == EOWNERDEAD; }
};

// glibc's C11 mutexes are its pthread mutexes under another name.
struct C11Mutex {
  using Object = mtx_t;
  static constexpr engine::Kind kKind = engine::Kind::kMutex;
  static constexpr int kDone = thrd_success;
  static std::uint8_t flags(const Object* mutex) noexcept {
    return Mutex::flags(reinterpret_cast<const pthread_mutex_t*>(mutex));
  }
  static bool taken(int result) noexcept { return result == thrd_success; }
};

}  // namespace crossdep::runtime
