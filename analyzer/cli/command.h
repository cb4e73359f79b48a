// SPDX-License-Identifier: MIT
//
// What main and the subcommands share: how a subcommand enters the table, the exit statuses, and the two kinds of line a
// user reads on standard error.
//
// Threading: one thread.  Allocation: the heap.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

namespace crossdep::cli {

/// Exit statuses, the same for every command. `run` adds the program's own, see run.cpp.
enum Exit : int {
  kQuiet = 0,        // nothing at or above the policy
  kFindings = 1,
  kUnusable = 2,     // usage, or input that cannot be read
  kNothing = 3,      // no lock event: silence must not look like success
};

/// What the command line asked for; a subcommand's parser sets it, main calls it.
using Action = std::function<int()>;

void add_run(CLI::App& app, Action& action);
void add_check(CLI::App& app, Action& action);
void add_report(CLI::App& app, Action& action);
void add_merge(CLI::App& app, Action& action);
void add_explain(CLI::App& app, Action& action);
void add_gate(CLI::App& app, Action& action);
void add_accept(CLI::App& app, Action& action);
void add_rules(CLI::App& app, Action& action);
void add_coverage(CLI::App& app, Action& action);
void add_scan(CLI::App& app, Action& action);
void add_kernel_probes(CLI::App& app, Action& action);
void add_render(CLI::App& app, Action& action);

/// `crossdep: error: TEXT`, `crossdep: warning: TEXT`, `crossdep: hint: TEXT`, `crossdep: TEXT`, each one line on standard error.
void error(const std::string& text);
void warning(const std::string& text);
void hint(const std::string& text);
void say(const std::string& text);

}  // namespace crossdep::cli
