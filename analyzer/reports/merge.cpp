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

void Sieve::key_of(const Class& c, std::string& key) {
  key.assign(c.base).append({'\0', static_cast<char>(c.kind), static_cast<char>(c.subclass)});
}

void Sieve::clear() {
  class_number_.clear();
  run_number_.clear();
  run_id_.clear();
  seen_.clear();
}

bool Sieve::Outlook::wants(const Graph& graph, const Dependency& d) {
  if (!lock_.owns_lock()) {
    lock_.lock();
    std::string key;
    for (const Class& c : graph.classes) {
      key_of(c, key);
      const auto at = sieve_.class_number_.find(key);
      classes_.push_back(at == sieve_.class_number_.end() ? kUnknown : at->second);
    }
  }
  const std::uint64_t from = classes_[d.from], to = classes_[d.to];
  if (from == kUnknown || to == kUnknown) return true;
  const auto seen = sieve_.seen_.find(from << 32 | to);
  if (seen == sieve_.seen_.end() || seen->second.runs.size() < kRunsKept) return true;
  const std::string& last = *sieve_.run_id_[seen->second.runs.back()];
  const auto early = [&](Index run) { return graph.runs[run].id <= last; };
  const std::vector<DependencyMode>& modes = seen->second.modes;
  const auto known = [&](const DependencyMode& mode) { return std::find(modes.begin(), modes.end(), mode) != modes.end(); };
  return std::any_of(d.runs.begin(), d.runs.end(), early) || !std::all_of(d.modes.begin(), d.modes.end(), known);
}

void Sieve::filter(Graph& graph) {
  const std::unique_lock<std::shared_mutex> lock(mutex_);
  std::vector<std::uint64_t> classes;
  std::string key;
  for (const Class& c : graph.classes) {
    key_of(c, key);
    classes.push_back(class_number_.try_emplace(key, static_cast<std::uint32_t>(class_number_.size())).first->second);
  }
  std::vector<RunNumber> runs;
  for (const Run& run : graph.runs) {
    const auto [at, fresh] = run_number_.try_emplace(run.id, static_cast<RunNumber>(run_id_.size()));
    if (fresh) run_id_.push_back(&at->first);
    runs.push_back(at->second);
  }
  const auto by_id = [this](RunNumber a, RunNumber b) { return *run_id_[a] < *run_id_[b]; };
  std::erase_if(graph.dependencies, [&](Dependency& d) {
    Seen& seen = seen_[classes[d.from] << 32 | classes[d.to]];
    for (const Index run : d.runs) {
      const RunNumber number = runs[run];
      const auto at = std::lower_bound(seen.runs.begin(), seen.runs.end(), number, by_id);
      if (at == seen.runs.end() || *at != number) seen.runs.insert(at, number);
    }
    if (seen.runs.size() > kRunsKept) seen.runs.resize(kRunsKept);
    const auto late = [&](Index run) { return run != kNoIndex && !std::binary_search(seen.runs.begin(), seen.runs.end(), runs[run], by_id); };
    std::erase_if(d.runs, late);
    std::erase_if(d.witnesses, [&](const Witness& w) { return late(w.run); });
    bool known = d.runs.empty() && d.witnesses.empty();
    for (const DependencyMode& mode : d.modes) {
      if (std::find(seen.modes.begin(), seen.modes.end(), mode) != seen.modes.end()) continue;
      seen.modes.push_back(mode);
      known = false;
    }
    return known;
  });
}

void Merger::add(Graph graph) {
  forget_union(graph);
  if (graph.lock_sites.empty()) sieve_.filter(graph);   // a source's dependencies are no run's evidence
  drop_unused(graph);
  append(sum_, std::move(graph));
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
  sieve_.clear();
  return std::exchange(sum_, Graph());
}

Graph merge(const std::vector<Graph>& graphs) {
  Merger merger;
  for (const Graph& graph : graphs) merger.add(graph);
  return merger.take();
}

}  // namespace crossdep::reports
