// SPDX-License-Identifier: MIT
//
// Runs the analyzer program from inside the tested one without the latter noticing: no SIGCHLD, nothing for its wait(),
// no signal delivered meanwhile, errno untouched, none of its descriptors kept open.
//
// Threading: any thread; the caller is suspended until the program has ended.  Allocation: pages, given back.
#pragma once

namespace crossdep::runtime {

/// What `crossdep render` answers beside 0 (analyzer/cli/render.cpp), and what stands for no answer.
enum : int { kHelperSuppressed = 4, kHelperWithoutSuppressions = 5, kHelperRuleFindings = 6, kHelperFailed = 125 };

/// Executes arguments[0] (a path) with these descriptors as its standard error and output (-1: none); answers its exit
/// status.
int run_helper(const char* const* arguments, int error_fd, int output_fd = -1) noexcept;

}  // namespace crossdep::runtime
