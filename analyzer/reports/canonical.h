// SPDX-License-Identifier: MIT
//
// Brings a graph into canonical order: every table sorted by value and without duplicates, what nothing refers to
// dropped, everything renumbered. Equal content gives an equal Graph, and appending two graphs and canonicalising is
// their union; merge.h and graph_builder.h rest on that.
//
// Kept whether referred to or not: runs and classes. Contexts, instances, stacks and frames are evidence and go with it.
//
// Threading: pure functions.  Allocation: the heap.
#pragma once

#include "reports/graph.h"

namespace crossdep::reports {

void canonicalise(Graph& graph);

/// Adds the tables of `other` behind those of `graph` with indices shifted. Canonicalise afterwards.
void append(Graph& graph, Graph other);

/// Drops contexts, instances, stacks and frames that nothing refers to; the order of the others stays.
void drop_unused(Graph& graph);

/// Number of entries in all tables: what canonicalise() has to sort.
std::size_t table_size(const Graph& graph);

}  // namespace crossdep::reports
