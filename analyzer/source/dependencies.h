// SPDX-License-Identifier: MIT
//
// From the summaries of the functions contexts begin in to dependencies between named classes. A lock held at a request
// gives a dependency; a signal, a thread's end and a work item's end depend on what their context requested before.
//
// Threading: none.  Allocation: the heap.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "source/program.h"

namespace crossdep::source {

using ClassIndex = std::int32_t;

struct LockClassInfo {
  std::string name;               // as the reports print it: things waited for with their kind in front
  engine::Kind kind = engine::Kind::kMutex;
  bool single = false;            // one object
};

struct ContextInfo {
  FunctionId function = -1;
  std::string name;
  bool thread = false;            // made by a thread creation
  bool many = true;               // may run several times at once
};

struct HeldClass {
  ClassIndex lock = -1;
  engine::Mode mode = engine::Mode::kWrite;
  ChainId chain = -1;
  auto operator<=>(const HeldClass&) const = default;
};

/// One way to a dependency.
struct Occurrence {
  ClassIndex from = -1, to = -1;
  engine::Mode from_mode = engine::Mode::kWrite, to_mode = engine::Mode::kWrite;
  bool timed = false, event = false;
  bool may = false;               // one of several that a virtual call or a pointer may lead to
  std::int8_t ordered = 0;        // the objects are known to be compared: X comes before (1) or after (-1) Y
  std::size_t context = 0;
  ChainId from_chain = -1, to_chain = -1;   // where X was got (or is released), where Y is requested
  std::vector<HeldClass> held;
  bool threads = true;            // other contexts may run at that time
  std::vector<std::size_t> live;  // in the first context: the contexts that may
};

/// The same class requested while held.
struct Nesting {
  ClassIndex lock = -1;
  bool same_object = false;       // surely the same lock; else two of a class
  bool ordered = false;           // the second was found through the first: parent before child
  std::int8_t address = 0;        // compared before: 1 ascending, -1 descending
  std::size_t context = 0;
  ChainId outer = -1, inner = -1;
  PlaceId outer_place = kNoPlace, inner_place = kNoPlace;   // set if both are known from globals on, whichever way
  engine::Mode mode = engine::Mode::kWrite;
};

/// A thread that ends, on every path, with a lock that is wanted elsewhere.
struct LeftHeld {
  ClassIndex lock = -1;
  engine::Mode mode = engine::Mode::kWrite;
  std::size_t context = 0;
  ChainId chain = -1;             // where it was got
};

/// For the join with a run: what a place in the source acquires.
struct LockSite {
  Site site;
  FunctionId function = -1;
  ClassIndex lock = -1;
  engine::Mode mode = engine::Mode::kWrite;
  std::string operation;          // "acquire", "wait", "signal"
};

struct Found {
  std::vector<LockClassInfo> classes;
  std::vector<ContextInfo> contexts;
  std::vector<Occurrence> occurrences;
  std::vector<Nesting> nestings;
  std::vector<LeftHeld> left;
  std::vector<LockSite> sites;
  std::set<std::pair<std::size_t, std::size_t>> apart;   // contexts that are never there at the same time
  std::size_t requests = 0;
};

Found find_dependencies(Program& program);

}  // namespace crossdep::source
