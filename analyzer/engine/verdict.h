// SPDX-License-Identifier: MIT
//
// What can honestly be said of a cycle: every combination of one witness per dependency is a way it could strike; the
// cycle's verdict is that of its strongest combination.
//
// Of one combination, cheapest test first (DESIGN, verdicts):
//   refuted   two of its contexts hold one lock, at least one of them for writing: they cannot both be where they must be
//             (what a trylock got does not count: it may fail the next time)
//   latent    the instances fit, but as this run went one context did two of the steps, or create/join/signal put one
//             step before the other
//             one of them holds what the other one's creator holds as long as it lives (guards.h)
//             to get there each has got and released, holding its own lock, the lock that the other one holds there
//             (histories.cpp)
//   possible  nothing seen excludes it; weaker if a step is timed, known from history only, if somebody else was seen to
//             release a crosslock of it (releasers.h), or the instances differ
// Gate locks are also known per dependency over all occurrences, kept or not (Dependency::gates).
//
// Complexity: at most kCombinations combinations for cycles up to kExactLength; longer ones get one combination, chosen
// greedily for fitting instances and distinct contexts, and are never refuted beyond what that proves: `kBudgetSpent`.
// Threading: serialised by the engine.
#pragma once

#include "engine/graph.h"
#include "engine/releasers.h"

namespace crossdep::engine {

struct Judgement {
  Verdict verdict;
  Reason reason;
  Site reason_site[2];
  InstanceId gate;               // or the crosslock that others release
  ContextId releaser = kNone;    // kOtherReleasers: who
};

class Judge {
 public:
  static constexpr unsigned kExactLength = 8;
  static constexpr unsigned kCombinations = 20'000;

  /// `handed`: instances, + 1, whose tokens were given back by others than took them. Both outlive the judge.
  Judge(Allocator& memory, const Graph& graph, const FlatMap<bool>& handed, const Releasers* releasers = nullptr) noexcept
      : graph_(&graph), handed_(&handed), releasers_(releasers), chosen_(memory), seen_(memory) {}

  /// Judges the cycle made of these dependencies (each one's `to` is the next one's `from`, cyclically).
  Judgement judge(const Vec<DependencyId>& cycle) noexcept;
  /// The witness chosen for each dependency of the last cycle; nullptr where a dependency has none.
  const Vec<const Witness*>& chosen() const noexcept { return chosen_; }

  /// Signals order only while each is the only one of its object (clock.h); false once one was not.
  bool trusts_signals() const noexcept { return trusts_signals_; }
  void distrust_signals() noexcept { trusts_signals_ = false; }

  /// How much a judgement says; higher is worse news.
  static int rank(const Judgement& judgement) noexcept;

 private:
  Judgement exact(const Vec<DependencyId>& cycle) noexcept;
  Judgement greedy(const Vec<DependencyId>& cycle) noexcept;
  bool common_gate(const Vec<DependencyId>& cycle, Judgement& judgement) const noexcept;
  bool handed_on(DependencyId, const Witness&) const noexcept;
  bool share_gate(const HeldInfo* a, std::uint32_t a_count, const HeldInfo* b, std::uint32_t b_count, Judgement& refuted) const noexcept;
  bool others_release(const Vec<DependencyId>& cycle, const Witness* const* trial, Judgement& judgement) const noexcept;

  const Graph* graph_;
  const FlatMap<bool>* handed_;
  const Releasers* releasers_;
  bool trusts_signals_ = true;
  Vec<const Witness*> chosen_;
  FlatMap<std::uint32_t> seen_;
};

}  // namespace crossdep::engine
