// SPDX-License-Identifier: MIT
//
// What a function's summary keeps of the events on its ways: each once, and of those that say the same of the lock classes
// a few. Functions that reach each other through wrappers would otherwise have an event for each combination of locks.
//
// Threading: none.  Allocation: the heap.
#include <algorithm>

#include "source/analyse.h"
#include "source/digest.h"

namespace crossdep::source {
namespace {

constexpr std::size_t kEvents = 2000, kAlike = 4;

// One event for two ways: the threads that may run on either, and what was waited for or, before a signal, requested on both.
void join_ways(Event& kept, const Event& event) {
  for (const PlaceId handle : event.live) insert(kept.live, handle);
  std::erase_if(kept.joined, [&](PlaceId handle) { return std::find(event.joined.begin(), event.joined.end(), handle) == event.joined.end(); });
  if (event.what == Event::What::kSignal)
    std::erase_if(kept.history, [&](const HeldLock& h) {
      return std::none_of(event.history.begin(), event.history.end(), [&](const HeldLock& o) { return o.place == h.place; });
    });
}

}  // namespace

// What the event says of lock classes. False: which objects they are, or who is called, may matter to a caller.
bool FunctionAnalysis::coarse(const Event& event, EventKey& key) const {
  switch (event.what) {
    case Event::What::kRequest:
    case Event::What::kWait:
    case Event::What::kSignal:
      break;
    case Event::What::kStore:
      if (std::any_of(event.values.begin(), event.values.end(), [](const Value& v) { return v.kind == Value::Kind::kFunction || v.kind == Value::Kind::kString; })) return false;
      break;
    default:
      return false;
  }
  key.place = p_.class_of(event.place);
  if (key.place < 0) return false;
  for (auto& [place, mode] : key.held) place = p_.class_of(place);
  std::vector<PlaceId> released;
  for (const PlaceId place : key.released) insert(released, p_.class_of(place));
  key.released = std::move(released);
  Values values;
  bool anything = false;
  for (const Value& v : key.values) {
    const bool place = v.kind == Value::Kind::kAddress || v.kind == Value::Kind::kContent;
    add(values, {v.kind, place ? p_.class_of(static_cast<PlaceId>(v.number)) : 0}, anything);
  }
  key.values = std::move(values);
  return true;
}

// Of an event that is the same in every caller, only the classes of what is held matter. It says nothing new if for each
// of them there is one already that holds that class and none that this one does not. Functions that reach each other
// through wrappers would otherwise have an event for each combination of locks.
bool FunctionAnalysis::covered(const Event& event) {
  const std::int32_t lock = p_.class_of(event.place);
  Digest key;
  key.add(static_cast<std::uint64_t>(event.what) | static_cast<std::uint64_t>(event.kind) << 8 | static_cast<std::uint64_t>(event.mode) << 16 |
          static_cast<std::uint64_t>(event.flags) << 24);
  key.add(static_cast<std::uint64_t>(lock));
  Closed now;
  now.threads = event.threads;
  now.may = event.may;
  for (const PlaceId place : event.released) insert(now.released, p_.class_of(place));
  std::vector<std::uint32_t>& held = now.held;
  for (const HeldLock& h : event.held) {
    if (h.place == event.place) key.add(std::uint64_t{1});
    held.push_back(static_cast<std::uint32_t>(p_.class_of(h.place)) << 5 | static_cast<std::uint32_t>(h.mode) << 3 | static_cast<std::uint32_t>(h.may) << 2 |
                   static_cast<std::uint32_t>(h.ordered + 1));
  }
  std::sort(held.begin(), held.end());
  held.erase(std::unique(held.begin(), held.end()), held.end());
  std::vector<Closed>& others = closed_[key.value()];
  std::vector<std::uint32_t> told;
  bool less = false;
  for (const Closed& other : others) {
    // The other is as sure and as free, and leaves the callers no more of their locks out.
    if (other.threads < now.threads || other.may > now.may || !std::includes(held.begin(), held.end(), other.held.begin(), other.held.end()) ||
        !std::includes(now.released.begin(), now.released.end(), other.released.begin(), other.released.end()))
      continue;
    less = true;
    told.insert(told.end(), other.held.begin(), other.held.end());
    Event& kept = summary_.events[other.at];
    join_ways(kept, event);
    if (other.held.size() == held.size() && p_.length(event.chain) < p_.length(kept.chain)) {
      kept.chain = event.chain;
      kept.held = event.held;
    }
  }
  std::sort(told.begin(), told.end());
  if (less && std::includes(told.begin(), told.end(), held.begin(), held.end())) return true;
  if (summary_.events.size() < kEvents) {
    now.at = summary_.events.size();
    others.push_back(std::move(now));
  }
  return false;
}

void FunctionAnalysis::record(Event&& event) {
  if (event.what == Event::What::kCreate) {   // no lock passes on to a thread
    event.held.clear();
    event.released.clear();
  }
  event.closed = is_closed(event, places_);
  const bool request = event.what == Event::What::kRequest || event.what == Event::What::kWait || event.what == Event::What::kSignal;
  if (request && p_.length(event.chain) == 1 && p_.chain(event.chain).function == id_) {
    const OwnSite here{event.chain, event.place, event.what, event.kind, event.mode};
    const auto at = std::lower_bound(summary_.sites.begin(), summary_.sites.end(), here);
    if (at == summary_.sites.end() || *at != here) summary_.sites.insert(at, here);
  }
  // A signal on a way with a condition and one without belong together, for what was requested before both: as long as there are few.
  constexpr std::size_t kFew = 100;
  const bool apart = event.what != Event::What::kSignal || summary_.events.size() > kFew;
  if (event.closed && request && apart && p_.class_of(event.place) >= 0) {
    if (covered(event)) return;
    if (summary_.events.size() < kEvents) summary_.events.push_back(std::move(event));
    else summary_.truncated = true;
    return;
  }
  EventKey key{static_cast<int>(event.what), event.place, static_cast<int>(event.mode), event.flags, {}, event.released, event.values, {}};
  for (const Assumption& a : event.assumptions)
    if (a.equal && key.chosen.empty()) key.chosen.push_back(a);
  for (const HeldLock& lock : event.held) key.held.emplace_back(lock.place, static_cast<int>(lock.mode));
  EventKey by_class = key;
  const auto [at, fresh] = events_.try_emplace(std::move(key), summary_.events.size());
  bool further = false;   // one too many of its kind
  if (fresh && coarse(event, by_class)) {
    Alike& alike = alike_[std::move(by_class)];
    further = alike.count >= kAlike;
    if (further) at->second = alike.last;
    else if (summary_.events.size() < kEvents) ++alike.count, alike.last = summary_.events.size();
  }
  if (!fresh || further) {
    Event& kept = summary_.events[at->second];
    std::erase_if(kept.assumptions, [&](const Assumption& a) {
      return std::find(event.assumptions.begin(), event.assumptions.end(), a) == event.assumptions.end();
    });
    std::erase_if(kept.entry, [&](const Fact& fact) { return std::find(event.entry.begin(), event.entry.end(), fact) == event.entry.end(); });
    kept.threads |= event.threads;
    kept.may &= event.may;
    for (std::size_t i = 0; i < kept.held.size(); ++i)
      if (kept.held[i].ordered != event.held[i].ordered) kept.held[i].ordered = event.held[i].ordered = 0;
    join_ways(kept, event);
    if (p_.length(event.chain) < p_.length(kept.chain)) {
      kept.chain = event.chain;
      kept.held = std::move(event.held);
    }
    return;
  }
  if (summary_.events.size() >= kEvents) {
    events_.erase(at);
    summary_.truncated = true;
    return;
  }
  summary_.events.push_back(std::move(event));
}

// A way that gets a lock that the callers hold, without having given it back, would block on itself: it is none that is gone.
void FunctionAnalysis::drop_retakes() {
  std::erase_if(summary_.events, [&](const Event& event) {
    if (event.what != Event::What::kRequest || (event.flags & kFlagRecursive) != 0 || p_.is_recursive(event.place)) return false;
    const bool required = std::any_of(summary_.required.begin(), summary_.required.end(), [&](const HeldLock& h) { return h.place == event.place && h.mode == event.mode; });
    return required && std::find(event.released.begin(), event.released.end(), event.place) == event.released.end();
  });
  std::erase_if(summary_.exits, [&](const Exit& exit) {
    return std::any_of(exit.acquired.begin(), exit.acquired.end(), [&](const HeldLock& lock) {
      return !p_.is_recursive(lock.place) && std::any_of(summary_.required.begin(), summary_.required.end(), [&](const HeldLock& h) { return h.place == lock.place; });
    });
  });
}

}  // namespace crossdep::source
