// SPDX-License-Identifier: MIT
//
// Reads the traces of RAPID and the tools around it (Java programs, dynamic deadlock prediction), in both their forms:
//
//   STD       one event a line: T3|acq(L5)|loc; ids may lack their letters
//   RapidBin  big-endian. Header: i16 threads, i32 locks, i32 variables, i64 events; then one i64 an event: bits 0-9 thread,
//             10-13 operation (0 acq 1 rel 2 r 3 w 4 fork 5 join 6 begin 7 end 8 req), 14-47 operand, 48-62 location.
//
// A lock got again by its holder is re-entrant: only the outermost acquisition counts. `req` is the request; without it the
// acq is both. A monitor's wait is logged as rel(m), wait(m) and later req(m) or acq(m): the wait ends there; notify(m) and
// notifyAll(m) release it. A wait(m) by who holds m gives it up too.
//
// What cannot have happened is told as a Problem and passed over (a wait without its monitor, a join of a thread that never
// began, a second fork, what a joined thread does); locks that do not exclude and releases of what is not held are passed
// on: the Validator knows them.
// Source: the format notes of github.com/umangm/rapid. Threading: one thread.  Allocation: names, locks and threads.
#pragma once

#include <string>
#include <string_view>

#include "traces/event.h"
#include "traces/line_source.h"
#include "traces/status.h"

namespace crossdep::traces {

Status read_rapid_text(LineSource& source, const std::string& file, EventConsumer& consumer);
/// Reads from `fd` after `prefix`, which was read from it before; ends early once `*stop` is true.
Status read_rapid_binary(int fd, std::string_view prefix, const std::string& file, EventConsumer& consumer, const bool* stop = nullptr);

bool looks_like_rapid_text(std::string_view line);
/// The first bytes of a file; all that are there must make sense.
bool looks_like_rapid_binary(std::string_view bytes);

}  // namespace crossdep::traces
