// SPDX-License-Identifier: MIT
//
// See analyse.h. Work list over blocks, in reverse postorder: a block is gone through again when a state arrives that is
// new, or knows less.
//
// Threading: none.  Allocation: the heap.
#include "source/analyse.h"

#include <algorithm>

namespace crossdep::source {
namespace {

constexpr std::size_t kStatesPerBlock = 24, kExits = 8, kSteps = 40000;

}  // namespace

Summary FunctionAnalysis::run(const std::vector<std::pair<std::int32_t, std::int64_t>>& numbers) {
  // The value a counter begins with is not the one it has in the loop.
  for (const Block& b : f_.blocks)
    for (const Op& op : b.ops)
      if (op.kind == OpKind::kAssign && op.other != kNoExpr && f_.exprs[static_cast<std::size_t>(op.other)].kind == ExprKind::kUnknown && op.object != kNoExpr &&
          f_.exprs[static_cast<std::size_t>(op.object)].kind == ExprKind::kVar)
        stepped_.insert(static_cast<std::int32_t>(f_.exprs[static_cast<std::size_t>(op.object)].number));
  State start;
  for (const auto& [parameter, number] : numbers) start.known[variable(parameter)] = {{{Value::Kind::kConst, number}}, false};
  if (f_.blocks.empty()) return {};
  put_in_order();
  std::vector<std::int32_t> blocks(f_.blocks.size());
  for (std::size_t i = 0; i < order_.size(); ++i) blocks[static_cast<std::size_t>(order_[i])] = static_cast<std::int32_t>(i);
  arrive(0, start);
  for (std::size_t steps = 0; !todo_.empty() && steps < kSteps; ++steps) {
    const auto first = todo_.begin();
    const std::int32_t at = blocks[static_cast<std::size_t>(first->first)];
    State state = std::move(first->second.front());
    first->second.pop_front();
    if (first->second.empty()) todo_.erase(first);
    block(at, std::move(state));
  }
  drop_retakes();
  finish(summary_);
  return std::move(summary_);
}

void FunctionAnalysis::put_in_order() {
  const std::size_t n = f_.blocks.size();
  order_.assign(n, -1);
  std::vector<bool> seen(n);
  auto next = static_cast<std::int32_t>(n);
  std::vector<std::pair<std::size_t, std::size_t>> path;
  for (std::size_t begin = 0; begin < n; ++begin) {   // what is not reached comes, in some order, too
    if (seen[begin]) continue;
    seen[begin] = true;
    path.emplace_back(begin, 0);
    while (!path.empty()) {
      auto& [at, edge] = path.back();
      const std::vector<std::int32_t>& to = f_.blocks[at].next;
      if (edge < to.size()) {
        const auto there = static_cast<std::size_t>(to[to.size() - 1 - edge++]);
        if (!seen[there]) seen[there] = true, path.emplace_back(there, 0);
        continue;
      }
      order_[at] = --next;
      path.pop_back();
    }
  }
}

void FunctionAnalysis::arrive(std::int32_t at, const State& state) {
  States& known = arrived_[at];
  const std::int32_t turn = order_[static_cast<std::size_t>(at)];
  for (State& one : known) {
    if (!one.same_locks(state)) continue;
    if (one.merge(state)) {
      std::deque<State>& waiting = todo_[turn];
      const auto same = std::find_if(waiting.begin(), waiting.end(), [&](const State& s) { return s.same_locks(one); });
      if (same != waiting.end()) *same = one;
      else waiting.push_back(one);
    }
    return;
  }
  if (known.size() >= kStatesPerBlock) {
    summary_.truncated = true;
    return;
  }
  known.push_back(state);
  todo_[turn].push_back(state);
}

void FunctionAnalysis::block(std::int32_t at, State state) {
  const Block& b = f_.blocks[static_cast<std::size_t>(at)];
  States now;
  now.push_back(std::move(state));
  for (const Op& op : b.ops) {
    States next;
    for (State& one : now) step(op, std::move(one), next);
    // Ways that hold the same locks go on as one where a call has many ends.
    if (next.size() > 8) {
      States folded;
      for (State& one : next) {
        const auto same = std::find_if(folded.begin(), folded.end(), [&](const State& s) { return s.same_locks(one); });
        if (same == folded.end()) folded.push_back(std::move(one));
        else same->merge(one);
      }
      next = std::move(folded);
      if (next.size() > kStatesPerBlock) next.resize(kStatesPerBlock);
    }
    now = std::move(next);
    if (now.empty()) return;
  }
  if (b.stops && b.next.empty()) return;
  for (State& one : now) leave(b, std::move(one));
}

void FunctionAnalysis::leave(const Block& b, State&& state) {
  if (b.condition != kNoExpr && b.next.size() == 2) {
    State other = state;
    const bool yes = refine(state, b.condition, true), no = refine(other, b.condition, false);
    if (yes && !(no && b.next[0] == b.avoided)) arrive(b.next[0], state);
    if (no && !(yes && b.next[1] == b.avoided)) arrive(b.next[1], other);
    return;
  }
  if (!b.next.empty()) {
    for (const std::int32_t next : b.next) arrive(next, state);
    return;
  }
  Exit exit;
  for (HeldLock lock : state.held) {
    // A guard that still holds here is given back to the caller with what it holds.
    if (lock.guard >= 0) continue;
    if (places_.root(lock.place) == PlaceKind::kLocal && places_.at(places_.root_place(lock.place)).number == id_) continue;
    exit.acquired.push_back(lock);
  }
  exit.released = state.released;
  exit.assumptions = state.assumptions;
  exit.entry = state.entry;
  for (const Fact& fact : state.facts)
    if (places_.root(fact.cell) == PlaceKind::kParam) exit.leaves.push_back(fact);
  exit.history = state.history;
  exit.threads = state.threads;
  exit.let_go = state.let_go;
  exit.live = state.live;
  exit.joined = state.joined;
  for (const auto& [place, known] : state.known)
    if (known.written && places_.root(place) == PlaceKind::kParam) exit.stores.emplace_back(place, known.values);
  exit.result = values(state, b.value);
  for (const Value& value : exit.result)
    if (value.kind == Value::Kind::kAddress && places_.root(static_cast<PlaceId>(value.number)) == PlaceKind::kLocal) {
      exit.result.clear();
      break;
    }
  const auto same = [&](const Exit& e) {
    return e.released == exit.released && e.acquired.size() == exit.acquired.size() && truth(e.result) == truth(exit.result) &&
           std::equal(e.acquired.begin(), e.acquired.end(), exit.acquired.begin(), [](const HeldLock& a, const HeldLock& c) { return a.same_as(c); });
  };
  for (Exit& e : summary_.exits) {
    if (!same(e)) continue;
    std::erase_if(e.assumptions, [&](const Assumption& a) {
      return std::find(exit.assumptions.begin(), exit.assumptions.end(), a) == exit.assumptions.end();
    });
    std::erase_if(e.leaves, [&](const Fact& fact) { return std::find(exit.leaves.begin(), exit.leaves.end(), fact) == exit.leaves.end(); });
    std::erase_if(e.entry, [&](const Fact& fact) { return std::find(exit.entry.begin(), exit.entry.end(), fact) == exit.entry.end(); });
    std::erase_if(e.history, [&](const HeldLock& h) {
      return std::none_of(exit.history.begin(), exit.history.end(), [&](const HeldLock& o) { return o.place == h.place; });
    });
    std::erase_if(e.stores, [&](const auto& store) { return std::find(exit.stores.begin(), exit.stores.end(), store) == exit.stores.end(); });
    if (e.result != exit.result) {
      bool anything = e.result.empty() || exit.result.empty();
      for (const Value& value : exit.result) add(e.result, value, anything);
      if (anything) e.result.clear();
    }
    e.threads |= exit.threads;
    e.let_go = std::max(e.let_go, exit.let_go);
    for (const PlaceId handle : exit.live) insert(e.live, handle);
    std::erase_if(e.joined, [&](PlaceId handle) { return std::find(exit.joined.begin(), exit.joined.end(), handle) == exit.joined.end(); });
    return;
  }
  if (summary_.exits.size() < kExits) summary_.exits.push_back(std::move(exit));
  else summary_.truncated = true;
}

void FunctionAnalysis::forget_parts(State& state, PlaceId place) {
  const Place& leaf = places_.at(place);
  const auto other_name = [&](PlaceId id) {
    const Place& other = places_.at(id);
    return leaf.kind == PlaceKind::kMember && other.kind == PlaceKind::kMember && other.number == leaf.number && other.record == leaf.record && id != place &&
           !(places_.exact(place) && places_.exact(id));
  };
  std::erase_if(state.facts, [&](const Fact& fact) {
    return other_name(fact.cell) || places_.inside(fact.cell, place) || places_.through(fact.cell, place);
  });
  for (auto it = state.known.begin(); it != state.known.end();) {
    if (other_name(it->first) || (it->first != place && places_.inside(it->first, place))) it = state.known.erase(it);
    else ++it;
  }
}

void FunctionAnalysis::assign(State& state, PlaceId place, const Values& values, bool keep) {
  forget_parts(state, place);
  if (places_.root(place) == PlaceKind::kParam) insert(state.changed, place);
  std::erase_if(state.copies, [&](const auto& pair) { return pair.first == place || pair.second == place; });
  // What was compared through this pointer is another object now.
  std::erase_if(state.below, [&](const auto& pair) { return places_.through(pair.first, place) || places_.through(pair.second, place); });
  if (values.empty()) {
    state.known.erase(place);
    if (places_.root(place) != PlaceKind::kLocal && places_.root(place) != PlaceKind::kOfType) state.known[place] = {{}, true};
    if (state.known.count(place) != 0 && state.known[place].values.empty()) state.known.erase(place);
  } else {
    state.known[place] = {values, true};
  }
  if (!keep) return;
  Event event;
  event.what = Event::What::kStore;
  event.place = place;
  event.values = values;
  event.chain = p_.chain(id_, f_.site, -1);
  record(std::move(event));
}

// What this operation does here, with all that is known of the state it is done in.
Event FunctionAnalysis::event_at(Event::What what, const Op& op, const State& state, PlaceId place) const {
  Event event;
  event.what = what;
  event.place = place;
  event.kind = op.lock_kind;
  event.held = state.held;
  event.released = state.released;
  event.assumptions = state.assumptions;
  event.entry = state.entry;
  event.live = state.live;
  event.joined = state.joined;
  event.threads = state.threads;
  event.chain = p_.chain(id_, op.site, -1);
  return event;
}

// Whether a thread made here may be there twice: its handle tells, in a loop or not, if the one made before was waited for.
std::uint16_t FunctionAnalysis::once_more(std::uint16_t flags, PlaceId handle, const State& state) const {
  if (handle == kNoPlace) return flags;
  const bool there = std::find(state.live.begin(), state.live.end(), handle) != state.live.end();
  if (there) return static_cast<std::uint16_t>(flags | kFlagInLoop);
  return places_.exact(handle) ? static_cast<std::uint16_t>(flags & ~kFlagInLoop) : flags;
}

void FunctionAnalysis::step(const Op& op, State&& state, States& out) {
  // What a rule asks for, wherever it is called.
  if (!op.callee.empty() && (op.flags & kFlagSecond) == 0)
    if (const std::int32_t name = p_.operation(op.callee); name >= 0) {
      Event event = event_at(Event::What::kOperation, op, state, kNoPlace);
      event.values = {{Value::Kind::kString, name}};
      record(std::move(event));
    }
  // What stands for a call of a function that the program defines itself gives way to that function.
  if ((op.flags & kFlagModel) != 0 && op.kind != OpKind::kCall && p_.has_lock_effect(op.callee)) {
    if ((op.flags & kFlagSecond) != 0) out.push_back(std::move(state));
    else call(op, std::move(state), out);
    return;
  }
  switch (op.kind) {
    case OpKind::kAcquire: {
      if ((op.flags & kFlagUnordered) != 0 && (op.flags & kFlagTry) != 0) {   // a further lock of std::lock
        for (const PlaceId place : dereferenced(state, values(state, op.object), {})) get(state, place, op, -1, false);
        break;
      }
      acquire(op, std::move(state), out);
      return;
    }
    case OpKind::kRelease: {
      const std::vector<PlaceId> objects = dereferenced(state, values(state, op.object), {});
      if (objects.size() > 1) {
        States ways = decided(std::move(state), op.object);
        if (ways.size() > 1) {
          for (State& way : ways) {
            for (HeldLock& lock : way.held) lock.may |= std::find(objects.begin(), objects.end(), lock.place) != objects.end();
            for (const PlaceId place : dereferenced(way, values(way, op.object), {})) release(way, place);
            out.push_back(std::move(way));
          }
          return;
        }
        state = std::move(ways.front());
      }
      PlaceId chosen = kNoPlace;
      for (const PlaceId place : objects)
        if (std::any_of(state.held.begin(), state.held.end(), [&](const HeldLock& h) { return h.place == place; })) chosen = place;
      if (chosen != kNoPlace) release(state, chosen);
      else if (objects.empty()) std::erase_if(state.held, [&](const HeldLock& h) { return h.guard < 0; });   // it may be any of them
      else for (const PlaceId place : objects) release(state, place);
      break;
    }
    case OpKind::kReleaseAll:
      end_guard(state, op.var);
      state.known[variable(op.var)] = {{{Value::Kind::kConst, 0}}, false};
      break;
    case OpKind::kScopeEnd:
      end_guard(state, op.var);
      forget_parts(state, variable(op.var));
      state.known.erase(variable(op.var));
      break;
    case OpKind::kWait: wait(op, state); break;
    case OpKind::kSignal:
      for (const PlaceId place : dereferenced(state, values(state, op.object), {})) {
        Event event = event_at(Event::What::kSignal, op, state, place);
        event.history = state.history;
        record(std::move(event));
      }
      break;
    case OpKind::kAssign: {
      const Values what = values(state, op.other);
      const std::vector<PlaceId> to = places(state, op.object);
      const bool keep = to.size() != 1 || places_.at(to[0]).kind != PlaceKind::kLocal || std::any_of(what.begin(), what.end(), [](const Value& v) {
                          return v.kind == Value::Kind::kAddress || v.kind == Value::Kind::kFunction; });
      if (to.size() == 1) {
        std::vector<Fact> facts;   // of what is copied
        if (op.other != kNoExpr && f_.exprs[static_cast<std::size_t>(op.other)].kind == ExprKind::kLoad)
          if (const std::vector<PlaceId> from = places(state, f_.exprs[static_cast<std::size_t>(op.other)].a); from.size() == 1 && from[0] != to[0])
            for (const Fact& fact : state.facts)
              if (fact.cell == from[0]) facts.push_back(fact);
        assign(state, to[0], what, keep);
        for (const Fact& fact : facts) state.learn(to[0], fact.is);
        if (what.size() > 1 && op.other != kNoExpr && f_.exprs[static_cast<std::size_t>(op.other)].kind == ExprKind::kLoad)
          if (const std::vector<PlaceId> from = places(state, f_.exprs[static_cast<std::size_t>(op.other)].a); from.size() == 1 && from[0] != to[0])
            state.copies.emplace_back(to[0], from[0]);
      }
      else for (const PlaceId place : to) {
        forget_parts(state, place);
        state.known.erase(place);
      }
      break;
    }
    case OpKind::kCall: call(op, std::move(state), out); return;
    case OpKind::kGuard: guard(op, std::move(state), out); return;
    case OpKind::kGuardTake: {
      Values taken;
      bool anything = false;
      for (std::size_t i = 0; i < state.held.size(); ++i) {
        HeldLock& lock = state.held[i];
        const bool mine = op.number >= 0 ? lock.guard == op.number : lock.guard < 0 && i + state.left_by_call >= state.held.size();
        if (!mine) continue;
        lock.guard = op.var;
        add(taken, {Value::Kind::kAddress, lock.place}, anything);
      }
      state.known[variable(op.var)] = {{{Value::Kind::kConst, !taken.empty()}}, false};
      state.known[places_.member(variable(op.var), places_.text("$lock"), -1)] = {taken, false};
      break;
    }
    case OpKind::kGuardForget:
      for (HeldLock& lock : state.held)
        if (lock.guard == op.var) lock.guard = -1;
      break;
    case OpKind::kCreate: {
      Event event = event_at(Event::What::kCreate, op, state, kNoPlace);
      const std::vector<PlaceId> handles = places(state, op.object);
      if (handles.size() == 1) event.place = handles[0];
      event.flags = once_more(op.flags, event.place, state);
      event.values = values(state, op.other);
      for (const ExprId one : op.args) event.args.push_back(values(state, one));
      record(std::move(event));
      state.threads = true;
      if (handles.size() == 1) state.thread_begins(handles[0]);
      break;
    }
    case OpKind::kJoin:
      if (op.other != kNoExpr) {   // who is waited for is known where the value is
        Event event = event_at(Event::What::kJoin, op, state, kNoPlace);
        event.values = values(state, op.other);
        event.flags = op.flags & kFlagTimed;
        if (!event.values.empty()) record(std::move(event));
        break;
      }
      for (const PlaceId handle : places(state, op.object)) {
        Event event = event_at(Event::What::kJoin, op, state, handle);
        record(std::move(event));
        state.thread_ends(handle);
      }
      break;
    case OpKind::kWorkInit:
    case OpKind::kWorkQueue:
    case OpKind::kName:
      for (const PlaceId place : dereferenced(state, values(state, op.object), {})) {
        Event event = event_at(op.kind == OpKind::kName ? Event::What::kName : op.kind == OpKind::kWorkInit ? Event::What::kWorkInit : Event::What::kWorkQueue, op, state, place);
        event.values = values(state, op.other);
        event.held.clear();
        event.released.clear();
        record(std::move(event));
      }
      break;
    case OpKind::kRecursive: {
      const Values kind = values(state, op.other);
      const bool one = kind.size() == 1;
      const bool caller_says = one && kind[0].kind == Value::Kind::kParameter;
      const bool says_so = op.other == kNoExpr || (one && kind[0] == Value{Value::Kind::kConst, 1});
      if (!says_so && !caller_says) break;
      for (const PlaceId place : dereferenced(state, values(state, op.object), {})) {
        Event event = event_at(Event::What::kRecursive, op, state, place);
        if (caller_says) event.assumptions.push_back({static_cast<std::int32_t>(kind[0].number), 1, true});
        event.held.clear();
        event.released.clear();
        record(std::move(event));
      }
      break;
    }
    case OpKind::kOperation: {
      Event event = event_at(Event::What::kOperation, op, state, kNoPlace);
      event.values = values(state, op.other);
      if (!event.values.empty()) record(std::move(event));
      break;
    }
    case OpKind::kHold: break;
  }
  out.push_back(std::move(state));
}

Summary analyse_function(Program& program, FunctionId id, const std::vector<std::pair<std::int32_t, std::int64_t>>& numbers) {
  return FunctionAnalysis(program, id).run(numbers);
}
Summary analyse_context(Program& program, FunctionId id, const std::vector<Values>& args) {
  return FunctionAnalysis(program, id).as_context(args);
}

}  // namespace crossdep::source
