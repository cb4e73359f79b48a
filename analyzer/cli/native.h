// SPDX-License-Identifier: MIT
//
// What the runtime left behind -> a graph: a journal is read as it stands, a recorded trace is judged again by the engine.
// Addresses are resolved through the files of the modules that were loaded then.
//
// Threading: one thread.  Allocation: the heap.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/types.h"
#include "reports/graph.h"
#include "reports/names.h"
#include "traces/open.h"
#include "traces/status.h"

namespace crossdep::cli {

struct NativeResult {
  reports::Graph graph;
  traces::Status status;
  std::string finding_id;      // of the finding asked for, empty if it is not there
  bool finding_repeats = false;   // an earlier one was the same, by its id, and at least as grave
  std::uint32_t pid = 0;
  bool finished = false;       // the process wrote its totals: it has ended, or is about to
};

/// The journal of `path`, which every native file has. `finding` is the engine's number of one whose id is wanted.
NativeResult read_journal_graph(const std::string& path, engine::FindingId finding = engine::kNone,
                                const reports::NameRules* names = nullptr);

/// Ids of what rules found while the process of this journal lived, and printed: a line each in a file beside it.
std::vector<std::string> read_told(const std::string& path);

/// Names of what a journal announced, whatever became of it.
struct JournalNames {
  std::map<engine::ClassId, std::string> classes;
  std::map<engine::ContextId, std::string> contexts;   // comm/tid
  traces::Status status;
};
JournalNames read_journal_names(const std::string& path, const reports::NameRules* names = nullptr);

/// Judges the event streams of an open native file; of one without (a journal) as read_journal_graph().
NativeResult judge_native(traces::TraceFile& file, bool strict, const reports::NameRules* names = nullptr);

}  // namespace crossdep::cli
