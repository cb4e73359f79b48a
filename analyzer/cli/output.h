// SPDX-License-Identifier: MIT
//
// Where results go: standard output, or a file, which appears or is replaced only when it is whole.
//
// Threading: one thread.  Allocation: the heap.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

#include "reports/graph.h"

namespace crossdep::cli {

/// Text that is written piece by piece, and is there as far as it went. Trouble is told once, at close().
class Output {
 public:
  /// `-` or empty is standard output.
  explicit Output(const std::string& path);
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  /// False from the first failure on.
  bool put(std::string_view text);
  /// True if all of it arrived.
  bool close();

 private:
  bool keep(bool done);

  std::string name_;
  std::FILE* file_ = nullptr;
  bool ours_ = false;
  int trouble_ = 0;   // errno
};

/// Writes to `path`, `-` or empty being standard output. False: told, and a file that was there is as it was.
bool write_text(const std::string& path, const std::string& text);

/// As JSON to `path`, `-` being standard output. False: told.
bool write_graph(const std::string& path, const reports::Graph& graph);

}  // namespace crossdep::cli
