// SPDX-License-Identifier: MIT
//
// --fail-on: from which verdict on a finding fails, and what a graph then means for the exit status.
//
// Threading: pure functions.  Allocation: the heap.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "cli/command.h"
#include "reports/graph.h"

namespace crossdep::cli {

/// Adds `--fail-on VERDICT` to a command; the value is checked while parsing.
void add_policy_option(CLI::App& command, engine::Verdict& policy);

/// The findings at or above the policy.
std::vector<const reports::Finding*> failing(const reports::Graph& graph, engine::Verdict policy);

/// kNothing if no lock event was seen, kFindings if something fails, else kQuiet.
Exit judge_exit(const reports::Graph& graph, engine::Verdict policy);

/// The line that goes with kNothing.
void tell_nothing_recorded();

}  // namespace crossdep::cli
