// SPDX-License-Identifier: MIT
//
// Replays a journal: the Sink calls the engine made inside the recorded process, made again to any engine::Sink (the
// graph builder), and what the engine does not know: the process, its modules, its losses.
//
// What a damaged file yields is a true prefix of what was written: every record is checked (bounds, enumerations, and
// that everything it refers to was announced), and at the first that fails reading stops with a partial status.
//
// Threading: one thread.  Allocation: the heap; O(announced ids + one chunk).
#pragma once

#include <cstdint>
#include <string>

#include "engine/sink.h"
#include "traces/container.h"
#include "traces/native_modules.h"

namespace crossdep::traces {

/// What a journal holds beside the Sink calls.
struct JournalFacts {
  std::uint32_t pid = 0, parent_pid = 0;
  std::uint64_t start_time = 0;          // wall clock, ns since 1970
  std::string executable;
  std::string arguments;                 // each terminated by a NUL
  ModuleTable modules;
  bool finished = false;                 // the process wrote its totals; false: killed, or not over yet
  engine::Losses losses{};               // of the last totals
  std::uint64_t requests = 0;
  std::uint64_t unwritten = 0;           // records that did not fit on the disk
  std::uint64_t records = 0;             // read
};

/// `facts.modules` grows as the calls are made, so that a Sink may look at it during a call. `container` is open.
Status read_journal(const Container& container, engine::Sink& sink, JournalFacts& facts);

}  // namespace crossdep::traces
