// SPDX-License-Identifier: MIT
//
// See places.h.
//
// Threading: none.  Allocation: the heap.
#include "source/places.h"

#include <algorithm>

namespace crossdep::source {

void add(Values& to, const Value& value, bool& anything) {
  const auto at = std::lower_bound(to.begin(), to.end(), value);
  if (at != to.end() && *at == value) return;
  if (to.size() >= kValues) anything = true;
  else to.insert(at, value);
}

void insert(std::vector<PlaceId>& sorted, PlaceId place) {
  const auto at = std::lower_bound(sorted.begin(), sorted.end(), place);
  if (at == sorted.end() || *at != place) sorted.insert(at, place);
}

PlaceId Places::intern(const Place& place) {
  const auto [at, fresh] = ids_.try_emplace(place, static_cast<PlaceId>(places_.size()));
  if (fresh) places_.push_back(place);
  return at->second;
}

std::int32_t Places::text(const std::string& text) {
  const auto [at, fresh] = text_ids_.try_emplace(text, static_cast<std::int32_t>(texts_.size()));
  if (fresh) texts_.push_back(text);
  return at->second;
}

PlaceId Places::member(PlaceId parent, std::int32_t name, std::int32_t record) {
  // Of an object known by its type only, the member says which type that is.
  if (record >= 0 && at(parent).kind == PlaceKind::kOfType) parent = of_type(record);
  return intern({PlaceKind::kMember, parent, name, -1, record});
}

PlaceId Places::pointee(PlaceId cell) {
  int steps = 0;
  for (PlaceId id = cell; id != kNoPlace; id = at(id).parent) steps += at(id).kind == PlaceKind::kPointee;
  if (steps >= 3) return of_type(-1);
  return intern({PlaceKind::kPointee, cell, -1, -1, -1});
}

PlaceId Places::root_place(PlaceId id) const {
  while (at(id).parent != kNoPlace) id = at(id).parent;
  return id;
}

PlaceKind Places::root(PlaceId id) const { return at(root_place(id)).kind; }

bool Places::inside(PlaceId id, PlaceId outer) const {
  for (; id != kNoPlace; id = at(id).parent) {
    if (id == outer) return true;
    if (at(id).kind == PlaceKind::kPointee) return false;
  }
  return false;
}

bool Places::through(PlaceId id, PlaceId cell) const {
  for (; id != kNoPlace; id = at(id).parent)
    if (at(id).kind == PlaceKind::kPointee && inside(at(id).parent, cell)) return true;
  return false;
}

bool Places::exact(PlaceId id) const {
  for (; id != kNoPlace; id = at(id).parent) {
    const Place& place = at(id);
    if (place.kind == PlaceKind::kPointee || place.kind == PlaceKind::kOfType || place.kind == PlaceKind::kParam) return false;
    if (place.kind == PlaceKind::kElement && place.index < 0) return false;
  }
  return true;
}

}  // namespace crossdep::source
