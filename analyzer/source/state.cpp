// SPDX-License-Identifier: MIT
//
// See state.h.
//
// Threading: values.  Allocation: the heap.
#include "source/state.h"

#include <algorithm>

namespace crossdep::source {

namespace {
constexpr std::size_t kFacts = 16;
}  // namespace

bool State::same_locks(const State& other) const {
  // Ways with contrary orders stay apart: a swap in one of them would make both forget what was compared.
  return released == other.released && below == other.below && held.size() == other.held.size() &&
         std::equal(held.begin(), held.end(), other.held.begin(), [](const HeldLock& a, const HeldLock& b) { return a.same_as(b); });
}

bool State::merge(const State& other) {
  bool changed = false;
  for (auto it = known.begin(); it != known.end();) {
    const auto at = other.known.find(it->first);
    if (at == other.known.end()) {
      it = known.erase(it);
      changed = true;
      continue;
    }
    if (at->second.values != it->second.values) {
      bool anything = false;
      Values all = it->second.values;
      for (const Value& value : at->second.values) add(all, value, anything);
      if (anything) {
        it = known.erase(it);
        changed = true;
        continue;
      }
      if (all != it->second.values) {
        it->second.values = std::move(all);
        changed = true;
      }
    }
    it->second.written |= at->second.written;
    ++it;
  }
  const auto keep_common = [&](auto& mine, const auto& theirs, auto same) {
    const std::size_t before = mine.size();
    std::erase_if(mine, [&](const auto& entry) {
      return std::none_of(theirs.begin(), theirs.end(), [&](const auto& one) { return same(entry, one); });
    });
    changed |= mine.size() != before;
  };
  keep_common(assumptions, other.assumptions, [](const Assumption& a, const Assumption& b) { return a == b; });
  keep_common(facts, other.facts, [](const Fact& a, const Fact& b) { return a == b; });
  keep_common(entry, other.entry, [](const Fact& a, const Fact& b) { return a == b; });
  for (const PlaceId place : other.changed)
    if (std::find(this->changed.begin(), this->changed.end(), place) == this->changed.end()) {
      insert(this->changed, place);
      changed = true;
    }
  keep_common(history, other.history, [](const HeldLock& a, const HeldLock& b) { return a.place == b.place && a.mode == b.mode; });
  for (std::size_t i = 0; i < held.size(); ++i)
    if (held[i].may && !other.held[i].may) {
      held[i].may = false;
      changed = true;
    }
  keep_common(copies, other.copies, [](const auto& a, const auto& b) { return a == b; });
  keep_common(joined, other.joined, [](PlaceId a, PlaceId b) { return a == b; });
  for (const PlaceId handle : other.live)
    if (std::find(live.begin(), live.end(), handle) == live.end()) {
      live.insert(std::lower_bound(live.begin(), live.end(), handle), handle);
      changed = true;
    }
  if (other.threads && !threads) threads = changed = true;
  if (other.let_go > let_go) {
    let_go = other.let_go;
    changed = true;
  }
  if (other.left_by_call != left_by_call && left_by_call != 0) left_by_call = 0;
  return changed;
}

void State::choose(PlaceId variable, const Value& value) {
  std::vector<PlaceId> todo{variable};
  while (!todo.empty()) {
    const PlaceId at = todo.back();
    todo.pop_back();
    known[at] = {{value}, true};
    std::erase_if(copies, [&](const auto& pair) {
      if (pair.first == at) todo.push_back(pair.second);
      else if (pair.second == at) todo.push_back(pair.first);
      else return false;
      return true;
    });
  }
}

bool State::learn(PlaceId cell, const Assumption& is) {
  Fact fact{cell, is};
  fact.is.parameter = -1;
  for (const Fact& one : facts) {
    if (one.cell == cell && one.is.contradicts(fact.is)) return false;
    if (one == fact) return true;
  }
  if (facts.size() < kFacts) facts.insert(std::lower_bound(facts.begin(), facts.end(), fact), fact);
  return true;
}

void State::thread_begins(PlaceId handle) {
  insert(live, handle);
  std::erase(joined, handle);
}

void State::thread_ends(PlaceId handle) {
  std::erase(live, handle);
  insert(joined, handle);
}

}  // namespace crossdep::source
