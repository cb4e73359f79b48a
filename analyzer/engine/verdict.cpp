// SPDX-License-Identifier: MIT
//
// Verdicts; see verdict.h for the rules.
#include "engine/verdict.h"

namespace crossdep::engine {

namespace {

Judgement plain(Verdict verdict, Reason reason) { return {verdict, reason, {0, 0}, kNone}; }

/// One of them is a child whose creator holds, as long as it lives, a lock that the other one holds; the creator itself
/// holds it too, and no more than once for all of its children.
bool guarded_from(const Witness& child, const Witness& other, Judgement& refuted) {
  for (const Guards* guards = child.background.guards; guards != nullptr && !guards->broken; guards = guards->base) {
    if (guards->parent == other.info.context) continue;
    for (std::uint32_t i = 0; i < guards->count; ++i) {
      const Guards::Entry& guard = guards->entries()[i];
      if (guard.broken) continue;
      for (std::uint32_t j = 0; j < other.info.held_count; ++j) {
        const HeldInfo& held = other.info.held[j];
        if (held.pseudo || (held.flags & (kTry | kTimed)) || held.instance != guard.lock) continue;
        if (held.mode != Mode::kWrite && guard.mode != Mode::kWrite) continue;
        refuted = {Verdict::kRefuted, Reason::kGuardedChild, {guard.site, held.site}, guard.lock};
        return true;
      }
      for (const Guards* others = other.background.guards; others != nullptr && !others->broken; others = others->base) {
        if (others->parent == guards->parent) continue;
        for (std::uint32_t j = 0; j < others->count; ++j) {
          const Guards::Entry& held = others->entries()[j];
          if (held.broken || held.lock != guard.lock) continue;
          if (held.mode != Mode::kWrite && guard.mode != Mode::kWrite) continue;
          refuted = {Verdict::kRefuted, Reason::kGuardedChild, {guard.site, held.site}, guard.lock};
          return true;
        }
      }
    }
  }
  return false;
}

/// Each passed, holding a lock, the one that the other held when it passed that (histories.cpp).
bool histories_exclude(const Witness& a, const Witness& b, Judgement& refuted) {
  const auto exclusive = [](Mode held, Mode passed) { return held == Mode::kWrite || passed == Mode::kWrite; };
  for (std::uint32_t i = 0; i < a.background.passed_count; ++i) {
    const Passed& mine = a.background.passed[i];
    for (std::uint32_t j = 0; j < b.background.passed_count; ++j) {
      const Passed& other = b.background.passed[j];
      if (mine.held != other.passed || mine.passed != other.held) continue;
      if (!exclusive(mine.held_mode, other.passed_mode) || !exclusive(other.held_mode, mine.passed_mode)) continue;
      refuted = {Verdict::kRefuted, Reason::kHistoriesExclude, {mine.site, other.site}, mine.passed};
      return true;
    }
  }
  return false;
}

/// `first` asked, went on, and told `second`'s context before that one held what it holds: they did not meet.
bool before(const Witness& first, const Witness& second, bool wide) {
  const Segment *asked = first.background.request_segment, *held = second.background.from_segment;
  return asked != nullptr && held != nullptr && held->knows(*asked, wide);
}

/// A crosslock that is waited for again and again: what an earlier round did says nothing of the next one's release. A token
/// that is held like a lock is released by its holder.
bool in_rounds(const Graph& graph, const Witness& witness) {
  if (witness.info.origin == Origin::kHeld) return false;
  const Kind kind = graph.lock_class(graph.dependency(witness.info.dependency).from).info.kind;
  return is_crosslock(kind) && kind != Kind::kThread && kind != Kind::kProcess && kind != Kind::kOnce && kind != Kind::kGuard;
}

/// ... and one of them that several contexts release: what one of these does excuses nothing. Nor does whom an interrupt
/// happened to interrupt.
bool loose(const Graph& graph, DependencyId id) {
  const LockClass& from = graph.lock_class(graph.dependency(id).from);
  return (from.many_releasers && is_crosslock(from.info.kind)) || from.info.kind == Kind::kInterrupt;
}

/// No context's witness of either was left out.
bool known_of_all(const Graph& graph, DependencyId a, DependencyId b) {
  return !graph.dependency(a).contexts_missing && !graph.dependency(b).contexts_missing;
}

/// An interrupt or handler strikes at any time while the lock is held: what was held besides may be released by then.
bool interrupted(const Graph& graph, DependencyId id) {
  return graph.lock_class(graph.dependency(id).to).info.kind == Kind::kInterrupt;
}

bool fits(const Witness& first, const Witness& second) { return first.info.to == second.info.from; }

bool can_block(const Witness& first, const Witness& second) {
  return first.info.to_mode != Mode::kRecursiveRead || second.info.from_mode == Mode::kWrite;
}

}  // namespace

int Judge::rank(const Judgement& judgement) noexcept {
  int within = 0;
  switch (judgement.reason) {
    case Reason::kNoneExcluded: within = 6; break;
    case Reason::kTimed: within = 5; break;
    case Reason::kHistoryOnly: within = 4; break;
    case Reason::kOtherReleasers: within = 3; break;
    case Reason::kInstancesDiffer: within = 2; break;
    case Reason::kBudgetSpent: within = 1; break;
    default: break;
  }
  return static_cast<int>(judgement.verdict) * 8 + within;
}

// A lock both hold, at least one of them exclusively: they cannot hold it at once. One that is of another class here than
// there (a subclass) is none: other locks may come in either place, which is what the classes are for.
bool Judge::share_gate(const HeldInfo* a, std::uint32_t a_count, const HeldInfo* b, std::uint32_t b_count,
                       Judgement& refuted) const noexcept {
  for (std::uint32_t i = 0; i < a_count; ++i) {
    if (a[i].pseudo || (a[i].flags & kTry)) continue;
    for (std::uint32_t j = 0; j < b_count; ++j) {
      if (b[j].pseudo || (b[j].flags & kTry) || a[i].instance != b[j].instance || a[i].class_id != b[j].class_id) continue;
      if (a[i].mode != Mode::kWrite && b[j].mode != Mode::kWrite) continue;
      if (handed_->find(std::uint64_t{a[i].instance} + 1) != nullptr) continue;
      refuted = {Verdict::kRefuted, Reason::kGateLock, {a[i].site, b[j].site}, a[i].instance};
      return true;
    }
  }
  return false;
}

// What a context asked for while it had taken a token that others give back.
bool Judge::handed_on(DependencyId id, const Witness& witness) const noexcept {
  return witness.info.origin == Origin::kHeld && (graph_->lock_class(graph_->dependency(id).from).handed_over ||
                                                  handed_->find(std::uint64_t{witness.info.from} + 1) != nullptr);
}

bool Judge::common_gate(const Vec<DependencyId>& cycle, Judgement& judgement) const noexcept {
  for (std::uint32_t i = 0; i < cycle.size(); ++i) {
    const Dependency& a = graph_->dependency(cycle[i]);
    if (loose(*graph_, cycle[i]) || interrupted(*graph_, cycle[i])) continue;
    for (std::uint32_t j = i + 1; j < cycle.size() && a.gate_count != 0; ++j) {
      const Dependency& b = graph_->dependency(cycle[j]);
      if (loose(*graph_, cycle[j]) || interrupted(*graph_, cycle[j])) continue;
      if (share_gate(a.gates, a.gate_count, b.gates, b.gate_count, judgement)) return true;
    }
  }
  return false;
}

// Somebody else was seen to release a crosslock of the cycle, and asks for nothing of it before.
bool Judge::others_release(const Vec<DependencyId>& cycle, const Witness* const* trial, Judgement& judgement) const noexcept {
  if (releasers_ == nullptr) return false;
  for (std::uint32_t i = 0; i < cycle.size(); ++i) {
    const ClassId from = graph_->dependency(cycle[i]).from;
    if (!any_release_ends(graph_->lock_class(from).info.kind)) continue;
    const Releasers::Object* object = releasers_->of(trial[i]->info.from);
    for (std::uint32_t j = 0; object != nullptr && j < object->count; ++j) {
      bool part = false;
      for (std::uint32_t k = 0; k < cycle.size() && !part; ++k) {
        const DependencyId asks = graph_->find_dependency(from, graph_->dependency(cycle[k]).to);
        part = trial[k]->info.context == object->contexts[j] ||
               (asks != kNone && releasers_->may_have_asked(asks, object->contexts[j]));
      }
      if (part) continue;
      judgement = {Verdict::kPossible, Reason::kOtherReleasers, {object->sites[j], 0}, trial[i]->info.from, object->contexts[j]};
      return true;
    }
  }
  return false;
}

Judgement Judge::judge(const Vec<DependencyId>& cycle) noexcept {
  chosen_.clear();
  if (!chosen_.resize(cycle.size())) return plain(Verdict::kPossible, Reason::kBudgetSpent);
  bool witnessed = true;
  for (std::uint32_t i = 0; i < cycle.size(); ++i) {
    chosen_[i] = graph_->dependency(cycle[i]).witnesses;
    witnessed = witnessed && chosen_[i] != nullptr;
  }
  if (!witnessed) return plain(Verdict::kPossible, Reason::kInstancesDiffer);
  for (std::uint32_t i = 0; i < cycle.size(); ++i) {
    const Witness* w = graph_->dependency(cycle[i]).witnesses;
    const InstanceId token = w->info.from;
    while (w != nullptr && handed_on(cycle[i], *w)) w = w->next;
    if (w == nullptr) return {Verdict::kRefuted, Reason::kHandedOn, {0, 0}, token};
  }
  if (cycle.size() > kExactLength) return greedy(cycle);
  Judgement gate;
  if (common_gate(cycle, gate)) return gate;
  return exact(cycle);
}

Judgement Judge::exact(const Vec<DependencyId>& cycle) noexcept {
  const std::uint32_t length = cycle.size();
  const Witness* trial[kExactLength];
  struct Level {
    const Witness* next;
    bool one_context, ordered, signalled;   // up to and including the previous level
  } levels[kExactLength + 1];
  Judgement best = plain(Verdict::kRefuted, Reason::kGateLock), gate = best;
  bool any = false, complete = true;
  for (std::uint32_t i = 0; i < length; ++i) complete = complete && graph_->dependency(cycle[i]).complete;
  unsigned budget = kCombinations;
  std::uint32_t depth = 0;
  levels[0] = {graph_->dependency(cycle[0]).witnesses, false, false, false};
  for (;;) {
    Level& level = levels[depth];
    const Witness* witness = level.next;
    if (witness == nullptr) {
      if (depth == 0) break;
      --depth;
      continue;
    }
    level.next = witness->next;
    if (budget-- == 0) {
      if (!any || rank(best) < rank(plain(Verdict::kPossible, Reason::kBudgetSpent)))
        best = plain(Verdict::kPossible, Reason::kBudgetSpent);
      return best;
    }
    if (handed_on(cycle[depth], *witness)) continue;
    if (depth > 0 && !can_block(*trial[depth - 1], *witness)) continue;
    if (depth + 1 == length && !can_block(*witness, *trial[0])) continue;
    bool excluded = false;
    Level after = level;
    for (std::uint32_t i = 0; i < depth && !excluded; ++i) {
      if (loose(*graph_, cycle[i]) || loose(*graph_, cycle[depth])) continue;
      excluded = !interrupted(*graph_, cycle[i]) && !interrupted(*graph_, cycle[depth]) &&
                 share_gate(trial[i]->info.held, trial[i]->info.held_count, witness->info.held, witness->info.held_count, gate);
      if (trial[i]->info.context == witness->info.context) after.one_context = true;
      else if (!excluded && !interrupted(*graph_, cycle[i]) && !interrupted(*graph_, cycle[depth]))
        excluded = (known_of_all(*graph_, cycle[i], cycle[depth]) && (guarded_from(*trial[i], *witness, gate) ||
                                                                      guarded_from(*witness, *trial[i], gate))) ||
                   histories_exclude(*trial[i], *witness, gate);
      if (trial[i]->info.context == witness->info.context || in_rounds(*graph_, *trial[i]) || in_rounds(*graph_, *witness))
        continue;
      after.ordered = after.ordered || before(*trial[i], *witness, false) || before(*witness, *trial[i], false);
      after.signalled = after.signalled || (trusts_signals_ && (before(*trial[i], *witness, true) ||
                                                                before(*witness, *trial[i], true)));
    }
    if (excluded) {
      if (!any) best = gate;
      continue;
    }
    trial[depth] = witness;
    if (depth + 1 < length) {
      after.next = graph_->dependency(cycle[depth + 1]).witnesses;
      levels[++depth] = after;
      continue;
    }
    bool fit = true, timed = false, history = false;
    for (std::uint32_t i = 0; i < length; ++i) {
      fit = fit && fits(*trial[i], *trial[(i + 1) % length]);
      timed = timed || (trial[i]->info.flags & kTimed) != 0;
      history = history || trial[i]->info.origin == Origin::kHistory;
    }
    Judgement verdict, other;
    if (!fit) verdict = plain(Verdict::kPossible, Reason::kInstancesDiffer);
    else if (after.one_context) verdict = plain(Verdict::kLatent, Reason::kOneContext);
    else if (after.ordered) verdict = plain(Verdict::kLatent, Reason::kOrderedByForkJoin);
    else if (after.signalled) verdict = plain(Verdict::kLatent, Reason::kOrderedBySignal);
    else if (others_release(cycle, trial, other)) verdict = other;
    else if (timed) verdict = plain(Verdict::kPossible, Reason::kTimed);
    else if (history) verdict = plain(Verdict::kPossible, Reason::kHistoryOnly);
    else verdict = plain(Verdict::kPossible, Reason::kNoneExcluded);
    if (!any || rank(verdict) > rank(best)) {
      best = verdict;
      any = true;
      for (std::uint32_t i = 0; i < length; ++i) chosen_[i] = trial[i];
      if (best.reason == Reason::kNoneExcluded) return best;
    }
  }
  if (best.verdict == Verdict::kRefuted && !complete) best = plain(Verdict::kPossible, Reason::kBudgetSpent);
  return best;
}

// One combination: at each step the witness that fits the one before and whose context is new, else the first.
Judgement Judge::greedy(const Vec<DependencyId>& cycle) noexcept {
  seen_.clear();
  bool fit = true, one_context = false, timed = false, history = false;
  for (std::uint32_t i = 0; i < cycle.size(); ++i) {
    const Witness* pick = nullptr;
    int best = -1;
    for (const Witness* w = graph_->dependency(cycle[i]).witnesses; w != nullptr; w = w->next) {
      if (handed_on(cycle[i], *w)) continue;
      const bool follows = i == 0 || fits(*chosen_[i - 1], *w);
      const bool fresh = seen_.find(std::uint64_t{w->info.context} + 1) == nullptr;
      const int score = (follows ? 2 : 0) + (fresh ? 1 : 0);
      if (score > best) best = score, pick = w;
    }
    chosen_[i] = pick;
    if (best % 2 == 0 && !loose(*graph_, cycle[i])) one_context = true;
    if (std::uint32_t* slot = seen_.insert(std::uint64_t{pick->info.context} + 1)) *slot = i;
    if (i > 0) fit = fit && fits(*chosen_[i - 1], *pick);
    timed = timed || (pick->info.flags & kTimed) != 0;
    history = history || pick->info.origin == Origin::kHistory;
  }
  fit = fit && fits(*chosen_[cycle.size() - 1], *chosen_[0]);
  // A gate: some lock held by two of them, by one exclusively. Value: 1 = held shared so far, 2 = exclusively.
  FlatMap<std::uint32_t>& held_by = seen_;
  held_by.clear();
  for (std::uint32_t i = 0; i < cycle.size(); ++i) {
    const WitnessInfo& info = chosen_[i]->info;
    for (std::uint32_t j = 0; j < info.held_count; ++j) {
      if (info.held[j].pseudo || (info.held[j].flags & kTry) || handed_->find(std::uint64_t{info.held[j].instance} + 1) != nullptr) continue;
      std::uint32_t* slot = held_by.insert(std::uint64_t{info.held[j].instance} + 1);
      if (slot == nullptr) return plain(Verdict::kPossible, Reason::kBudgetSpent);
      const std::uint32_t mine = info.held[j].mode == Mode::kWrite ? 2 : 1;
      const std::uint32_t holder = i + 1;
      if (*slot != 0 && *slot >> 2 != holder && ((*slot & 3) == 2 || mine == 2))
        return plain(Verdict::kPossible, Reason::kBudgetSpent);
      *slot = holder << 2 | (mine > (*slot & 3) ? mine : (*slot & 3));
    }
  }
  if (!fit) return plain(Verdict::kPossible, Reason::kInstancesDiffer);
  if (one_context) return plain(Verdict::kLatent, Reason::kOneContext);
  if (timed) return plain(Verdict::kPossible, Reason::kTimed);
  if (history) return plain(Verdict::kPossible, Reason::kHistoryOnly);
  return plain(Verdict::kPossible, Reason::kNoneExcluded);
}

}  // namespace crossdep::engine
