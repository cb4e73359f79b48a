// SPDX-License-Identifier: MIT
//
// What another tool printed (traces/tool_log.h) -> a graph: each tool and release found in a log is a run of its own, equal
// findings are one, and its reason says how often it was reported. Likewise the graph a kernel lists itself.
//
// Threading: one thread.  Allocation: the heap.
#pragma once

#include <cstdint>

#include "reports/graph.h"
#include "traces/open.h"
#include "traces/status.h"

namespace crossdep::cli {

/// `key` tells this log from any other. Remarks about the log are told on standard error.
reports::Graph read_log(traces::TraceFile& file, std::uint64_t key, traces::Status& status);

/// The kernel's own graph (/proc/lockdep, /proc/lockdep_chains).
reports::Graph read_lockdep_graph(traces::TraceFile& file, std::uint64_t key, traces::Status& status);

}  // namespace crossdep::cli
