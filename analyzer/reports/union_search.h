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

#include "reports/graph.h"

namespace crossdep::reports {

/// Adds findings to `graph` (canonical, see canonical.h) and raises the verdict of known ones. The order of the findings
/// is canonical no more.
void add_union_findings(Graph& graph);

}  // namespace crossdep::reports
