// SPDX-License-Identifier: MIT
//
// What a condition says on either side of a branch: of parameters, of places, of bits in them, and of two objects that are
// compared. A side that contradicts what is known is not gone to.
//
// Threading: none.  Allocation: the heap.
#include <algorithm>

#include "source/analyse.h"

namespace crossdep::source {
namespace {

constexpr std::size_t kAssumptions = 24, kOrders = 8, kEntry = 8;

}  // namespace

// As State::learn(); what is said of the callers' memory before this function changed it, a caller may know better.
bool FunctionAnalysis::learn(State& state, PlaceId cell, const Assumption& is) const {
  if (!state.learn(cell, is)) return false;
  if (places_.root(cell) != PlaceKind::kParam) return true;
  const Place& leaf = places_.at(cell);
  const bool since = state.let_go == LetGo::kAtWait || std::any_of(state.changed.begin(), state.changed.end(), [&](PlaceId place) {
    const Place& other = places_.at(place);
    return place == cell || places_.inside(cell, place) || places_.through(cell, place) || (other.kind == leaf.kind && other.number == leaf.number && other.record == leaf.record);
  });
  Fact fact{cell, is};
  fact.is.parameter = -1;
  if (!since && state.entry.size() < kEntry && std::find(state.entry.begin(), state.entry.end(), fact) == state.entry.end())
    state.entry.insert(std::lower_bound(state.entry.begin(), state.entry.end(), fact), fact);
  return true;
}

bool FunctionAnalysis::refine(State& state, ExprId id, bool wanted) {
  const Expr* e = &f_.exprs[static_cast<std::size_t>(id)];
  std::int64_t number = 0;
  bool equal = !wanted;            // "is the value `number`?"
  for (;;) {
    if (e->kind == ExprKind::kNot) {
      equal = !equal;
      id = e->a;
    } else if (e->kind == ExprKind::kEqual && number == 0) {
      // (a == n) != 0  is  a == n
      equal = !equal;
      number = e->number;
      id = e->a;
      e = &f_.exprs[static_cast<std::size_t>(id)];
      break;
    } else {
      break;
    }
    e = &f_.exprs[static_cast<std::size_t>(id)];
  }
  if (number == 0)
    while (e->kind == ExprKind::kNot) {   // (!a) == 0  is  a != 0
      equal = !equal;
      id = e->a;
      e = &f_.exprs[static_cast<std::size_t>(id)];
    }
  if (e->kind == ExprKind::kLess && number == 0) return refine_order(state, *e, !equal);
  const std::int64_t mask = e->kind == ExprKind::kMask ? e->number : -1;
  if (mask != -1) {
    id = e->a;
    if (id == kNoExpr) return true;
    e = &f_.exprs[static_cast<std::size_t>(id)];
  }
  if (e->kind == ExprKind::kLoad)
    if (const PlaceId cell = written_place(state, e->a); cell != kNoPlace && !learn(state, cell, {-1, number, equal, mask})) return false;
  Values before = values(state, id);
  if (before.empty()) {
    if (e->kind != ExprKind::kLoad || mask != -1) return true;
    const std::vector<PlaceId> from = places(state, e->a);
    if (from.size() != 1) return true;
    if (equal) state.known[from[0]] = {{{Value::Kind::kConst, number}}, false};
    else if (number == 0) state.known[from[0]] = {{{Value::Kind::kNonZero, 0}}, false};
    return true;
  }
  Values after;
  bool anything = false;
  for (const Value& value : before) {
    if (mask != -1) {   // of some bits, only a number tells
      if (value.kind != Value::Kind::kConst || ((value.number & mask) == number) == equal) add(after, value, anything);
      continue;
    }
    switch (value.kind) {
      case Value::Kind::kConst:
        if ((value.number == number) == equal) add(after, value, anything);
        break;
      case Value::Kind::kNonZero:
        if (number != 0 && equal) add(after, {Value::Kind::kConst, number}, anything);
        else if (number != 0 || !equal) add(after, value, anything);
        break;
      case Value::Kind::kAddress:
      case Value::Kind::kFunction:
      case Value::Kind::kString:
        if (!equal) add(after, value, anything);
        break;
      default: add(after, value, anything);
    }
  }
  if (after.empty()) return false;
  if (after.size() == 1 && after[0].kind == Value::Kind::kParameter) {
    const Assumption assumed{static_cast<std::int32_t>(after[0].number), number, equal, mask};
    for (const Assumption& a : state.assumptions) {
      if (a.contradicts(assumed)) return false;
      if (a == assumed) return true;
    }
    if (state.assumptions.size() < kAssumptions) state.assumptions.push_back(assumed);
    return true;
  }
  if (mask != -1) return true;
  const bool symbolic = after.size() == 1 && after[0].kind == Value::Kind::kContent;
  if (symbolic && equal) after = {{Value::Kind::kConst, number}};
  if (e->kind == ExprKind::kLoad) {
    const std::vector<PlaceId> from = places(state, e->a);
    if (from.size() == 1 && after != before) {
      Known& known = state.known[from[0]];
      known.values = std::move(after);
    } else if (from.size() == 1 && symbolic && !equal && number == 0 && places_.root(from[0]) != PlaceKind::kLocal) {
      // A flag in memory is remembered; a pointer keeps what it is known to lead to.
      if (e->type.empty()) state.known[from[0]] = {{{Value::Kind::kNonZero, 0}}, false};
    }
  }
  return true;
}

// Two objects compared: which one comes first is known on either side of the branch.
bool FunctionAnalysis::refine_order(State& state, const Expr& less, bool wanted) {
  const std::vector<PlaceId> a = dereferenced(state, values(state, less.a), {}), b = dereferenced(state, values(state, less.b), {});
  if (a.size() != 1 || b.size() != 1 || a[0] == b[0]) return true;
  const std::pair<PlaceId, PlaceId> known = wanted ? std::pair{a[0], b[0]} : std::pair{b[0], a[0]};
  if (std::find(state.below.begin(), state.below.end(), std::pair{known.second, known.first}) != state.below.end()) return false;
  const auto at = std::lower_bound(state.below.begin(), state.below.end(), known);
  if ((at == state.below.end() || *at != known) && state.below.size() < kOrders) state.below.insert(at, known);
  return true;
}

void FunctionAnalysis::mark_order(const State& state, Event& event) const {
  for (HeldLock& lock : event.held)
    for (const auto& [first, second] : state.below) {
      if (places_.inside(lock.place, first) && places_.inside(event.place, second)) lock.ordered = 1;
      if (places_.inside(lock.place, second) && places_.inside(event.place, first)) lock.ordered = -1;
    }
}

}  // namespace crossdep::source
