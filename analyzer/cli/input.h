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
#include "reports/names.h"
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

struct Reading {
  traces::Format format = traces::Format::kUnknown;   // believed, whatever the file looks like, unless it is this
  bool strict = false;            // the first thing a trace says against itself ends the reading
  const reports::NameRules* names = nullptr;          // for what is judged here: a graph has its names already
  std::uint64_t hold_limit = 0;   // milliseconds: what is held longer is told to the rules (rules::shortest_hold)
};
/// `-` is standard input. Trouble is told on standard error, one line; what a trace says against itself one line each, the
/// first ones.
Input read_input(const std::string& path, const Reading& reading = {});

/// All parts of all inputs united, one after the other, so that no more than the union and one of them are in memory;
/// `parts` is how many there were, `whole` is false if something could not be read. Graphs that contradict each other are
/// told, and nothing is united then: no part.
struct Union {
  reports::Graph graph;
  std::size_t parts = 0;
  bool whole = true;
  bool missing = false;           // of some input nothing could be used
  std::vector<std::string> notes; // what the source and the runs do not agree on, a line each
};
/// A folder stands for the graphs (*.cdgraph) in it; one without any is told and is no error: `parts` may be 0 and `whole`
/// true. Graph files are read by that many threads (0: as read_ahead.h chooses).
Union read_union(const std::vector<std::string>& paths, const Reading& reading = {}, unsigned jobs = 0);

/// Gives the events of one trace as text (*.cdt), piece by piece, as far as they can be read. False: told.
bool trace_as_text(const std::string& path, const std::function<bool(std::string_view)>& put);

}  // namespace crossdep::cli
