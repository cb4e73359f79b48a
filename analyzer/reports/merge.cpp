// SPDX-License-Identifier: MIT
//
// See merge.h. What runs found is united as a set; what only their union shows is made again from the united
// dependencies (union_search.h) and therefore taken out of the inputs first.
//
// Threading: pure functions.  Allocation: the heap.
#include "reports/merge.h"

#include <algorithm>
#include <utility>

#include "reports/canonical.h"
#include "reports/source_join.h"
#include "reports/union_search.h"
#include "reports/version.h"

namespace crossdep::reports {
namespace {

// Back to what the runs alone said.
void forget_union(Graph& graph) {
  std::erase_if(graph.findings, [](const Finding& f) { return f.from_union; });
  for (Finding& f : graph.findings) {
    if (f.run_reason_code.empty()) continue;
    f.verdict = f.run_verdict;
    f.reason_code = std::exchange(f.run_reason_code, {});
    f.reason = std::exchange(f.run_reason, {});
    f.run_verdict = engine::Verdict::kPossible;
  }
}

}  // namespace

void Merger::add(const Graph& graph) {
  Graph copy = graph;
  forget_union(copy);
  append(sum_, copy);
  // Unifying when the tables have doubled costs each entry a constant number of sorts over the whole merge.
  if (table_size(sum_) > 2 * unified_ + 4096) {
    canonicalise(sum_);
    unified_ = table_size(sum_);
  }
}

Graph Merger::take() {
  canonicalise(sum_);
  notes_ = join_source(sum_);
  if (!sum_.lock_sites.empty()) canonicalise(sum_);
  add_union_findings(sum_);
  canonicalise(sum_);
  sum_.tool = tool_version();
  sum_.schema = kSchemaVersion;
  unified_ = 0;
  return std::exchange(sum_, Graph());
}

Graph merge(const std::vector<Graph>& graphs) {
  Merger merger;
  for (const Graph& graph : graphs) merger.add(graph);
  return merger.take();
}

}  // namespace crossdep::reports
