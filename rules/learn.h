// SPDX-License-Identifier: MIT
//
// The order that a graph's locks were taken in, written as a rule file for people to review: a lock hierarchy, its levels
// computed. Level 0 is taken first; every class lies below all that lead to it. Classes on a circle share a level: no
// order among them is declared, and a comment names the circle.
//
// Threading: pure function.  Allocation: the heap.
#pragma once

#include <string>

#include "reports/graph.h"

namespace crossdep::rules {

/// The rule file's text. `source` is what its head says it was learnt from.
std::string learn(const reports::Graph& graph, const std::string& source);

}  // namespace crossdep::rules
