// SPDX-License-Identifier: MIT
//
// A graph for graphviz: classes are nodes, dependencies edges (dashed: cross-release), cycles of findings in colour.
//
// Threading: pure function.  Allocation: the heap.
#pragma once

#include <string>

#include "reports/graph.h"

namespace crossdep::reports {

std::string render_dot(const Graph& graph);

}  // namespace crossdep::reports
