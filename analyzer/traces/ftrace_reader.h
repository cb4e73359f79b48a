// SPDX-License-Identifier: MIT
//
// Reads the kernel's ftrace text (`trace`, `trace_pipe`, the latency format, text of `trace-cmd report`). What its events
// mean: kernel_events.h.
//
// `[LOST n EVENTS]`, `[n EVENTS DROPPED]` and the entries-in-buffer/entries-written header are losses. A stack trace is the
// call chain of the event before it. Lines that are no events (kernel messages) are passed over. A last line without its end is
// not judged.
//
// Threading: one thread.  Allocation: see KernelModel; lines are streamed.
#pragma once

#include <string>

#include "traces/event.h"
#include "traces/line_source.h"
#include "traces/status.h"

namespace crossdep::traces {

Status read_ftrace(LineSource& source, const std::string& file, EventConsumer& consumer);

/// True if the line is an event or a header of ftrace text.
bool looks_like_ftrace(std::string_view line);

}  // namespace crossdep::traces
