// SPDX-License-Identifier: MIT
//
// --fail-on and --suppressions: which findings fail, and what a graph then means for the exit status.
//
// Threading: pure functions.  Allocation: the heap.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "cli/command.h"
#include "reports/graph.h"
#include "reports/suppressions.h"

namespace crossdep::cli {

/// Adds `--fail-on VERDICT` to a command; the value is checked while parsing.
void add_policy_option(CLI::App& command, engine::Verdict& policy);

/// Adds `--suppressions FILE`; the file is read later, with read_suppressions().
void add_suppressions_option(CLI::App& command, std::string& path);
/// No path: nothing is suppressed. False: `cause` says what is wrong with the file, and where.
bool read_suppressions(const std::string& path, reports::Suppressions& suppressions, std::string& cause);

/// The findings at or above the policy, without the suppressed ones.
std::vector<const reports::Finding*> failing(const reports::Graph& graph, engine::Verdict policy,
                                             const reports::Suppressions& suppressions = {});

/// kNothing if no lock event was seen, kFindings if something fails, else kQuiet.
Exit judge_exit(const reports::Graph& graph, engine::Verdict policy, const reports::Suppressions& suppressions = {});

/// The line that goes with kNothing.
void tell_nothing_recorded();

}  // namespace crossdep::cli
