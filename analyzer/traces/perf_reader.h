// SPDX-License-Identifier: MIT
//
// Reads the text of `perf script` for a recording of lock:* events, with irq:*, sched:*, workqueue:*, timer:* and probes where
// they are there. Same events, same meaning as ftrace text: both go through KernelEvents.
//
// perf prints no context column. The context follows from the call chain (an interrupt's frames), else from the irq events
// (irq_handler_entry, softirq_entry ...), else it is that of the task. The first frame outside of locking is the place.
// `PERF_RECORD_LOST` (option --show-lost-events) is a loss.
//
// Threading: one thread.  Allocation: see KernelModel; lines are streamed.
#pragma once

#include <string>
#include <string_view>

#include "traces/event.h"
#include "traces/line_source.h"
#include "traces/status.h"

namespace crossdep::traces {

Status read_perf_script(LineSource& source, const std::string& file, EventConsumer& consumer);

/// True if the line is an event as `perf script` prints it, or one of its header.
bool looks_like_perf_script(std::string_view line);

}  // namespace crossdep::traces
