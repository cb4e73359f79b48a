// SPDX-License-Identifier: MIT
//
// Judges a graph by rules. There is one evaluation: a live process's journal, a recorded trace and graphs of many runs
// all become a reports::Graph before they are judged, and only there classes have the names that rules speak of.
//
//   declared-order       an observed dependency against the order: confirmed. The declared orders enter the graph as
//                        dependencies; a circle that they close with observed ones: possible
//   leaf-lock            a dependency that starts at a leaf lock
//   forbidden-operation  an occurrence (below) with a lock of `under` held; a lock held for longer than max_hold says
//   lock-required        an occurrence with none of `lock` held
//   no-lock-allowed      an occurrence with any lock held
//   wait-context         wait types given by rules, on every pair of held and requested
//   recursive-lock       nesting that a rule allows is refuted
//
// Threading: pure functions.  Allocation: the heap.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "reports/graph.h"
#include "rules/rule_set.h"

namespace crossdep::rules {

/// Adds findings, declared dependencies and wait types to `graph`; what an earlier evaluation declared is taken out first.
/// Doing it again changes nothing. The graph is canonical afterwards.
void evaluate(const RuleSet& rules, reports::Graph& graph);

/// An operation that was performed: a named one, or a call of a function seen in the stack of something it did.
struct Occurrence {
  reports::Index run = reports::kNoIndex, context = reports::kNoIndex;
  std::vector<reports::Held> held;       // locks only, taken before it, outermost first
  std::vector<reports::Index> held_stacks;   // where each was taken, kNoIndex if unknown
  reports::Index site = reports::kNoIndex, stack = reports::kNoIndex;
  std::string operation;
  bool source = false;                   // found by a source analysis, in no run
  bool certain = true;                   // false: whether all of `held` was taken before the call is not known
};

/// Every occurrence in the graph of what the patterns name; may add stacks to the graph.
std::vector<Occurrence> occurrences_of(const Performed& performed, reports::Graph& graph);

/// The first rule's position of each class: exact names before patterns, else the first pattern that fits; -1: none.
std::vector<int> positions_of(const OrderRule& rule, const reports::Graph& graph);

/// The stack of a request for this class where `witness` says that its lock was taken; that place alone if none is known.
reports::Index acquisition_of(const reports::Graph& graph, reports::Index class_index, const reports::Witness& witness);

/// Whether one of the patterns fits the class's name.
bool fits_any(const Patterns& patterns, const std::string& name);
/// The name of a class without what only tells it from others of the same name: "table" of "table:2" and of the source's
/// "file.c:table".
std::string_view meant_name(std::string_view name);
/// One of them fits the class's name, or what of it is meant: the same rule is for runs and for the source.
bool fits_class(const Patterns& patterns, const std::string& name);

}  // namespace crossdep::rules
