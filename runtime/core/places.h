// SPDX-License-Identifier: MIT
//
// Which files a process reads and writes: its graph, its journal or trace, its log, and where the analyzer program is.
//
// Threading: at start-up, one thread.  Allocation: none.
#pragma once

#include "core/options.h"

namespace crossdep::runtime {

struct Places;

/// Appends `path`, with the current folder before it if it is relative.
void add_absolute(Path& to, const char* path) noexcept;
/// Everything that does not depend on the process id; paths become absolute.
void find_places(const Options& options, Places& places) noexcept;
/// The graph and journal of this process. What is there already stays, unless `out` names one file.
void choose_files(const Options& options, unsigned pid, Places& places) noexcept;
/// The journal in a folder for temporary files; no graph.
void choose_fallback(unsigned pid, Places& places) noexcept;

}  // namespace crossdep::runtime
