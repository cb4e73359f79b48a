// SPDX-License-Identifier: MIT
//
// A graph on the screen, in the format asked for: kernel-style splats, text, JSON, dot.
//
// Threading: one thread.  Allocation: the heap.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "reports/graph.h"
#include "reports/listing.h"
#include "reports/suppressions.h"

namespace crossdep::cli {

struct Show {
  std::string format;                     // one of the command's; empty: the first
  engine::Verdict policy = engine::Verdict::kPossible;
  bool verbose = false;
  std::string suppressions_path;
  reports::Suppressions suppressions;     // of that file, once load_suppressions() was called
  std::string output;                     // file, empty or `-`: standard output
  std::vector<std::string> source_roots;  // folders that file names are shown relative to; none: the current one
  bool to_stderr = false;                 // standard output is taken by something else
  std::string graph_path;                 // for the command to type next
};

/// The option `name` for what is printed (the first word is the default), --fail-on, --suppressions, --verbose.
void add_show_options(CLI::App& command, Show& show, const std::vector<std::string>& formats, const char* name = "--format");

/// Reads the file of --suppressions. False: told.
bool load_suppressions(Show& show);

/// Adds `--source-root DIR`, for the formats that name files as the repository has them.
void add_source_root_option(CLI::App& command, std::vector<std::string>& roots);
/// Names of files below these folders; none means the current one.
reports::SourcePaths source_paths(const std::vector<std::string>& roots);

/// One of the formats other tools read: sarif, junit, markdown, gitlab, gcc, html. Empty if `format` is none of them.
std::string render_listing(const reports::Listing& listing, const std::string& format);

/// The splats of what fails, of everything if verbose; then the summary.
std::string splats(const reports::Graph& graph, const Show& show);

/// Prints the graph; a case's name stands above it. False: told.
bool show_graph(const reports::Graph& graph, const std::string& case_name, const Show& show);

}  // namespace crossdep::cli
