// SPDX-License-Identifier: MIT
//
// --rules FILE: which rules a command judges by.
//
// Threading: pure functions of the file system.  Allocation: the heap.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "reports/graph.h"
#include "rules/evaluate.h"
#include "rules/rule_names.h"
#include "rules/rule_set.h"

namespace crossdep::cli {

/// Adds `--rules NAME`, which may be given several times.
void add_rules_option(CLI::App& command, std::vector<std::string>& names);

/// The files that come with crossdep, beside the program.
std::string rules_folder();

/// Each name becomes the path of its file; reads them all. False: `cause` says what is wrong, and where; `cure` is a hint
/// or empty.
bool load_rules(std::vector<std::string>& names, rules::RuleSet& out, std::string& cause, std::string& cure);

/// The same; trouble is told.
bool load_rules(std::vector<std::string> names, rules::RuleSet& out);

}  // namespace crossdep::cli
