// SPDX-License-Identifier: MIT
//
// Reads the kernel's ftrace text (`trace`, `trace_pipe`). Lock events are taken from the richest source in the recording:
//
//   lockx_*                  tracepoints that print all lockdep sees: map, key, subclass, try, read, nest, caller
//   probes on lock_acquire   kprobe events with map= key= name= sub= try= read= nest= (any event name: the probed function
//                            in the body tells, `(lock_acquire+0x0/0x270) map=…`); releases are the stock events'
//   stock lock_*             name only: a name is not a class, which is noted
//
// Beside them: probes on wait_for_completion* and complete* (entry and return), workqueue_execute_*, sched_switch of a
// task that ends, sched_process_fork. Interrupts follow from the flags column. `[LOST n EVENTS]` and the
// entries-in-buffer/entries-written header are losses: what the tasks concerned hold is forgotten.
//
// Lines that are no events (kernel messages, stack traces) are passed over. A last line without its end is not judged.
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
