// SPDX-License-Identifier: MIT
//
// Which functions lock, wait, signal and start contexts: pthread and C11, the C++ standard library, POSIX semaphores,
// crossdep.h, the kernel, GLib, Qt and Abseil. A table: one line per function, found by its (qualified) name.
//
// Threading: constant data.  Allocation: none after the first call.
#pragma once

#include <string>
#include <string_view>

#include "source/ir.h"

namespace crossdep::source {

/// What a call does. Arguments are counted from 0; for methods, the object is kThis.
struct Operation {
  enum class What : std::uint8_t {
    kAcquire, kRelease, kWait, kSignal, kCreate, kJoin, kOnce, kName, kWorkInit, kWorkQueue, kRecursive, kNoReturn,
    kCallBack,   // calls its function argument, now
    kContext,    // its function argument runs as a context of its own
    kValue,      // gives back what its argument points to
    kOperation,  // announces that what argument `object` names is performed
    kStore,      // stores argument `other` into what argument `object` points to
    kIgnore,     // known, and of no interest
  };
  What what = What::kIgnore;
  engine::Kind kind = engine::Kind::kMutex;
  engine::Mode mode = engine::Mode::kWrite;
  std::uint16_t flags = 0;         // OpFlag; kFlagTry: the result tells, 0 meaning success with kFlagZeroIsGot
  int object = 0;                  // argument
  int other = -1;                  // a second one: the mutex, the function, the name
  int more = -1;                   // a third: the function's data
};
inline constexpr int kThis = -2;

/// nullptr: no such operation. `name` without template arguments and inline namespaces: "pthread_mutex_lock",
/// "std::mutex::lock".
const Operation* find_operation(std::string_view name);

/// What kind of guard a class is.
struct GuardClass {
  engine::Mode mode = engine::Mode::kWrite;
  bool pointer = false;            // its constructor takes the lock's address
};
const GuardClass* find_guard(std::string_view class_name);

/// True for names that say "lock" but are in no table: a call of such a function without a body blinds the scan.
bool looks_like_lock(std::string_view name);

/// Kernel names, and crossdep.h's, stand for functions that a program may well define itself: a body counts more.
bool body_counts_more(std::string_view name);

}  // namespace crossdep::source
