// SPDX-License-Identifier: MIT
//
// A graph in words: one first screen (at most 20 lines) per finding, then one summary line per verdict and losses.
//
// Threading: pure functions.  Allocation: the heap.
#pragma once

#include <string>

#include "reports/graph.h"
#include "reports/suppressions.h"

namespace crossdep::reports {

struct TextOptions {
  bool verbose = false;   // refuted and latent findings too, library frames too
  engine::Verdict policy = engine::Verdict::kPossible;   // findings below it are only counted unless verbose
  Suppressions suppressions{};   // of findings that are only counted, verbose or not
};

/// All findings and the summary.
std::string render_text(const Graph& graph, const TextOptions& options);
/// One finding on one screen.
std::string render_finding(const Graph& graph, const Finding& finding, const TextOptions& options);
/// The last lines: "2 findings: 1 possible, 1 latent, …", what was seen, what was lost.
std::string render_summary(const Graph& graph, const Suppressions& suppressions = {});

}  // namespace crossdep::reports
