// SPDX-License-Identifier: MIT
//
// Reads many source files in child processes, a few at a time: a crash or a runaway parse costs one file, and memory goes
// back with the child.
//
// Threading: one thread; children.  Allocation: the heap.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "source/compile_commands.h"
#include "source/ir.h"

namespace crossdep::source {

struct JobOptions {
  unsigned jobs = 1;
  std::string cache;                                         // folder; empty: none
  std::function<void(std::size_t done, std::size_t all)> progress;
};

/// Gives each(index, unit) one unit for each command, in their order, whatever order they were read in, and as soon as that
/// can be: no more than those that overtook another wait in memory. A unit that could not be read has its `failure` set.
void read_units(const std::vector<CompileCommand>& commands, const JobOptions& options, const std::function<void(std::size_t, Unit&&)>& each);

}  // namespace crossdep::source
