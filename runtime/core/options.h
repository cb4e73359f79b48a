// SPDX-License-Identifier: MIT
//
// CROSSDEP_OPTIONS="key=value:key=value", the sanitizers' syntax: blanks, commas, colons and newlines part the entries,
// a value may be quoted with ' or ". Also the settings that `crossdep run` hands down.
//
// Threading: parsed once at start-up, read-only after that.  Allocation: none.
#pragma once

#include "core/text.h"
#include "engine/types.h"

namespace crossdep::runtime {

/// What makes objects without a name of their own one class (core/identity.h).
enum class ClassBy : std::uint8_t {
  kOrigin,   // where their memory comes from: allocation and offset, function and frame, or their init call
  kUse,      // init call, else each address for itself, named by the place of its first use
  kObject,   // every object for itself
};

struct Options {
  Path out;                   // graph file or folder; %p: process id; empty: ./crossdep.%p.cdgraph
  Path log_path;              // where findings are printed; empty: standard error
  Path suppressions;          // findings that are only counted; empty: none
  Path rules;                 // rule files, separated by newlines; empty: none
  Path helper;                // the analyzer program; empty: looked for
  engine::Verdict fail_on = engine::Verdict::kPossible;
  unsigned exitcode = 66;
  unsigned run = 0;           // which `crossdep run` this process belongs to, its process id; 0: none
  unsigned history = 8;       // requests from before a wait that count at its release
  unsigned hang_timeout = 0;  // seconds; 0: nobody watches
  ClassBy class_by = ClassBy::kOrigin;
  unsigned init_frames = 3;   // callers that tell apart objects made by one pthread_*_init call
  bool waits_io = false;      // reads and writes that block on a channel of this process are waits
  bool halt_on_finding = false;
  bool merge = false;         // `out` is one graph for many processes
  bool record = false;
  bool memcheck = false;      // `ctest -T memcheck` counts the findings
  bool verbose = false;
  bool supervised = false;
  bool strict = true;
  bool enabled = true;
  bool help = false;
};

enum class OptionError { kNone, kUnknown, kValue };

/// Reads `text` into `options`, all of it; answers the first error, and `where` is the entry at fault.
OptionError parse_options(const char* text, Options& options, Text<128>& where) noexcept;

/// Calls print(line) for each line of the list of options.
void list_options(void (*print)(const char* line, std::size_t length)) noexcept;

}  // namespace crossdep::runtime
