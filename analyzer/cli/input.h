// SPDX-License-Identifier: MIT
//
// Every command takes every kind of input: a graph file is read, a process's journal becomes a graph, a recorded trace
// (native, text, ftrace) is judged by the engine. What it is, its content says, never its name.
//
// Threading: one thread.  Allocation: the heap.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "reports/graph.h"
#include "traces/open.h"

namespace crossdep::cli {

/// A text trace holds one part per `%case`, everything else one part.
struct Part {
  reports::Graph graph;
  std::string case_name;          // empty unless the trace has cases
};

struct Input {
  std::string path;
  std::vector<Part> parts;        // empty: nothing of it could be used
  bool whole = true;              // false: unreadable, or in part; told
};

/// `-` is standard input. `format` is believed unless it is kUnknown. Trouble is told on standard error, one line; what a trace
/// says against itself one line each, the first ones. `strict`: the first of those ends the reading.
Input read_input(const std::string& path, bool strict = false, traces::Format format = traces::Format::kUnknown);

/// All parts of all inputs united; `parts` is how many there were, `whole` is false if something could not be read.
struct Union {
  reports::Graph graph;
  std::size_t parts = 0;
  bool whole = true;
};
Union read_union(const std::vector<std::string>& paths);

/// Gives the events of one trace as text (*.cdt), piece by piece, as far as they can be read. False: told.
bool trace_as_text(const std::string& path, const std::function<bool(std::string_view)>& put);

}  // namespace crossdep::cli
