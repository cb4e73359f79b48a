// SPDX-License-Identifier: MIT
//
// What a process has to observe only because rules ask for it: the runtime does no more than it is asked for, and rules are
// read by the analyzer.
//
// Threading: pure functions.  Allocation: texts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "rules/rule_set.h"

namespace crossdep::rules {

/// Calls that read, write, send or receive, or wait for that: told as operations only if a rule names one of them.
bool is_io_operation(std::string_view name);
/// Whether a rule names an operation that is one.
bool asks_for_io(const RuleSet& rules);
/// The shortest time that a rule allows a lock to be held for, in milliseconds; 0: none says.
std::uint64_t shortest_hold(const RuleSet& rules);

/// All of this for the runtime (runtime/core/rule_needs.h), lines: "io" if asked for; "hold MILLISECONDS" if any says; for each
/// function that is a primitive "OP PATTERN ARG MODE KIND SUCCESS FLAGS MUTEX", words as in the rule file but KIND as
/// engine::Kind's number, FLAGS as engine::InstanceFlag's and MUTEX "-" if there is none.
std::string need_lines(const RuleSet& rules);

/// A long hold is told as an operation of this name: "held-126ms@0", the number of locks taken after it at the end.
inline constexpr std::string_view kHeldOperation = "held-";
bool parse_held_operation(std::string_view name, std::uint64_t& milliseconds, std::size_t& later);

}  // namespace crossdep::rules
