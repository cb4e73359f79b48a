// SPDX-License-Identifier: MIT
//
// Calls: a callee's summary in the caller's terms. Its requests are made with the caller's locks held, less what the callee
// gave back before; its exits make the states to go on with.
//
// Threading: none.  Allocation: the heap.
#include <algorithm>
#include <optional>
#include <utility>

#include "source/analyse.h"
#include "source/digest.h"

namespace crossdep::source {
namespace {

constexpr unsigned kChain = 24;   // calls in a chain; deeper ones add nothing a reader could use

}  // namespace

// False: this way contradicts what the caller passes. What the callee assumed of a parameter is then known of the variable
// that was passed.
bool FunctionAnalysis::agree(const std::vector<Assumption>& assumptions, const std::vector<Fact>& entry, const std::vector<Values>& args, const Op& op, State& state) {
  for (const Fact& fact : entry) {
    const std::vector<PlaceId> where = substituted(state, fact.cell, args);
    if (where.size() != 1) continue;
    if (const auto known = state.known.find(where[0]); known != state.known.end()) {
      const Values& values = known->second.values;
      const bool numbers = !values.empty() && std::all_of(values.begin(), values.end(), [](const Value& v) { return v.kind == Value::Kind::kConst; });
      if (numbers && std::none_of(values.begin(), values.end(), [&](const Value& v) { return ((v.number & fact.is.mask) == fact.is.number) == fact.is.equal; })) return false;
    }
    if (!learn(state, where[0], fact.is)) return false;
  }
  for (const Assumption& a : assumptions) {
    const auto index = static_cast<std::size_t>(a.parameter);
    if (index >= args.size()) continue;
    const Values& given = args[index];
    const bool numbers = !given.empty() && std::all_of(given.begin(), given.end(), [](const Value& v) { return v.kind == Value::Kind::kConst; });
    if (numbers) {
      if (std::none_of(given.begin(), given.end(), [&](const Value& v) { return ((v.number & a.mask) == a.number) == a.equal; })) return false;
      continue;
    }
    const int known = truth(given);
    if (known >= 0 && a.number == 0 && a.mask == -1) {
      if ((known == 0) != a.equal) return false;
      continue;
    }
    if (given.size() == 1 && given[0].kind == Value::Kind::kParameter) {
      const Assumption mine{static_cast<std::int32_t>(given[0].number), a.number, a.equal, a.mask};
      bool there = false;
      for (const Assumption& one : state.assumptions) {
        if (one.contradicts(mine)) return false;
        there |= one == mine;
      }
      if (!there) state.assumptions.push_back(mine);
      continue;
    }
    if (index >= op.args.size() || op.args[index] == kNoExpr) continue;
    const Expr& e = f_.exprs[static_cast<std::size_t>(op.args[index])];
    if (e.kind != ExprKind::kLoad) continue;
    const std::vector<PlaceId> from = places(state, e.a);
    if (from.size() != 1) continue;
    if (!learn(state, from[0], a)) return false;
    if (a.mask != -1) continue;
    if (given.empty() || (given.size() == 1 && given[0].kind == Value::Kind::kContent && a.equal)) {
      if (a.equal) state.known[from[0]] = {{{Value::Kind::kConst, a.number}}, false};
      else if (a.number == 0) state.known[from[0]] = {{{Value::Kind::kNonZero, 0}}, false};
    }
  }
  return true;
}

// The threads that a callee waited for and made, in the caller's terms.
void FunctionAnalysis::threads_of(const std::vector<PlaceId>& live, const std::vector<PlaceId>& joined, const std::vector<Values>& args, const State& state, State& out) {
  for (const PlaceId handle : joined)
    if (const std::vector<PlaceId> where = substituted(state, handle, args); where.size() == 1) out.thread_ends(where[0]);
  for (const PlaceId handle : live)
    for (const PlaceId mine : substituted(state, handle, args)) out.thread_begins(mine);
}

std::vector<HeldLock> FunctionAnalysis::lifted(const std::vector<HeldLock>& locks, const Op& op, const std::vector<Values>& args, const State& state) {
  std::vector<HeldLock> out;
  for (const HeldLock& lock : locks) {
    HeldLock mine = lock;
    if (places_.root(lock.place) == PlaceKind::kParam) {
      const std::vector<PlaceId> where = substituted(state, lock.place, args);
      if (where.size() != 1) continue;   // several or none: not known to be held
      mine.place = where[0];
    }
    mine.guard = -1;
    // A shared event's was got on the way of the first function that had it; what leads there, the graph's output looks up.
    const bool elsewhere = memo_ != nullptr && lock.chain >= 0 && p_.chain(lock.chain).function != memo_->callee;
    if (!elsewhere) mine.chain = extended(lock.chain, op.site);
    out.push_back(mine);
  }
  return out;
}

ChainId FunctionAnalysis::extended(ChainId inner, const Site& site) const {
  if (site.line == 0 || p_.length(inner) >= kChain) return inner;   // a destructor's call stands nowhere
  return p_.chain(id_, site, inner);
}

// As the context that begins in this function with these arguments sees it.
Summary FunctionAnalysis::as_context(const std::vector<Values>& args) {
  const Op begins;
  States ends;
  std::vector<Values> given = args;
  // What nobody passes stays a parameter, so that two of one type stay apart.
  for (auto i = static_cast<std::int32_t>(given.size()); i < f_.parameters; ++i) given.push_back({{Value::Kind::kParameter, i}});
  final_ = true;
  State start;   // with the locks it requires of its callers
  if (!f_.blocks.empty())
    for (const Op& op : f_.blocks[0].ops) {
      if (op.kind != OpKind::kHold) break;
      for (const PlaceId place : dereferenced(start, values(start, op.object), {}))
        for (const PlaceId mine : substituted(start, place, given)) start.held.push_back(lock_of(mine, op, -1));
    }
  apply(id_, p_.summary(id_), begins, given, start);
  leave_by(p_.summary(id_), begins, given, start, ends);
  for (const State& end : ends) {
    Exit& exit = summary_.exits.emplace_back();
    for (const HeldLock& lock : end.held)
      if (std::none_of(start.held.begin(), start.held.end(), [&](const HeldLock& h) { return h.place == lock.place; })) exit.acquired.push_back(lock);
  }
  finish(summary_);
  return std::move(summary_);
}

// Whether this event, which is the same in every caller, was already taken over in such a state, by no longer way.
bool FunctionAnalysis::lifted_before(const Event& event, ChainId chain, std::uint64_t surroundings, const State& state) {
  Digest key;
  key.add(event.digest);
  key.add(surroundings);
  if (event.what == Event::What::kSignal) key.add(state.history);
  const unsigned length = p_.length(chain);
  const auto [at, fresh] = lifted_.try_emplace(key.value(), length);
  if (!fresh && at->second <= length) return true;
  at->second = length;
  return false;
}

bool FunctionAnalysis::lift(const Event& event, ChainId chain, const Op& op, const std::vector<Values>& args, const State& state) {
  // `agree` notes what it assumes; most events ask for nothing, or all for the same, and a state is dear to copy.
  const std::vector<Assumption>* assumptions = &state.assumptions;
  const std::vector<Fact>* entry = &state.entry;
  if (!event.assumptions.empty() || !event.entry.empty()) {
    Digest asked;
    asked.add(event.assumptions);
    asked.add(event.entry);
    const auto [at, fresh] = memo_->noted.try_emplace(asked.value());
    if (fresh) {
      State there = state;
      if (agree(event.assumptions, event.entry, args, op, there)) at->second = {std::move(there.assumptions), std::move(there.entry)};
    }
    if (!at->second) return false;
    assumptions = &at->second->assumptions;
    entry = &at->second->entry;
  }
  Event base;
  base.what = event.what;
  base.kind = event.kind;
  base.mode = event.mode;
  base.flags = event.flags;
  base.assumptions = *assumptions;
  base.entry = *entry;
  base.chain = extended(chain, op.site);
  base.threads = state.threads || event.threads;
  base.may = event.may || may_;
  base.live = state.live;
  base.joined = state.joined;
  if (!event.live.empty() || !event.joined.empty()) {
    State threads;
    threads.live = state.live;
    threads.joined = state.joined;
    threads_of(event.live, event.joined, args, state, threads);
    base.live = std::move(threads.live);
    base.joined = std::move(threads.joined);
  }
  base.values = event.closed ? event.values : substituted(state, event.values, args);
  for (const Values& one : event.args) base.args.push_back(event.closed ? one : substituted(state, one, args));

  // What the caller holds, less what was given back inside before.
  std::vector<PlaceId> released;
  if (event.closed) released = event.released;
  else
    for (const PlaceId place : event.released)
      for (const PlaceId mine : substituted(state, place, args)) insert(released, mine);
  for (const HeldLock& lock : state.held) {
    const bool given_back = std::any_of(released.begin(), released.end(), [&](PlaceId place) {
      return place == lock.place || (p_.class_of(place) >= 0 && p_.class_of(place) == p_.class_of(lock.place));
    });
    if (!given_back) base.held.push_back(lock);
  }
  base.released = state.released;
  for (const PlaceId place : released) {
    const bool mine = std::any_of(state.held.begin(), state.held.end(), [&](const HeldLock& lock) { return lock.place == place; });
    if (!mine) insert(base.released, place);
  }
  for (HeldLock& lock : lifted(event.held, op, args, state))
    if (std::none_of(base.held.begin(), base.held.end(), [&](const HeldLock& h) { return h.place == lock.place && h.mode == lock.mode; })) base.held.push_back(lock);
  if (event.what == Event::What::kSignal) {
    base.history = state.history;
    for (HeldLock& lock : lifted(event.history, op, args, state)) base.history.push_back(lock);
  }

  if (event.what == Event::What::kCallLater) {
    // Who is called may be known here.
    std::vector<FunctionId> targets = p_.functions_in(base.values);
    if (targets.empty() && final_) {   // nobody will know better than what is stored there anywhere
      for (const Value& v : base.values) {
        bool anything = false;
        if (v.kind == Value::Kind::kContent) targets = p_.functions_in(p_.content(static_cast<PlaceId>(v.number), anything));
      }
    }
    if (!targets.empty()) {
      State there = state;
      there.held = base.held;
      there.released = base.released;
      Op later = op;
      later.args.clear();
      const bool before = std::exchange(may_, may_ || targets.size() > 1);
      for (const FunctionId target : targets) {
        p_.note_called(target);
        // Functions that hand each other on would do so without end.
        if (target == id_ || std::find(handed_on_.begin(), handed_on_.end(), target) != handed_on_.end()) continue;
        handed_on_.push_back(target);
        apply(target, p_.for_caller(target, id_, p_.summary(target)), later, base.args, there);
        handed_on_.pop_back();
      }
      may_ = before;
      return true;
    }
    const bool open = std::any_of(base.values.begin(), base.values.end(), [&](const Value& v) {
      return v.kind == Value::Kind::kParameter || (v.kind == Value::Kind::kContent && places_.root(static_cast<PlaceId>(v.number)) == PlaceKind::kParam);
    });
    if (open) record(std::move(base));
    return true;
  }
  if (event.place == kNoPlace) {
    if (event.what != Event::What::kJoin || !base.values.empty()) record(std::move(base));
    return true;
  }
  const std::vector<PlaceId> places = event.closed ? std::vector<PlaceId>{event.place} : substituted(state, event.place, args);
  for (const PlaceId place : places) {
    Event mine = place == places.back() ? std::move(base) : base;
    mine.place = place;
    mine.may |= places.size() > 1;
    if (mine.what == Event::What::kCreate) mine.flags = once_more(mine.flags, place, state);
    const bool lockable = mine.what == Event::What::kRequest;
    if (lockable) {
      const auto again = std::find_if(mine.held.begin(), mine.held.end(), [&](const HeldLock& h) { return h.place == place; });
      if (again != mine.held.end() && ((mine.flags & kFlagRecursive) != 0 || p_.is_recursive(place) ||
                                       (mine.mode != engine::Mode::kWrite && again->mode != engine::Mode::kWrite)))
        continue;
      mark_order(state, mine);
    }
    record(std::move(mine));
  }
  return true;
}

void FunctionAnalysis::apply(FunctionId callee, const Summary& summary, const Op& op, const std::vector<Values>& args, const State& state) {
  Digest surroundings;   // of the state, what events take over
  surroundings.add(state.held);
  surroundings.add_way(state);
  for (const auto& [first, then] : state.below) surroundings.add(static_cast<std::uint64_t>(first)), surroundings.add(static_cast<std::uint64_t>(then));
  surroundings.add(static_cast<std::uint64_t>(state.threads) | static_cast<std::uint64_t>(may_) << 1);
  Memo memo{&state, &args, callee, {}, {}};
  Memo* const outer = std::exchange(memo_, &memo);
  const auto take = [&](const Event& event, ChainId chain) {
    const bool global_fact = event.what == Event::What::kName || event.what == Event::What::kStore || event.what == Event::What::kRecursive ||
                             event.what == Event::What::kWorkInit || event.what == Event::What::kWorkQueue;
    if (global_fact) {
      // Who calls the function does not make an unknown value known, and numbers lead nowhere.
      if (event.what == Event::What::kStore && std::all_of(event.values.begin(), event.values.end(), [](const Value& v) {
            return v.kind == Value::Kind::kConst || v.kind == Value::Kind::kNonZero || v.kind == Value::Kind::kString;
          }))
        return;
      // Facts about fixed places were taken where they were seen.
      const bool open = (event.place != kNoPlace && places_.root(event.place) == PlaceKind::kParam) ||
                        std::any_of(event.values.begin(), event.values.end(), [&](const Value& v) {
                          return v.kind == Value::Kind::kParameter ||
                                 ((v.kind == Value::Kind::kAddress || v.kind == Value::Kind::kContent) && places_.root(static_cast<PlaceId>(v.number)) == PlaceKind::kParam);
                        });
      if (!open) return;
    }
    if (event.closed && lifted_before(event, chain, surroundings.value(), state)) return;
    lift(event, chain, op, args, state);
  };
  for (const Event& event : summary.events) take(event, event.chain);
  for (const Shared& one : summary.shared) take(p_.shared(one.event), one.chain);
  memo_ = outer;
}

// The states that a callee's ways out lead to.
void FunctionAnalysis::leave_by(const Summary& summary, const Op& op, const std::vector<Values>& args, const State& state, States& out) {
  for (const HeldLock& lock : lifted(summary.required, op, args, state)) {
    const bool held = std::any_of(state.held.begin(), state.held.end(), [&](const HeldLock& h) { return h.place == lock.place; });
    if (!held && std::find(state.released.begin(), state.released.end(), lock.place) == state.released.end()) require(lock);
  }
  for (const Exit& exit : summary.exits) {
    State after = state;
    if (!agree(exit.assumptions, exit.entry, args, op, after)) continue;
    // Stores first: what was got may lie in what was stored.
    std::vector<std::pair<PlaceId, Values>> stores;
    for (const auto& [cell, stored] : exit.stores) {
      const std::vector<PlaceId> where = substituted(state, cell, args);
      if (where.size() == 1) stores.emplace_back(where[0], substituted(state, stored, args));
    }
    std::vector<HeldLock> acquired;
    bool forked = false;
    for (const HeldLock& lock : exit.acquired) {
      const std::vector<PlaceId> where = substituted(state, lock.place, args);
      if (where.size() > 1) forked = true;
      for (const PlaceId place : where) {
        HeldLock mine = lock;
        mine.place = place;
        mine.guard = -1;
        mine.chain = extended(lock.chain, op.site);
        acquired.push_back(mine);
        if (forked) break;   // one of several: the first stands for them
      }
    }
    for (const PlaceId place : exit.released) {
      const std::vector<PlaceId> where = substituted(state, place, args);
      PlaceId chosen = kNoPlace;
      for (const PlaceId one : where)
        if (std::any_of(after.held.begin(), after.held.end(), [&](const HeldLock& h) { return h.place == one; })) chosen = one;
      if (where.empty()) release_like(after, place);
      else if (chosen != kNoPlace) release(after, chosen);
      else for (const PlaceId one : where) release(after, one);
    }
    std::size_t left = 0;
    for (const HeldLock& lock : acquired) {
      const auto held = std::find_if(after.held.begin(), after.held.end(), [&](const HeldLock& h) { return h.place == lock.place; });
      if (held != after.held.end()) {
        held->count = 2;
        continue;
      }
      if (retake(after, lock)) continue;
      after.held.push_back(lock);
      ++left;
    }
    after.left_by_call = left;
    if (exit.let_go == LetGo::kAtWait || (exit.let_go == LetGo::kAtUnlock && after.held.empty())) let_go(after, exit.let_go);
    for (auto& [cell, stored] : stores) assign(after, cell, stored, false);
    for (const Fact& fact : exit.leaves)
      if (const std::vector<PlaceId> where = substituted(state, fact.cell, args); where.size() == 1) after.learn(where[0], fact.is);
    for (const HeldLock& lock : lifted(exit.history, op, args, state))
      remember(after, lock);
    after.threads |= exit.threads;
    threads_of(exit.live, exit.joined, args, after, after);
    if (op.result >= 0) {
      const PlaceId result = variable(op.result);
      Values given = substituted(state, exit.result, args);
      if (given.empty()) after.known.erase(result);
      else after.known[result] = {std::move(given), false};
    }
    out.push_back(std::move(after));
  }
}

void FunctionAnalysis::call(const Op& op, State&& state, States& out) {
  std::vector<Values> args;
  for (const ExprId one : op.args) args.push_back(values(state, one));
  state.left_by_call = 0;
  std::vector<FunctionId> targets;
  Values callee;
  if (!op.callee.empty()) {
    targets = p_.defined(op.callee);
    if ((op.flags & kFlagVirtual) != 0)
      for (const FunctionId id : p_.overriders(op.callee))
        if (std::find(targets.begin(), targets.end(), id) == targets.end()) targets.push_back(id);
  } else {
    callee = values(state, op.other);
    targets = p_.functions_in(callee);
  }
  for (const FunctionId id : targets)
    if (id != id_) p_.note_called(id);
  if (targets.empty()) {
    const bool open = std::any_of(callee.begin(), callee.end(), [&](const Value& v) {
      return v.kind == Value::Kind::kParameter || (v.kind == Value::Kind::kContent && places_.root(static_cast<PlaceId>(v.number)) == PlaceKind::kParam);
    });
    if (open) {
      Event event = event_at(Event::What::kCallLater, op, state, kNoPlace);
      event.values = callee;
      event.args = args;
      record(std::move(event));
    }
    // A function we do not see: what it was given the address of may have changed.
    for (const Values& given : args)
      for (const Value& value : given)
        if (value.kind == Value::Kind::kAddress && places_.root(static_cast<PlaceId>(value.number)) == PlaceKind::kLocal) {
          forget_parts(state, static_cast<PlaceId>(value.number));
          state.known.erase(static_cast<PlaceId>(value.number));
        }
    if (op.result >= 0) state.known.erase(variable(op.result));
    out.push_back(std::move(state));
    return;
  }
  const bool before = std::exchange(may_, may_ || targets.size() > 1);
  for (const FunctionId id : targets) {
    // Where locks are left held or given back, it has to be known of which of several objects.
    const Summary& summary = p_.summary(id, args);
    std::set<std::int32_t> of;
    for (const Exit& exit : summary.exits) {
      for (const HeldLock& lock : exit.acquired)
        if (const Place& root = places_.at(places_.root_place(lock.place)); root.kind == PlaceKind::kParam) of.insert(root.index);
      for (const PlaceId place : exit.released)
        if (const Place& root = places_.at(places_.root_place(place)); root.kind == PlaceKind::kParam) of.insert(root.index);
    }
    States ways;
    for (const std::int32_t parameter : of) {
      const auto index = static_cast<std::size_t>(parameter);
      if (index >= args.size() || args[index].size() < 2) continue;
      ways = decided(State(state), op.args[index]);
      if (ways.size() > 1) break;
    }
    if (ways.size() < 2) {
      apply(id, p_.for_caller(id, id_, summary), op, args, state);
      leave_by(summary, op, args, state, out);
      continue;
    }
    const bool one_way = std::exchange(may_, true);
    for (const State& way : ways) {
      std::vector<Values> now;
      for (const ExprId one : op.args) now.push_back(values(way, one));
      apply(id, p_.for_caller(id, id_, summary), op, now, way);
      leave_by(summary, op, now, way, out);
    }
    may_ = one_way;
  }
  may_ = before;
}

}  // namespace crossdep::source
