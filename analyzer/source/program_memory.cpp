// SPDX-License-Identifier: MIT
//
// What the memory of the whole program holds, without regard to order: by the very cell, by Record::member for any object,
// and, where a member is always set to a part of its own object, by that.
//
// Threading: none.  Allocation: the heap.
#include <algorithm>

#include "source/program.h"

namespace crossdep::source {

PlaceId Program::generalised(PlaceId place) const {
  std::vector<Place> steps;
  for (PlaceId id = place; id != kNoPlace; id = places_.at(id).parent) {
    const Place& p = places_.at(id);
    if (p.kind != PlaceKind::kMember && p.kind != PlaceKind::kElement) break;
    steps.push_back(p);
    if (p.kind == PlaceKind::kMember && steps.size() >= 8) break;
  }
  // From the outermost member on.
  while (!steps.empty() && steps.back().kind != PlaceKind::kMember) steps.pop_back();
  if (steps.empty()) return kNoPlace;
  PlaceId at = places_.of_type(steps.back().record);
  for (auto it = steps.rbegin(); it != steps.rend(); ++it)
    at = it->kind == PlaceKind::kMember ? places_.member(at, it->number, it->record) : places_.element(at, -1);
  return at;
}

// What the outermost member belongs to.
PlaceId Program::object_of(PlaceId place) const {
  PlaceId object = place;
  for (PlaceId id = place; id != kNoPlace && (places_.at(id).kind == PlaceKind::kMember || places_.at(id).kind == PlaceKind::kElement); id = places_.at(id).parent)
    if (places_.at(id).kind == PlaceKind::kMember) object = places_.at(id).parent;
  return object;
}

Values Program::content(PlaceId cell, bool& anything) const {
  fresh_.asked_place(cell);
  const auto of = [&](PlaceId id) -> const std::pair<Values, bool>* {
    const auto at = cells_.find(id);
    return at == cells_.end() ? nullptr : &at->second;
  };
  const std::pair<Values, bool>* stored = of(cell);
  const Place& place = places_.at(cell);
  if (stored == nullptr && place.kind == PlaceKind::kElement) {
    fresh_.asked_place(place.parent);
    // Any element may be meant, or this one was set through an unknown index.
    if (place.index >= 0) stored = of(places_.element(place.parent, -1));
    if (stored == nullptr && place.index < 0) {
      Values all;
      if (const auto elements = elements_.find(place.parent); elements != elements_.end())
        for (const PlaceId id : elements->second)
          for (const Value& value : of(id)->first) crossdep::source::add(all, value, anything);
      return all;
    }
  }
  if (stored == nullptr && !places_.exact(cell)) {
    const PlaceId general = generalised(cell);
    if (general != kNoPlace) {
      fresh_.asked_place(general);
      stored = of(general);
    }
  }
  if (stored == nullptr) return {};
  anything |= stored->second;
  return stored->first;
}

void Program::store(PlaceId cell, const Values& values) {
  const auto put = [&](PlaceId id) {
    const auto [at, fresh] = cells_.try_emplace(id);
    auto& [kept, anything] = at->second;
    const bool element = places_.at(id).kind == PlaceKind::kElement;
    if (fresh && element) insert(elements_[places_.at(id).parent], id);
    const Values before = kept;
    const bool was = anything;
    for (const Value& value : values) {
      // 0 leads nowhere, and numbers are of no interest.
      if (value.kind == Value::Kind::kAddress || value.kind == Value::Kind::kFunction) crossdep::source::add(kept, value, anything);
      else if (value.kind != Value::Kind::kConst) anything = true;
    }
    if (values.empty()) anything = true;
    if (kept == before && anything == was && !fresh) return;
    fresh_.place_changed(id);
    if (element) fresh_.place_changed(places_.at(id).parent);
  };
  put(cell);
  if (const PlaceId general = generalised(cell); general != kNoPlace && general != cell) put(general);
}

Values Program::own_parts(PlaceId cell) const {
  const PlaceId general = generalised(cell);
  if (general != kNoPlace) fresh_.asked_place(general);
  const auto at = general == kNoPlace ? own_.end() : own_.find(general);
  if (at == own_.end() || at->second.others) return {};
  const PlaceId object = object_of(cell);
  Values out;
  bool anything = false;
  for (const Value& part : at->second.parts) {
    std::vector<Place> steps;
    for (PlaceId id = static_cast<PlaceId>(part.number); places_.at(id).parent != kNoPlace; id = places_.at(id).parent) steps.push_back(places_.at(id));
    PlaceId there = object;
    for (auto it = steps.rbegin(); it != steps.rend(); ++it)
      there = it->kind == PlaceKind::kMember ? places_.member(there, it->number, it->record) : places_.element(there, it->index);
    crossdep::source::add(out, {Value::Kind::kAddress, there}, anything);
  }
  return anything ? Values() : out;
}

void Program::note_own(PlaceId cell, const Values& values) {
  const PlaceId general = generalised(cell);
  if (general == kNoPlace || places_.at(general).kind != PlaceKind::kMember) return;
  Own now;
  now.others = values.empty();
  bool anything = false;
  for (const Value& v : values) {
    if (v.kind == Value::Kind::kConst && v.number == 0) continue;
    const PlaceId part = v.kind == Value::Kind::kAddress ? generalised(static_cast<PlaceId>(v.number)) : kNoPlace;
    if (part == kNoPlace || object_of(static_cast<PlaceId>(v.number)) != object_of(cell) || places_.root_place(part) != places_.root_place(general)) now.others = true;
    else crossdep::source::add(now.parts, {Value::Kind::kAddress, part}, anything);
  }
  if (now.parts.empty() && !now.others) return;
  Own& kept = own_[general];
  const Own before = kept;
  for (const Value& part : now.parts) crossdep::source::add(kept.parts, part, anything);
  kept.others |= now.others || anything;
  if (kept.parts != before.parts || kept.others != before.others) fresh_.place_changed(general);
}

bool Program::is_recursive(PlaceId object) const {
  fresh_.asked_place(object);
  if (recursive_.count(object) != 0) return true;
  const PlaceId general = generalised(object);
  if (general == kNoPlace) return false;
  fresh_.asked_place(general);
  return recursive_.count(general) != 0;
}

}  // namespace crossdep::source
