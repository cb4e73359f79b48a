// SPDX-License-Identifier: MIT
//
// A graph against a baseline: which findings are new, which are accepted, which accepted ones are fixed, and which entries
// of the baseline say nothing any more or say too much.
//
//   new     at or above the policy, and no entry that still counts accepts it
//   known   an entry accepts it
//   fixed   accepted, not found any more, though every lock class of it was seen: the order was changed
//   stale   an entry that nothing matches and whose classes were not all seen: renamed, removed, or not tested any more
//   expired an entry past its last day: it accepts nothing any more
//
// The dependency to blame for a new finding is one of its cycle that the baseline does not have, the one whose request
// completed the cycle first; if it has all of them, that request's.
//
// Threading: pure functions.  Allocation: the heap.
#pragma once

#include <string>
#include <vector>

#include "gate/baseline.h"
#include "reports/listing.h"
#include "reports/suppressions.h"

namespace crossdep::gate {

enum class NewDependencies { kIgnore, kWarn, kFail };

struct Options {
  engine::Verdict policy = engine::Verdict::kPossible;
  NewDependencies new_dependencies = NewDependencies::kIgnore;
  std::string today;                       // YYYY-MM-DD
  const reports::Suppressions* suppressions = nullptr;
  std::string suppressions_path;           // for messages
};

struct Judgement {
  reports::Listing listing;                // findings at or above the policy, what is gone, new dependencies
  std::vector<std::string> warnings;       // of the baseline's entries: stale, expired, too broad, risen
  std::size_t fresh = 0, known = 0, fixed = 0, stale = 0, expired = 0, new_dependencies = 0;
  bool fails = false;
};

Judgement judge(const reports::Graph& graph, const Baseline& baseline, const Options& options, reports::SourcePaths paths);

/// The baseline of a first use: every finding at or above the policy and every dependency.
Baseline make_baseline(const reports::Graph& graph, const Options& options, const std::string& reason, const std::string& owner);

/// Today in UTC; the day of SOURCE_DATE_EPOCH if that is set, as reproducible builds want it.
std::string today();

}  // namespace crossdep::gate
