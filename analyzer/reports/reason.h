// SPDX-License-Identifier: MIT
//
// Why a finding has its verdict: the machine's code and one sentence for people, with the places it speaks of.
//
// Codes: none-excluded instances-differ timed history-only budget-spent nested-unordered one-context
// ordered-by-fork-join ordered-by-signal nested-ordered gate-lock error-returned observed blocked-now self-blocked
// nested-cycle nested-parent-first nested-by-level other-releasers guarded-child histories-exclude
// reported (by another tool), and runs-differ for a cycle that only the union of several runs has.
//
// Threading: pure functions.  Allocation: the heap.
#pragma once

#include <string>

#include "reports/graph.h"

namespace crossdep::reports {

inline constexpr const char* kRunsDiffer = "runs-differ";

const char* code(engine::Reason reason);

/// The sentence, without the verdict and without a full stop. `sites` are the two places the reason speaks of and
/// `subject` the instance (the gate lock) and `other` the context outside the cycle, kNoIndex if there is none.
std::string reason_sentence(const Graph& graph, const Finding& finding, engine::Reason reason, const Index (&sites)[2],
                            Index subject, Index other = kNoIndex);
/// The sentence of a cycle that is partly known from the source only: which links those are.
std::string half_observed_sentence(const Graph& graph, const Finding& finding);

/// The sentence of kRunsDiffer.
std::string runs_differ_sentence(const Graph& graph, const Finding& finding);

}  // namespace crossdep::reports
