// SPDX-License-Identifier: MIT
//
// acquired_before and acquired_after in the graph: declared dependencies that say where they are declared, and what the
// source does against them.
//
// Threading: none.  Allocation: the heap.
#pragma once

#include "reports/graph.h"
#include "source/program.h"

namespace crossdep::source {

/// `graph` has the program's classes and dependencies; its only run is the scan.
void declare_orders(Program& program, reports::Graph& graph);

}  // namespace crossdep::source
