// SPDX-License-Identifier: MIT
//
// The graph file (*.cdgraph): JSON as described by graph.schema.json beside this file. Reading is strict: unknown keys,
// missing keys, wrong types and indices out of range are errors that say where.
//
// Threading: pure functions.  Allocation: the heap.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "reports/graph.h"

namespace crossdep::reports {

std::string to_json(const Graph& graph);

/// Why a graph could not be read: `position` says where ("offset 17" or "/findings/0/verdict").
struct ReadError {
  std::string position;
  std::string cause;
};

/// Asked for each dependency before its witnesses are kept; false leaves it out.
using WantDependency = std::function<bool(const Graph& so_far, const Dependency&)>;

/// false and `error` filled if `text` is no graph of this or an older schema. Of what is left out only the classes, modes,
/// runs and that it is JSON are checked; a source's graph is read whole.
bool from_json(std::string_view text, Graph& out, ReadError& error, const WantDependency& wanted = {});

/// Writes beside `path` and renames. false and a one-line `cause` if that fails; `path` is then as it was.
bool write_graph_file(const std::string& path, const Graph& graph, std::string& cause);

/// "crossdep: error: FILE: POSITION: CAUSE" without the first two words in `error` if it fails.
bool read_graph_file(const std::string& path, Graph& out, std::string& error);

/// True if the first bytes look like a graph file (a JSON object), whatever the rest holds.
bool looks_like_graph(std::string_view head);

}  // namespace crossdep::reports
