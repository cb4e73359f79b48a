// SPDX-License-Identifier: MIT
//
// What a function does to locks, as its callers need it: events on its paths and the states it can return in, both in
// terms of its parameters.
//
// Threading: values.  Allocation: the heap.
#pragma once

#include <set>
#include <utility>
#include <vector>

#include "source/ir.h"
#include "source/places.h"

namespace crossdep::source {

using FunctionId = std::int32_t;
using ChainId = std::int32_t;     // interned call chains, outermost first; -1: none

struct ChainNode {
  FunctionId function = -1;
  Site site;                      // files of the program
  ChainId inner = -1;
  unsigned length = 1;            // calls, this one and those inside
};

struct HeldLock {
  PlaceId place = kNoPlace;
  engine::Mode mode = engine::Mode::kWrite;
  engine::Kind kind = engine::Kind::kMutex;
  std::int16_t count = 1;
  std::int32_t guard = -1;        // variable that gives it back
  ChainId chain = -1;
  bool may = false;               // perhaps given back since, through a pointer that may have led to another
  std::int8_t ordered = 0;        // in an event: the object requested is known to come after (1) or before (-1) this one's
  bool same_as(const HeldLock& other) const {
    return place == other.place && mode == other.mode && guard == other.guard && count == other.count;
  }
};

/// "these bits of the parameter are (not) this number".
struct Assumption {
  std::int32_t parameter = -1;
  std::int64_t number = 0;
  bool equal = false;
  std::int64_t mask = -1;
  auto operator<=>(const Assumption&) const = default;
  bool contradicts(const Assumption& other) const {
    if (parameter != other.parameter || mask != other.mask || !(equal || other.equal)) return false;
    return (equal && other.equal) == (number != other.number);
  }
};

/// The same of what is in a place.
struct Fact {
  PlaceId cell = kNoPlace;
  Assumption is;                  // its parameter is of no meaning
  auto operator<=>(const Fact&) const = default;
};

struct Event {
  enum class What : std::uint8_t { kRequest, kWait, kSignal, kJoin, kCreate, kCallLater, kName, kStore, kRecursive, kWorkInit, kWorkQueue, kOperation };
  What what = What::kRequest;
  engine::Kind kind = engine::Kind::kMutex;
  engine::Mode mode = engine::Mode::kWrite;
  std::uint16_t flags = 0;
  PlaceId place = kNoPlace;       // lock, crosslock, handle, cell
  Values values;                  // function, name, content
  std::vector<Values> args;
  std::vector<HeldLock> held;     // got since the function began
  std::vector<PlaceId> released;  // the callers' that were given back before
  std::vector<Assumption> assumptions;
  std::vector<Fact> entry;        // what was in the callers' memory when the function began
  std::vector<HeldLock> history;  // kSignal: requested before, on every path
  std::vector<PlaceId> live;      // handles of threads that may run
  std::vector<PlaceId> joined;    // handles of the callers' threads that have ended by now, on every path
  bool threads = false;           // a thread may have been created before
  bool may = false;               // one of several that a virtual call or a pointer may lead to
  ChainId chain = -1;
  bool closed = false;            // as is_closed() says
  std::uint64_t digest = 0;       // of a finished summary: all but the chain in one number
};

/// What a lock that was given up on the way lets others change.
enum class LetGo : std::uint8_t { kNothing, kAtUnlock, kAtWait };

struct Exit {
  std::vector<HeldLock> acquired;
  std::vector<PlaceId> released;
  std::vector<Assumption> assumptions;
  std::vector<Fact> entry, leaves;   // what was, and is, in the callers' memory
  std::vector<HeldLock> history;
  std::vector<std::pair<PlaceId, Values>> stores;   // what it left in the places its parameters lead to
  Values result;
  std::vector<PlaceId> live, joined;   // as in events
  bool threads = false;
  LetGo let_go = LetGo::kNothing;
};

/// An event that is the same in every caller, which the program keeps once; and the way to it from here.
struct Shared {
  std::int32_t event = -1;
  ChainId chain = -1;
};

/// Where this very function requests, waits or signals.
struct OwnSite {
  ChainId chain = -1;             // one call
  PlaceId place = kNoPlace;
  Event::What what = Event::What::kRequest;
  engine::Kind kind = engine::Kind::kMutex;
  engine::Mode mode = engine::Mode::kWrite;
  auto operator<=>(const OwnSite&) const = default;
};

struct Summary {
  std::vector<Event> events;
  std::vector<OwnSite> sites;     // sorted
  std::vector<Shared> shared;     // the closed ones, once the summary is the program's
  std::vector<Exit> exits;
  std::vector<HeldLock> required; // given back and got again on some way: the callers hold them
  bool truncated = false;         // more events than are kept
  std::uint64_t digest = 0;       // without chains: another way to the same request is no news
};

/// Fills in the digests.
void finish(Summary& summary);
/// Whether no caller can tell anything in it more closely: neither objects nor values nor conditions.
bool is_closed(const Event& event, const Places& places);

}  // namespace crossdep::source
