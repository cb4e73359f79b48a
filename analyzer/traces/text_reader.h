// SPDX-License-Identifier: MIT
//
// Reads the text trace (*.cdt), the form of a trace that one can write by hand:
//
//   # crossdep-text 1
//   %case abba
//   T1 acquire A class=inode site=fs.c:10
//   T1 acquire B site=fs.c:11
//   T1 release B
//
// One line, one event; order in the file is the order of events. The first sight of a context begins it, of a lock makes
// it. `class=` names a lock's class at first sight, later it re-classes that one acquisition; without it a lock is a class
// of its own, named as the lock is. Where the form leaves a choice:
//   - a lock called like a number (0x7f00, 4096) has that address; `free FROM TO` ends the locks in that range
//   - `join T` says that T has ended; `T exit` says so without a join
//   - `wake X failed`: the wait ended without a signal (time ran out); `join T failed` likewise
//   - `init L recursive`, `init L errorcheck`: what the owner may do again;
//     `init L of_process`: any context may release it;
//     `init L held=write`: held since a fork by a thread of the parent's only; `fork T class=C`: the class of T's end
//   - `might_lock L`, `assert_held L` with `mode=`; `begin work W queue=Q`
// An impossible line stops the reading with file, line and cause; what came before it was delivered.
//
// Threading: one thread.  Allocation: names and living contexts; lines are streamed.
#pragma once

#include <string>

#include "traces/event.h"
#include "traces/line_source.h"
#include "traces/status.h"

namespace crossdep::traces {

inline constexpr unsigned kTextVersion = 1;

/// Delivers all events of the source to `consumer`. `file` is for messages.
Status read_text(LineSource& source, const std::string& file, EventConsumer& consumer);

/// True if the line is the beginning of a text trace: its version line, `%case` or an event.
bool looks_like_text(std::string_view line);

}  // namespace crossdep::traces
