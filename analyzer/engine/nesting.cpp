// SPDX-License-Identifier: MIT
//
// See nesting.h. Besides the pairs of instances, each class has one pair of its own (outer role, inner role) that collects
// what was held at all of its nestings: the gates.
//
// Threading and allocation: see nesting.h.
#include "engine/nesting.h"

namespace crossdep::engine {

namespace {
constexpr unsigned kLongest = 6;               // cycles looked at where the shortest is excused
constexpr std::uint64_t kBudget = 20'000;

Judgement said(Verdict verdict, Reason reason) { return {verdict, reason, {0, 0}, kNone}; }
}  // namespace

ClassInfo Nesting::instance(const LockInstance& lock) noexcept {
  ClassInfo info{};
  info.key_kind = ClassKey::kInstance;
  info.kind = lock.kind;
  info.key = lock.id;
  return info;
}

ClassInfo Nesting::role(const LockClass& its_class, bool outer) noexcept {
  ClassInfo info{};
  info.key_kind = outer ? ClassKey::kStatic : ClassKey::kFunction;
  info.kind = its_class.info.kind;
  info.key = its_class.info.id;
  return info;
}

ClassId Nesting::intern(const ClassInfo& info) noexcept {
  bool fresh = false;
  if (!nodes_.make_room()) return kNone;
  const ClassId id = pairs_.intern_class(info, fresh);
  if (fresh && !nodes_.push({id, 0, false})) return kNone;
  return id;
}

ClassId Nesting::root_of(ClassId node) noexcept {
  while (nodes_[node].root != node) node = nodes_[node].root = nodes_[nodes_[node].root].root;
  return node;
}

bool Nesting::knows(const LockInstance& held, const LockInstance& wanted, ContextId context) const noexcept {
  const ClassId from = pairs_.find_class(instance(held)), to = pairs_.find_class(instance(wanted));
  if (from == kNone || to == kNone) return false;
  const DependencyId pair = pairs_.find_dependency(from, to);
  if (pair == kNone) return false;
  for (const Witness* w = pairs_.dependency(pair).witnesses; w != nullptr; w = w->next)
    if (w->info.context == context) return true;
  return false;
}

// A new direct nesting: what it says of the class's shape.
void Nesting::learn(LockClass& its_class, ClassId from, ClassId to) noexcept {
  if (++nodes_[to].parents > 1) its_class.nested_many_parents = true;
  if (nodes_[from].has_child || nodes_[from].parents != 0 || nodes_[to].has_child) its_class.nested_structured = true;
  nodes_[from].has_child = true;
  const ClassId a = root_of(from), b = root_of(to);
  if (a == b) ++its_class.nested_circuits;
  else nodes_[b].root = a;
}

Nesting::Noted Nesting::note(LockClass& its_class, const LockInstance& held, const LockInstance& wanted, bool nearest,
                             const WitnessInfo& witness, const Segment* from_segment, const Segment* request_segment,
                             unsigned witnesses) noexcept {
  const bool up = wanted.address > held.address;
  (up ? its_class.nested_up : its_class.nested_down) = true;
  if (pairs_.dependency_count() >= kMostPairs) return Noted::kNoRoom;
  const std::uint8_t mode = mode_bit(witness.from_mode, witness.to_mode);
  const ClassId outer = intern(role(its_class, true)), inner = intern(role(its_class, false));
  const ClassId from = intern(instance(held)), to = intern(instance(wanted));
  if (outer == kNone || inner == kNone || from == kNone || to == kNone) return Noted::kNoRoom;
  const Graph::AddedDependency all = pairs_.add_dependency(outer, inner, mode);
  const Graph::AddedDependency pair = pairs_.add_dependency(from, to, mode);
  if (all.id == kNone || pair.id == kNone) return Noted::kNoRoom;
  pairs_.add_witness(all.id, witness, Background{}, witnesses);
  const Witness* kept = pairs_.add_witness(pair.id, witness, {from_segment, request_segment, nullptr, nullptr, 0}, witnesses);
  if (pair.fresh && nearest) learn(its_class, from, to);
  if (!pair.grown && kept == nullptr) return Noted::kNothingNew;
  if (!pair.may_cycle) return Noted::kNew;
  verdict_ = said(Verdict::kRefuted, Reason::kBudgetSpent);
  judge_cycles(pair.id, mode);
  if (verdict_.verdict == Verdict::kRefuted && verdict_.reason == Reason::kBudgetSpent) return Noted::kNew;
  its_class.nested_cyclic = true;
  return Noted::kCycle;
}

void Nesting::judge_cycles(DependencyId closing, std::uint8_t mode) noexcept {
  if (search_.shortest(closing, mode, kBudget) != CycleSearch::Found::kCycle) return;
  weigh(search_.path());
  if (verdict_.verdict >= Verdict::kPossible) return;
  search_.enumerate(closing, mode, kLongest, kBudget, [&](const Vec<DependencyId>& cycle) noexcept {
    weigh(cycle);
    return verdict_.verdict < Verdict::kPossible;
  });
}

void Nesting::weigh(const Vec<DependencyId>& cycle) noexcept {
  Judgement judgement = judge_.judge(cycle);
  const bool unknown = verdict_.reason == Reason::kBudgetSpent;
  if (!unknown && Judge::rank(judgement) <= Judge::rank(verdict_)) return;
  if (judgement.reason == Reason::kNoneExcluded || judgement.reason == Reason::kBudgetSpent) {
    judgement.reason = Reason::kNestedCycle;
    const auto& chosen = judge_.chosen();
    for (std::uint32_t i = 0; i < 2 && i < chosen.size(); ++i)
      judgement.reason_site[i] = chosen[i] == nullptr ? 0 : chosen[i]->info.to_site;
  }
  verdict_ = judgement;
}

Judgement Nesting::order_of(const LockClass& its_class) noexcept {
  if (its_class.nested_up != its_class.nested_down) return said(Verdict::kLatent, Reason::kNestedOrdered);
  if (!its_class.nested_cyclic) {
    if (its_class.nested_structured && !its_class.nested_many_parents)
      return said(Verdict::kLatent, Reason::kNestedParentFirst);
    if (its_class.nested_circuits >= kCircuits) return said(Verdict::kLatent, Reason::kNestedByLevel);
  }
  const ClassId outer = pairs_.find_class(role(its_class, true)), inner = pairs_.find_class(role(its_class, false));
  const DependencyId all = outer == kNone || inner == kNone ? kNone : pairs_.find_dependency(outer, inner);
  if (all != kNone && pairs_.dependency_count() < kMostPairs) {
    const Dependency& nestings = pairs_.dependency(all);
    for (std::uint32_t i = 0; nestings.gates_known && i < nestings.gate_count; ++i) {
      const HeldInfo& gate = nestings.gates[i];
      if (gate.mode == Mode::kWrite && (gate.flags & kTry) == 0 && gate.class_id != its_class.info.id)
        return {Verdict::kRefuted, Reason::kGateLock, {gate.site, 0}, gate.instance};
    }
  }
  return said(Verdict::kPossible, Reason::kNestedUnordered);
}

}  // namespace crossdep::engine
