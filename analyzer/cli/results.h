// SPDX-License-Identifier: MIT
//
// The folder of one run: each process leaves a file there while it runs, and when the run is over each file becomes a
// graph, and all graphs one.
//
// Threading: one thread.  Allocation: the heap.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "reports/graph.h"
#include "rules/rule_set.h"

namespace crossdep::cli {

class Results {
 public:
  /// Makes the folder, or a fresh one (crossdep-results.1, .2 …) if `folder` is empty. False: `cause` says why not.
  bool prepare(const std::string& folder, std::string& cause);

  const std::string& folder() const { return folder_; }
  std::string graph_path() const { return folder_ + "/crossdep.cdgraph"; }

  /// Turns the files of this run's processes into graphs and unites them; the union is judged by the rules. `main_pid`
  /// ended with `main_status`. With a source analysis the classes get its names.
  void collect(int main_pid, int main_status, const rules::RuleSet& rules, const reports::Graph* source = nullptr);

  /// The union; of no process if none left a file.
  const reports::Graph& graph() const { return graph_; }
  /// Recorded traces of this run.
  const std::vector<std::string>& traces() const { return traces_; }
  /// Findings no process saw alone.
  std::vector<const reports::Finding*> union_findings() const;
  /// Findings that processes printed by other names: the id they printed, and the one in the graph.
  const std::map<std::string, std::string>& renamed() const { return renamed_; }
  /// What the names could not be decided for, a line each.
  const std::set<std::string>& notes() const { return notes_; }
  /// Processes that were still running, whose files are left as they are.
  std::size_t running() const { return running_; }
  /// Something could not be read or written (told).
  bool trouble() const { return trouble_; }

 private:
  std::string folder_;
  reports::Graph graph_;
  std::set<std::string> seen_alone_;     // ids of findings of single processes
  std::map<std::string, std::string> renamed_;
  std::set<std::string> notes_;
  std::vector<std::string> traces_;
  std::size_t running_ = 0;
  bool trouble_ = false;
};

}  // namespace crossdep::cli
