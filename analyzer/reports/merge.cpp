// SPDX-License-Identifier: MIT
//
// See merge.h. What runs found is united as a set; what only their union shows is made again from the united
// dependencies (union_search.h) and therefore taken out of the inputs first.
//
// Threading: pure functions.  Allocation: the heap.
#include "reports/merge.h"

#include <algorithm>
#include <new>
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

std::uint8_t Sieve::packed(const DependencyMode& mode) {
  static_assert(static_cast<unsigned>(engine::Origin::kStatic) < 8 && static_cast<unsigned>(engine::Mode::kRecursiveRead) < 4);
  return static_cast<std::uint8_t>(static_cast<unsigned>(mode.origin) << 5 | static_cast<unsigned>(mode.from_mode) << 3 |
                                   static_cast<unsigned>(mode.to_mode) << 1 | (mode.timed ? 1u : 0u));
}

bool Sieve::knows(const Seen& seen, const DependencyMode& mode) {
  return std::find(seen.modes, seen.modes + seen.mode_count, packed(mode)) != seen.modes + seen.mode_count;
}

// Whether the run is, now at least, one of the first.
bool Sieve::note(Seen& seen, RunNumber run) const {
  unsigned at = seen.run_count;
  while (at > 0 && seen.runs[at - 1] != run && *run_id_[run] < *run_id_[seen.runs[at - 1]]) --at;
  if (at > 0 && seen.runs[at - 1] == run) return true;
  if (at == kRunsKept) return false;
  if (seen.run_count < kRunsKept) ++seen.run_count;
  std::copy_backward(seen.runs + at, seen.runs + seen.run_count - 1, seen.runs + seen.run_count);
  seen.runs[at] = run;
  return true;
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
  const std::uint32_t from = classes_[d.from], to = classes_[d.to];
  if (from == kUnknown || to == kUnknown || d.runs.empty()) return true;   // what no run saw comes with every graph
  const Seen* seen = sieve_.seen_.find(pair_of(from, to));
  if (seen == nullptr || seen->run_count < kRunsKept) return true;
  const std::string& last = *sieve_.run_id_[seen->runs[kRunsKept - 1]];
  const auto early = [&](Index run) { return graph.runs[run].id <= last; };
  const auto known = [&](const DependencyMode& mode) { return knows(*seen, mode); };
  return std::any_of(d.runs.begin(), d.runs.end(), early) || !std::all_of(d.modes.begin(), d.modes.end(), known);
}

void Sieve::filter(Graph& graph) {
  const std::unique_lock<std::shared_mutex> lock(mutex_);
  std::vector<std::uint32_t> classes;
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
  std::erase_if(graph.dependencies, [&](Dependency& d) {
    Seen* const seen = seen_.insert(pair_of(classes[d.from], classes[d.to]));
    if (seen == nullptr) throw std::bad_alloc();
    for (const Index run : d.runs) note(*seen, runs[run]);
    const auto late = [&](Index run) {
      return run != kNoIndex && std::find(seen->runs, seen->runs + seen->run_count, runs[run]) == seen->runs + seen->run_count;
    };
    std::erase_if(d.runs, late);
    std::erase_if(d.witnesses, [&](const Witness& w) { return late(w.run); });
    bool known = d.runs.empty() && d.witnesses.empty();
    for (const DependencyMode& mode : d.modes) {
      if (knows(*seen, mode)) continue;
      if (seen->mode_count < kModesKept) seen->modes[seen->mode_count++] = packed(mode);
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
