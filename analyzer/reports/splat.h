// SPDX-License-Identifier: MIT
//
// A finding in the kernel's layout (Linux 6.1 lockdep), line for line, so that what reads dmesg reads this. What the
// kernel does not say comes after the stack backtrace: verdict and reason, the finding's id, for each crosslock who
// waited and who released, and the next command to type. The kernel's ident line ("6.1.192 #1 Not tainted") is ours:
// tool version, verdict and reason.
//
// Threading: pure function.  Allocation: the heap.
#pragma once

#include <string>

#include "reports/graph.h"

namespace crossdep::reports {

struct SplatOptions {
  bool verbose = false;        // library frames too
  std::string graph_path;      // for the command to type next; empty: unknown
};

/// Ends with a newline.
std::string render_splat(const Graph& graph, const Finding& finding, const SplatOptions& options);

}  // namespace crossdep::reports
