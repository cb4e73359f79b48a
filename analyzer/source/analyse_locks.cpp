// SPDX-License-Identifier: MIT
//
// Locks under a state: got, given back, kept by guards, given up while waiting. What each request and wait adds to the
// summary is made here.
//
// Threading: none.  Allocation: the heap.
#include <algorithm>

#include "source/analyse.h"

namespace crossdep::source {
namespace {

constexpr std::size_t kHistory = 16;

}  // namespace

HeldLock FunctionAnalysis::lock_of(PlaceId place, const Op& op, std::int32_t guard) const {
  HeldLock lock;
  lock.place = place;
  lock.mode = op.mode;
  lock.kind = op.lock_kind;
  lock.guard = guard;
  lock.chain = p_.chain(id_, op.site, -1);
  return lock;
}

void FunctionAnalysis::get(State& state, PlaceId place, const Op& op, std::int32_t guard, bool waits, bool may) {
  const HeldLock lock = lock_of(place, op, guard);
  const auto held = std::find_if(state.held.begin(), state.held.end(), [&](const HeldLock& h) { return h.place == place; });
  const bool again = held != state.held.end();
  const bool may_again = (op.flags & kFlagRecursive) != 0 || p_.is_recursive(place) ||
                         (again && op.mode != engine::Mode::kWrite && held->mode != engine::Mode::kWrite);
  if (waits && !(again && may_again)) {
    Event event = event_at(Event::What::kRequest, op, state, place);
    event.mode = op.mode;
    event.flags = op.flags & (kFlagTimed | kFlagRecursive);
    event.may = may;
    event.chain = lock.chain;
    mark_order(state, event);
    record(std::move(event));
  }
  if (waits) remember(state, lock);
  if (!again && guard < 0 && retake(state, lock)) return;
  if (again && guard == held->guard) held->count = std::min<std::int16_t>(static_cast<std::int16_t>(held->count + 1), 2);
  else state.held.push_back(lock);
}

// A lock of the callers that was given back and is got again: it is held by them as it was in the beginning. Ways with and
// without that are the same from here on.
bool FunctionAnalysis::retake(State& state, const HeldLock& lock) {
  const auto at = std::lower_bound(state.released.begin(), state.released.end(), lock.place);
  if (at == state.released.end() || *at != lock.place) return false;
  state.released.erase(at);
  require(lock);
  return true;
}

void FunctionAnalysis::require(const HeldLock& lock) {
  constexpr std::size_t kRequired = 16;
  if (summary_.required.size() >= kRequired ||
      std::any_of(summary_.required.begin(), summary_.required.end(), [&](const HeldLock& h) { return h.place == lock.place; }))
    return;
  summary_.required.push_back(lock);
  summary_.required.back().guard = -1;
}

// The last requests on every path, the latest one last.
void FunctionAnalysis::remember(State& state, const HeldLock& lock) {
  std::erase_if(state.history, [&](const HeldLock& h) { return h.place == lock.place && h.mode == lock.mode; });
  if (state.history.size() >= kHistory) state.history.erase(state.history.begin());
  state.history.push_back(lock);
}

// The ways to go on if a variable leads to one of several objects, by a pointer to the lock or to what it lies in: in each
// it is known which.
std::vector<State> FunctionAnalysis::decided(State&& state, ExprId object) {
  States out;
  while (object != kNoExpr) {
    const Expr& e = f_.exprs[static_cast<std::size_t>(object)];
    const bool leads_on = e.kind == ExprKind::kAddress || e.kind == ExprKind::kMember || e.kind == ExprKind::kIndex || e.kind == ExprKind::kDeref;
    if (leads_on) {
      object = e.a;
      continue;
    }
    if (e.kind != ExprKind::kLoad) break;
    const std::vector<PlaceId> from = places(state, e.a);
    if (from.size() != 1 || places_.at(from[0]).kind != PlaceKind::kLocal) break;
    const auto known = state.known.find(from[0]);
    if (known == state.known.end() || known->second.values.size() < 2) break;
    const Values several = known->second.values;
    if (std::any_of(several.begin(), several.end(), [](const Value& v) { return v.kind != Value::Kind::kAddress; })) break;
    for (const Value& value : several) {
      out.push_back(state);
      out.back().choose(from[0], value);
    }
    return out;
  }
  out.push_back(std::move(state));
  return out;
}

void FunctionAnalysis::acquire(const Op& op, State&& state, States& out, bool may) {
  const std::vector<PlaceId> objects = dereferenced(state, values(state, op.object), {});
  const auto result = [&](State& to, bool got) {
    if (op.result < 0) return;
    const bool zero_is_got = (op.flags & kFlagZeroIsGot) != 0 || (op.flags & kFlagTry) == 0;
    Value value{Value::Kind::kConst, 0};
    if (got != zero_is_got) value.kind = Value::Kind::kNonZero;
    if (got && !zero_is_got) value = {Value::Kind::kConst, 1};
    to.known[variable(op.result)] = {{value}, false};
  };
  if (objects.size() > 1) {
    States ways = decided(std::move(state), op.object);
    if (ways.size() > 1) {
      for (State& way : ways) acquire(op, std::move(way), out, true);
      return;
    }
    state = std::move(ways.front());
  }
  const bool tries = (op.flags & kFlagTry) != 0, timed = (op.flags & kFlagTimed) != 0;
  if (tries && op.result >= 0) {
    State failed = state;
    result(failed, false);
    out.push_back(std::move(failed));
  }
  if (objects.empty()) {   // unknown: no dependency
    result(state, true);
    out.push_back(std::move(state));
    return;
  }
  for (const PlaceId place : objects) {
    State got = state;
    result(got, true);
    // Try-locks wait for nobody; timed ones do, for a while.
    get(got, place, op, op.var, !tries || timed, may || objects.size() > 1);
    // Which of several it is, is known from now on.
    const Expr& e = f_.exprs[static_cast<std::size_t>(op.object)];
    if (objects.size() > 1 && e.kind == ExprKind::kLoad) {
      const std::vector<PlaceId> from = places(state, e.a);
      if (from.size() == 1) got.choose(from[0], {Value::Kind::kAddress, place});
    }
    out.push_back(std::move(got));
  }
}

void FunctionAnalysis::release(State& state, PlaceId place) {
  for (std::size_t i = state.held.size(); i-- > 0;) {
    HeldLock& lock = state.held[i];
    if (lock.place != place) continue;
    const Place& p = places_.at(place);
    if (lock.count > 1 && !(p.kind == PlaceKind::kElement && p.index < 0)) --lock.count;
    else state.held.erase(state.held.begin() + static_cast<std::ptrdiff_t>(i));
    if (state.held.empty()) let_go(state, LetGo::kAtUnlock);
    return;
  }
  // The same class by another way is taken for the same lock.
  const std::string name = p_.class_name(place);
  for (std::size_t i = state.held.size(); i-- > 0 && !name.empty();) {
    if (p_.class_name(state.held[i].place) != name) continue;
    state.held.erase(state.held.begin() + static_cast<std::ptrdiff_t>(i));
    if (state.held.empty()) let_go(state, LetGo::kAtUnlock);
    return;
  }
  insert(state.released, place);
}

// Nobody knows where the pointer leads that something is given back by: a lock held that is known by its record only, too, is
// taken for it.
void FunctionAnalysis::release_like(State& state, PlaceId place) {
  const PlaceId general = p_.generalised(place);
  if (general != kNoPlace && std::any_of(state.held.begin(), state.held.end(), [&](const HeldLock& h) { return h.place == general; })) release(state, general);
}

// Other threads may run now, and change what the lock guarded. A wait is made for a change: whatever others can reach is
// forgotten. After an unlock only globals are, and only once no lock is left that may be the one that guards them; most code
// that tests a flag twice with locks between goes by one that does not change. Where a pointer leads is kept.
void FunctionAnalysis::let_go(State& state, LetGo what) const {
  state.let_go = std::max(state.let_go, what);
  const auto shared = [&](PlaceId place) {
    const PlaceKind root = places_.root(place);
    if (what == LetGo::kAtUnlock) return root == PlaceKind::kGlobal;
    if (root != PlaceKind::kLocal) return true;
    for (PlaceId id = place; id != kNoPlace; id = places_.at(id).parent)
      if (places_.at(id).kind == PlaceKind::kPointee) return true;
    return false;
  };
  std::erase_if(state.facts, [&](const Fact& fact) { return shared(fact.cell); });
  std::erase_if(state.copies, [&](const auto& pair) { return shared(pair.first) || shared(pair.second); });
  std::erase_if(state.known, [&](const auto& entry) {
    return shared(entry.first) && std::all_of(entry.second.values.begin(), entry.second.values.end(), [](const Value& v) {
      return v.kind == Value::Kind::kConst || v.kind == Value::Kind::kNonZero;
    });
  });
}

void FunctionAnalysis::end_guard(State& state, std::int32_t variable) {
  std::erase_if(state.held, [&](const HeldLock& lock) { return lock.guard == variable; });
}

void FunctionAnalysis::guard(const Op& op, State&& state, States& out) {
  const PlaceId at = variable(op.var);
  Values objects;
  bool anything = false;
  if (op.args.empty()) {
    if (const auto known = state.known.find(places_.member(at, places_.text("$lock"), -1)); known != state.known.end()) objects = known->second.values;
  } else {
    for (const ExprId one : op.args)
      for (const Value& value : values(state, one)) add(objects, value, anything);
    state.known[places_.member(at, places_.text("$lock"), -1)] = {objects, false};
  }
  const auto owns = [&](State& to, bool got) {
    to.known[at] = {{{Value::Kind::kConst, got}}, false};
    if (op.result >= 0) to.known[variable(op.result)] = {{{Value::Kind::kConst, got}}, false};
  };
  if ((op.flags & kFlagDeferred) != 0) {
    owns(state, false);
    out.push_back(std::move(state));
    return;
  }
  if ((op.flags & kFlagTry) != 0) {
    State failed = state;
    owns(failed, false);
    out.push_back(std::move(failed));
  }
  owns(state, true);
  const bool several = op.args.size() > 1;
  if ((op.flags & kFlagAdopt) != 0) {
    for (const Value& value : objects) {
      if (value.kind != Value::Kind::kAddress && value.kind != Value::Kind::kParameter && value.kind != Value::Kind::kContent) continue;
      const std::vector<PlaceId> to = dereferenced(state, {value}, {});
      if (to.empty()) continue;
      bool mine = false;
      for (HeldLock& lock : state.held)
        if (lock.place == to[0]) lock.guard = op.var, mine = true;
      if (mine) continue;
      // The caller's: what it had is now the guard's.
      insert(state.released, to[0]);
      state.held.push_back(lock_of(to[0], op, op.var));
    }
    out.push_back(std::move(state));
    return;
  }
  const std::vector<PlaceId> locks = dereferenced(state, objects, {});
  if (several) {   // all of them, by an algorithm that waits for one only while it holds none
    const std::vector<HeldLock> before = state.held;
    for (const PlaceId place : locks) {
      State alone = state;
      alone.held = before;
      get(alone, place, op, op.var, (op.flags & kFlagTry) == 0);
      state.history = alone.history;
      state.held.push_back(lock_of(place, op, op.var));
    }
    out.push_back(std::move(state));
    return;
  }
  if (locks.empty()) {
    out.push_back(std::move(state));
    return;
  }
  for (const PlaceId place : locks) {
    State got = state;
    get(got, place, op, op.var, (op.flags & kFlagTry) == 0 || (op.flags & kFlagTimed) != 0);
    out.push_back(std::move(got));
  }
}

void FunctionAnalysis::wait(const Op& op, State& state) {
  const std::vector<PlaceId> mutexes = dereferenced(state, values(state, op.other), {});
  std::vector<HeldLock> mutex, others;
  for (const HeldLock& lock : state.held) {
    const bool own = (op.var >= 0 && lock.guard == op.var) || std::find(mutexes.begin(), mutexes.end(), lock.place) != mutexes.end();
    (own ? mutex : others).push_back(lock);
  }
  std::vector<PlaceId> released = state.released;
  if (mutex.empty()) for (const PlaceId place : mutexes) insert(released, place);
  for (const PlaceId place : dereferenced(state, values(state, op.object), {})) {
    Event event = event_at(Event::What::kWait, op, state, place);
    event.flags = op.flags & kFlagTimed;
    event.held = others;
    event.released = released;
    const ChainId here = event.chain;
    record(std::move(event));
    HeldLock waited;
    waited.place = place;
    waited.kind = op.lock_kind;
    waited.chain = here;
    remember(state, waited);
  }
  // The mutex is asked for again when the wait is over; one that the caller gave, too.
  if (mutex.empty())
    for (const PlaceId place : mutexes) {
      Event event = event_at(Event::What::kRequest, op, state, place);
      event.kind = engine::Kind::kMutex;
      event.mode = engine::Mode::kWrite;
      event.held = others;
      event.released = released;
      record(std::move(event));
    }
  for (const HeldLock& lock : mutex) {
    Event event = event_at(Event::What::kRequest, op, state, lock.place);
    event.kind = lock.kind;
    event.mode = lock.mode;
    event.held = others;
    record(std::move(event));
  }
  if (!mutexes.empty() || !mutex.empty()) let_go(state, LetGo::kAtWait);
}

}  // namespace crossdep::source
