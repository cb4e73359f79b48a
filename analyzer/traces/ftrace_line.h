// SPDX-License-Identifier: MIT
//
// One line of the kernel's ftrace text output (`trace`, `trace_pipe`, `trace-cmd report` without extras) taken apart:
//
//            COMM-PID   (TGID)   [CPU] FLAGS  TIME: EVENT: BODY
//      kworker/0:0-6             [000] d.h2.  8.077481: lock_acquire: ffffffff81c0bb58 jiffies_lock
//
// A comm may hold blanks, dashes and brackets, so the line is anchored at `[CPU] FLAGS TIME:`, and the pid is what stands
// behind the last dash before it. FLAGS has 4 characters (older kernels) or 5 and more, or is
// missing (option noirq-info). (TGID) is printed with option record-tgid. Option latency-format writes CPU and FLAGS as one
// word without brackets, and the time in microseconds: `bash-1977  0d..1.  12us+: EVENT: BODY`.
//
// Threading: pure functions.  Allocation: none; views point into the line.
#pragma once

#include <cstdint>
#include <string_view>

namespace crossdep::traces {

struct FtraceLine {
  std::string_view comm;
  std::uint32_t pid = 0;
  std::uint32_t cpu = 0;
  std::string_view flags;   // empty if not printed
  std::uint64_t time = 0;   // as printed, without its point; 0 if longer than 19 digits
  unsigned fraction = 0;    // digits behind the point
  /// Since the clock began; 0 if it does not count in seconds (trace_clock), or is not printed.
  std::uint64_t nanoseconds() const;
  std::string_view event;
  std::string_view body;    // behind `EVENT: `

  /// Where it ran, as ftrace prints it: . task, s softirq, h hardirq, H hardirq in softirq, z Z NMI.
  char context() const { return flags.size() >= 3 ? flags[2] : '.'; }
};

/// Takes the line apart; false if it is no event.
bool parse_ftrace_line(std::string_view line, FtraceLine& out);

/// A probe's place, the body of a kprobe event: `(FUNCTION+0x0/0x30) fields` or, for a return, `(CALLER <- FUNCTION) fields`.
struct FtraceProbe {
  std::string_view function;   // without offset
  std::string_view place;      // what stands in the parentheses: FUNCTION+0x0/0x30, or the CALLER of a return
  bool is_return = false;
  std::string_view fields;
};
bool parse_ftrace_probe(std::string_view body, FtraceProbe& out);

/// Hexadecimal with or without 0x; the rest of `text` behind it. False if there is no digit.
bool take_hex(std::string_view& text, std::uint64_t& value);
bool take_decimal(std::string_view& text, std::uint64_t& value);

/// The next `key=value` of `text`, which is shortened by it; a quoted value loses its quotation marks. False at the end.
bool take_field(std::string_view& text, std::string_view& key, std::string_view& value);

/// The value of `key=` behind the last mark `key=` of the text, up to the next blank; empty if there is none.
std::string_view last_field(std::string_view text, std::string_view key_and_equals);

}  // namespace crossdep::traces
