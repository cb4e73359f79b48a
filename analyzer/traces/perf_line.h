// SPDX-License-Identifier: MIT
//
// One line of `perf script` text taken apart. The usual form, and what -F leaves out or adds:
//
//     COMM  PID/TID [CPU] FLAGS  TIME:  PERIOD  SYSTEM:EVENT:  BODY
//     kworker/0:1-ev    12 [000]    13.216894:          1   lock:lock_acquire: 0xffffffff81c0bb58 read jiffies_lock
//
// Each of COMM, PID or TID, CPU, TIME and PERIOD may be missing. A comm may hold blanks, colons and dashes, so a line is
// anchored at its time (`digits.digits:`), else at `SYSTEM:EVENT:`; what stands before it is read from its end.
// A frame of a call chain: blanks, then an address, a symbol or both, then `(MODULE)`.
//
// Format source: the output of perf 5.4 to 6.12. Threading: pure functions.  Allocation: none; views point into the line.
#pragma once

#include <cstdint>
#include <string_view>

namespace crossdep::traces {

struct PerfLine {
  static constexpr std::uint32_t kNone = 0xffffffffu;

  std::string_view comm;           // empty if not printed
  std::uint32_t tid = kNone;       // kNone if not printed
  std::uint32_t cpu = kNone;
  std::string_view flags;          // as ftrace's, empty if not printed
  std::uint64_t time = 0;          // in nanoseconds; 0 if not printed
  std::string_view system;         // empty for what is no tracepoint (PERF_RECORD_LOST ...)
  std::string_view event;
  std::string_view body;
};

/// Takes an event's line apart; false if it is none.
bool parse_perf_line(std::string_view line, PerfLine& out);

/// A call chain's frame: `symbol+0x12`, with ` [module]` behind it for a module; an address where there is no symbol.
/// False if the line is no frame. `symbol` and `module` point into the line.
bool parse_perf_frame(std::string_view line, std::string_view& symbol, std::string_view& module);

}  // namespace crossdep::traces
