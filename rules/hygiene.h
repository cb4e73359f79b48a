// SPDX-License-Identifier: MIT
//
// What of a rule file does nothing: a pattern of lock classes that fits none (a typo, a class renamed since), a place in an
// order that others before it leave nothing for, orders that contradict each other. Such a rule never speaks up again, so it
// is told where all that was tested is looked at, in the gate.
//
// Threading: pure function.  Allocation: the heap.
#pragma once

#include <string>
#include <vector>

#include "reports/graph.h"
#include "rules/rule_set.h"

namespace crossdep::rules {

/// A line each, in the order of the rules: "FILE:LINE: what".
std::vector<std::string> idle_rules(const RuleSet& rules, const reports::Graph& graph);

}  // namespace crossdep::rules
