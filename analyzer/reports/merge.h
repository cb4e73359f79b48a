// SPDX-License-Identifier: MIT
//
// The union of graphs: associative, commutative, idempotent. Every part is a set, or the first few of a set by value,
// so the order of the inputs cannot show. Cycles are searched again over the union by the engine, and those whose
// halves come from different runs become findings of the union; they are recomputed at each merge, never carried over.
//
// Classes are the same if name, kind and subclass are; runs if their ids are.
//
// Threading: pure functions.  Allocation: the heap.  Cost: the union, plus one engine insertion per dependency mode.
#pragma once

#include <vector>

#include "reports/graph.h"

namespace crossdep::reports {

Graph merge(const std::vector<Graph>& graphs);

/// Sorts every table, drops what nothing refers to, and renumbers: equal content gives an equal Graph.
void canonicalise(Graph& graph);

}  // namespace crossdep::reports
