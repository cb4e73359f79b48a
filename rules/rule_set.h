// SPDX-License-Identifier: MIT
//
// What rule files say, as values. Patterns are matched as pattern.h says: lock classes like suppressions do, operations
// and functions by their whole name.
//
// Threading: values.  Allocation: the heap.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/types.h"

namespace crossdep::rules {

using Patterns = std::vector<std::string>;

/// What every rule has: where it stands ("rules.json:12") and why it is there (empty if not said).
struct Source {
  std::string place;
  std::string reason;
};

/// Classes in the order in which they are to be taken; each position a list of patterns.
struct OrderRule : Source {
  std::vector<Patterns> classes;
};

/// Nothing is taken or waited for under these, but `except`.
struct LeafRule : Source {
  Patterns classes, except;
};

/// Whom a rule about operations speaks of: named operations, and calls of functions, seen in the stacks of what the
/// function does itself.
struct Performed {
  Patterns operations, calls;
};

/// Not while a lock of `under` is held (`any_mode` or for writing only), unless it is one of `except`.
struct ForbidRule : Source {
  Performed performed;
  Patterns under, except;
  bool writers_only = false;
};

/// Only while one of `locks` is held.
struct RequireRule : Source {
  Performed performed;
  Patterns locks;
  bool for_writing = false;
};

/// Only while no lock is held, but for `except`.
struct NoLockRule : Source {
  Performed performed;
  Patterns except;
};

/// Not held for longer than so many milliseconds.
struct MaxHoldRule : Source {
  Patterns classes, except;
  std::uint64_t milliseconds = 0;
};

/// Locks of one class nested in each other: any order is right, or ascending addresses are.
struct NestingRule : Source {
  Patterns classes;
  bool by_address = false;
};

/// Wait types as in lockdep, 0 unchecked (engine::ClassInfo).
struct WaitRule : Source {
  Patterns classes;
  std::uint8_t outer = 0, inner = 0;
};

/// A name for the class that would be called `class_name`, that `function` made or first used, or that was made at `site`
/// (FILE or FILE:LINE); exactly one of them is given.
struct NameRule : Source {
  std::string class_name, function, site;
  bool any_kind = true;
  engine::Kind kind = engine::Kind::kOther;
  std::string name;
};

/// Functions that are primitives of the program's own: what a call of one does to the object that argument number
/// `argument` (from 0) points to.
struct PrimitiveRule : Source {
  enum class Op : std::uint8_t { kAcquire, kTry, kTimed, kRelease, kInit, kDestroy, kWait, kTimedWait, kSignal, kBroadcast };
  enum class Success : std::uint8_t { kAlways, kZero, kNonzero };   // the result that means: got, woken
  Op op = Op::kAcquire;
  Patterns functions;
  unsigned argument = 0;
  engine::Mode mode = engine::Mode::kWrite;
  engine::Kind kind = engine::Kind::kMutex;
  Success success = Success::kAlways;
  bool recursive = false;                                           // the owner may get it again
  int mutex = -1;                                                   // of a wait: the argument that is its mutex, -1: none
};

struct RuleSet {
  std::vector<OrderRule> orders;
  std::vector<LeafRule> leaves;
  std::vector<ForbidRule> forbids;
  std::vector<RequireRule> requires_lock;
  std::vector<NoLockRule> no_lock;
  std::vector<MaxHoldRule> max_holds;
  std::vector<NestingRule> nestings;
  std::vector<WaitRule> waits;
  std::vector<NameRule> names;
  std::vector<PrimitiveRule> primitives;
  Patterns wrappers;   // functions that are skipped where a place gives a class its name

  /// Calls visit(Performed) for each rule about operations.
  template <typename Visit>
  void each_performed(Visit visit) const {
    for (const ForbidRule& rule : forbids) visit(rule.performed);
    for (const RequireRule& rule : requires_lock) visit(rule.performed);
    for (const NoLockRule& rule : no_lock) visit(rule.performed);
  }

  bool empty() const {
    return orders.empty() && leaves.empty() && forbids.empty() && requires_lock.empty() && no_lock.empty() &&
           max_holds.empty() && nestings.empty() && waits.empty() && names.empty() && primitives.empty() && wrappers.empty();
  }
};

}  // namespace crossdep::rules
