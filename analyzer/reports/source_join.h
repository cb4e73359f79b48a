// SPDX-License-Identifier: MIT
//
// A source analysis and runs in one graph. In user space a run knows most locks only by where they were first used or
// initialised (`mutex@conn_use#0`); the source knows what they are called (`conn::lock`). The lock-site map tells which
// class a place in the source acquires, so the places a run's lock was acquired at tell its class.
//
// Threading: pure functions.  Allocation: the heap.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "reports/graph.h"

namespace crossdep::reports {

/// Gives the classes of runs the names the source has for them, where their places agree on one; also by the symbols of
/// static objects. Findings get the ids that belong to the new names. Does nothing without lock sites. Answers what could
/// not be decided, a line each.
std::vector<std::string> join_source(Graph& graph);

/// The same with the names of a source analysis that is not to become part of the graph. `ids` gets, for each finding whose
/// id changed, the old and the new one.
std::vector<std::string> name_by_source(Graph& graph, const Graph& source, std::map<std::string, std::string>& ids);

/// True if the dependency was seen in a run; a graph of a source analysis alone has none.
bool observed(const Dependency& dependency);
/// True if the source has it.
bool in_source(const Dependency& dependency);

/// How surely a finding is known: 0 in runs, 1 half in runs and half in the source, 2 against a declared order, 3 in the source
/// only, 4 there only if a virtual call or a pointer leads where it may.
unsigned source_rank(const Finding& finding);

/// Whether a finding is at or above a policy. A weak one (kSourceMay) is a step below its verdict: large programs have many,
/// and few of them can happen; it is shown on request, or for the policy `latent`.
bool reaches(const Finding& finding, engine::Verdict policy);

/// The order of reports, within one verdict: seen in runs and nothing excuses it; half observed; seen in runs, but with a reason to
/// doubt it (the engine's order of these reasons); then as source_rank().
unsigned report_rank(const Finding& finding);

inline constexpr const char* kHalfObserved = "half-observed";
/// In the flags of a witness from a source analysis, beside engine::RequestFlag: one of several places that a virtual call
/// or a pointer may lead to.
inline constexpr std::uint8_t kMay = 16;
inline constexpr const char* kSourceMay = "source-may";
inline constexpr const char* kSourcePrefix = "source-";

}  // namespace crossdep::reports
