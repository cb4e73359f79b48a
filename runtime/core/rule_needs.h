// SPDX-License-Identifier: MIT
//
// What the rule files need to be observed beside everything else. Rules are read by the analyzer: `crossdep run` has put
// its answer into the environment (CROSSDEP_RULE_NEEDS), under plain preload it is asked when the process begins.
//
// The answer is lines (rules/needs.h): "io", "hold MILLISECONDS", and one for each function that is a primitive.
//
// Threading: while alone.  Allocation: none.
#pragma once

namespace crossdep::runtime {

/// Sets Runtime::io_wanted and hold_limit. Answers the lines about primitives, which may be written into; nullptr if there is
/// no answer.
char* ask_rules() noexcept;

}  // namespace crossdep::runtime
