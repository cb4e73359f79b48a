// SPDX-License-Identifier: MIT
//
// A graph file that many processes add to, each when it ends: the thousands of a test suite leave one file.
//
// Who adds holds a lock meanwhile (PATH.lock, flock(2), gone afterwards), reads the graph that is there, and replaces it by
// its union with its own. A reader needs no lock: the file is replaced whole.
//
// Threading: one thread.  Allocation: the heap.
#pragma once

#include <string>

#include "reports/graph.h"

namespace crossdep::cli {

/// False: told, and the file is as it was.
bool add_to_graph(const std::string& path, const reports::Graph& graph);

}  // namespace crossdep::cli
