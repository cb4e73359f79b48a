// SPDX-License-Identifier: MIT
//
// The stable id of a finding: "cd-" and 12 hex digits of its check and its classes in their roles. The same problem has
// the same id in another run, another build, another process, live or recorded, wherever its cycle was closed: the
// smallest rotation of the cycle is taken, and addresses, lines, paths, modes and indices in static arrays do not enter.
//
// Threading: pure function.  Allocation: the heap.
#pragma once

#include <string>

#include "reports/graph.h"

namespace crossdep::reports {

/// Needs check and classes; for a finding that is no cycle also the function it happened in (finding.site), if known.
std::string make_finding_id(const Graph& graph, const Finding& finding);

/// "table[3].m" as "table[].m".
std::string without_indices(const std::string& name);

}  // namespace crossdep::reports
