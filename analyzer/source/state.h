// SPDX-License-Identifier: MIT
//
// What is true at a point of a function on some of the paths that lead there. Paths that hold the same locks share one
// state, which then only knows what is true on all of them; paths with different locks stay apart. So a lock taken under
// a condition is given back under the same condition (Das, Lerner, Seigle: "ESP: Path-Sensitive Program Verification in
// Polynomial Time", 2002).
//
// Threading: values.  Allocation: the heap.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "source/summary.h"

namespace crossdep::source {

struct Known {
  Values values;
  bool written = false;     // by this function; else learnt from a condition
  bool operator==(const Known&) const = default;
};

struct State {
  std::vector<HeldLock> held;            // in the order they were got
  std::vector<PlaceId> released;         // of the callers
  std::map<PlaceId, Known> known;        // places with known content
  std::vector<std::pair<PlaceId, PlaceId>> copies;   // the first variable was set to what the second holds
  std::vector<Assumption> assumptions;
  std::vector<Fact> facts;               // learnt from conditions, whatever the values are
  std::vector<Fact> entry;               // those of them about the callers' memory, as it was when the function began
  std::vector<PlaceId> changed;          // in the callers' memory, since then
  std::vector<HeldLock> history;         // requested on every path so far
  std::vector<PlaceId> live;             // handles of threads that may run
  std::vector<PlaceId> joined;           // handles of threads that were waited for, on every path, and not made again
  std::vector<std::pair<PlaceId, PlaceId>> below;   // the first comes before the second, in memory or by a number in both
  bool threads = false;
  LetGo let_go = LetGo::kNothing;        // on some path
  std::size_t left_by_call = 0;          // how many of `held`, last ones, the last call left held

  bool same_locks(const State& other) const;
  /// Keeps what both know. True if this changed.
  bool merge(const State& other);
  /// Which of several values a variable has is known from now on: of its copies, too.
  void choose(PlaceId variable, const Value& value);
  /// Notes what a condition says of a place. False: it contradicts what is known.
  bool learn(PlaceId cell, const Assumption& is);
  void thread_begins(PlaceId handle);
  void thread_ends(PlaceId handle);
};

}  // namespace crossdep::source
