// SPDX-License-Identifier: MIT
//
// Which functions have to be gone through again: those whose summary was made from something that has changed since, be it
// a callee's summary or what is known of a place in memory. Most of a large program is stable after its first round.
//
// Threading: none.  Allocation: the heap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "source/places.h"
#include "source/summary.h"

namespace crossdep::source {

class Freshness {
 public:
  void resize(std::size_t functions) { made_.resize(functions); }
  /// Between these, what is asked for is noted as what the function's summary is made from.
  void begin(FunctionId id);
  void end(const Summary& made);
  void asked_summary(FunctionId id) {
    if (making_ >= 0) now_.summaries.push_back(id);
  }
  void asked_place(PlaceId place) {
    if (making_ >= 0) now_.places.push_back(place);
  }
  /// There are summaries of it for particular numbers, too, which are not looked at by themselves.
  void has_variants(FunctionId id) { of(id).variants = true; }
  void place_changed(PlaceId place);
  bool made(FunctionId id) const { return of(id).at != 0; }
  bool stale(FunctionId id) const;

 private:
  using Time = std::uint64_t;
  struct From {
    std::vector<FunctionId> summaries;
    std::vector<PlaceId> places;
  };
  struct Made {
    Time at = 0, changed = 0;      // 0: never
    std::uint64_t digest = 0;
    bool variants = false;
    From from;
  };
  Made& of(FunctionId id) { return made_[static_cast<std::size_t>(id)]; }
  const Made& of(FunctionId id) const { return made_[static_cast<std::size_t>(id)]; }

  Time time_ = 0;
  FunctionId making_ = -1;
  From now_;
  std::vector<Made> made_;
  std::vector<Time> places_;       // when they changed last
};

}  // namespace crossdep::source
