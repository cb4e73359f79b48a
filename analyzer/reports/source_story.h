// SPDX-License-Identifier: MIT
//
// How findings that need the source are told: by which calls one gets to what no run has shown; and, of cycles of the source
// alone, which dependency most of them share - undoing that one ends them all.
//
// Threading: pure functions.  Allocation: the heap.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "reports/graph.h"

namespace crossdep::reports {

/// Of a half observed finding, a line for each dependency that only the source has: "A -> B, by f (a.c:3) > g (a.c:9)".
std::vector<std::string> only_in_source(const Graph& graph, const Finding& finding);

/// The findings in the order to print them in, each with the line to print before it: where cycles of the source alone share
/// a dependency, a heading before the first of them. Largest groups first: greedily, each cycle is in the largest group it
/// can be in. What is no such cycle stays where it is, and verdicts and source_rank() are not mixed.
std::vector<std::pair<std::string, const Finding*>> in_groups(const Graph& graph, const std::vector<const Finding*>& findings);

}  // namespace crossdep::reports
