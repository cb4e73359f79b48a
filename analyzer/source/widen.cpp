// SPDX-License-Identifier: MIT
//
// Where many functions call each other, through virtual calls mostly, one's summary is taken over by the others without
// what only the nearest callers could tell: conditions on parameters, and which object of its record a pointer leads to.
// What each could add to each would have no end in sight, and says nothing of locks in the end. The same goes for a
// function under which a great deal happens.
//
// Threading: none.  Allocation: the heap.
#include "source/analyse.h"

namespace crossdep::source {
namespace {

class Widening {
 public:
  Widening(const Program& program, const Places& places) : p_(program), places_(places) {}

  Event of(Event event) const {
    if (event.what == Event::What::kRecursive) return event;   // of all objects of a record, one may be
    event.assumptions.clear();
    event.entry.clear();
    event.place = wide(event.place);
    event.values = wide(event.values);
    for (Values& one : event.args) one = wide(one);
    for (HeldLock& lock : event.held) lock.place = wide(lock.place);
    for (HeldLock& lock : event.history) lock.place = wide(lock.place);
    // What was given back stays what it is: any object of its record would be none that a caller holds.
    event.live = wide(event.live);
    std::erase_if(event.joined, [&](PlaceId handle) { return relative(handle); });
    return event;
  }

 private:
  bool relative(PlaceId place) const { return place != kNoPlace && places_.root(place) == PlaceKind::kParam; }

  PlaceId wide(PlaceId place) const {
    if (!relative(place)) return place;
    const PlaceId general = p_.generalised(place);   // none: the parameter itself, which callers know more of
    return general == kNoPlace ? place : general;
  }

  Values wide(const Values& values) const {
    Values out;
    bool anything = false;
    for (const Value& v : values) {
      const bool place = v.kind == Value::Kind::kAddress || v.kind == Value::Kind::kContent;
      add(out, place ? Value{v.kind, wide(static_cast<PlaceId>(v.number))} : v, anything);
    }
    return out;
  }

  std::vector<PlaceId> wide(const std::vector<PlaceId>& all) const {
    std::vector<PlaceId> out;
    for (const PlaceId place : all) insert(out, wide(place));
    return out;
  }

  const Program& p_;
  const Places& places_;
};

}  // namespace

Summary FunctionAnalysis::widened(Summary summary) {
  const Widening widening(p_, places_);
  for (Event& event : summary.events) record(widening.of(std::move(event)));
  summary.events = std::move(summary_.events);
  finish(summary);
  return summary;
}

Summary widened(Program& program, FunctionId id, Summary summary) { return FunctionAnalysis(program, id).widened(std::move(summary)); }

}  // namespace crossdep::source
