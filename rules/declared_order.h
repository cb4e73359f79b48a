// SPDX-License-Identifier: MIT
//
// Declared orders on a graph: an observed dependency from a later class to an earlier one is a violation; the order itself
// enters the graph as `declared` dependencies, and a circle they close with observed ones is found though no run saw the
// other half.
//
// Threading: pure functions.  Allocation: the heap.
#pragma once

#include <vector>

#include "reports/graph.h"
#include "rules/rule_set.h"

namespace crossdep::rules {

/// Takes out what an earlier evaluation declared.
void forget_declared(reports::Graph& graph);

/// The orders that a source analysis found declared (acquired_before, acquired_after): its declared dependencies say where.
std::vector<OrderRule> orders_of_source(const reports::Graph& graph);

/// Adds declared dependencies and findings.
void judge_orders(const std::vector<OrderRule>& rules, reports::Graph& graph);

}  // namespace crossdep::rules
