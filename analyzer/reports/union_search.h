// SPDX-License-Identifier: MIT
//
// Cycles that only the union of several runs has. The engine searches the united dependencies; of each cycle it finds,
// the occurrences are combined anew so that at least two runs take part. A combination that no common lock excludes
// makes the finding `possible`, for the reason that runs differ: a run in which the sides meet has not been seen.
//
// What is found depends on the dependencies alone, not on the findings already there: merge.h needs that.
//
// Threading: pure function.  Allocation: the heap.
#pragma once

#include <vector>

#include "reports/graph.h"

namespace crossdep::reports {

/// A dependency of a cycle and, unless any does, the mode combination it is part of it by.
struct CycleStep {
  Index dependency = kNoIndex;
  bool any_mode = true;
  engine::Mode from_mode = engine::Mode::kWrite, to_mode = engine::Mode::kWrite;

  bool fits(const Witness& w) const { return any_mode || (w.from_mode == from_mode && w.to_mode == to_mode); }
};
using Cycle = std::vector<CycleStep>;   // the closing dependency first

/// The cycles of the graph's dependencies that can block, as the engine finds them.
std::vector<Cycle> cycles_of(const Graph& graph);

/// True if both occurrences hold one lock, at least one of them for writing: both cannot be where they must be.
bool exclude_each_other(const Graph& graph, const Witness& a, const Witness& b);

/// The finding of this cycle with these occurrences, without verdict and reason.
Finding cycle_finding(const Graph& graph, const Cycle& cycle, const std::vector<const Witness*>& combination);

/// Adds findings to `graph` (canonical, see canonical.h) and raises the verdict of known ones. The order of the findings
/// is canonical no more.
void add_union_findings(Graph& graph);

}  // namespace crossdep::reports
