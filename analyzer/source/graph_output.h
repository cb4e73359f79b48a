// SPDX-License-Identifier: MIT
//
// What the source says as a graph file's content: one run of source "source", dependencies of origin `static`, the
// lock-site map, and the cycles with their verdicts.
//
// Threading: none.  Allocation: the heap.
#pragma once

#include "reports/graph.h"
#include "source/dependencies.h"

namespace crossdep::source {

/// `program` as the run is called in reports; `key` names what was scanned (files and flags).
reports::Graph make_graph(Program& program, const Found& found, const std::string& key, const std::vector<std::string>& files);

}  // namespace crossdep::source
