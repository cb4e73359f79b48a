// SPDX-License-Identifier: MIT
//
// Reads LTTng-UST's recordings of pthread mutexes (liblttng-ust-pthread-wrapper.so: lttng_ust_pthread:pthread_mutex_lock_req,
// _lock_acq, _trylock, _unlock), as babeltrace2 prints them:
//
//   [02:27:43.549441093] (+0.000162495) vm lttng_ust_pthread:pthread_mutex_lock_req: { cpu_id = 1 }, { vtid = 2083,
//   procname = "abba", vpid = 2079 }, { mutex = 0x55F300281060 }                                            (one line)
//
// A folder with a CTF trace is given to babeltrace2, whose text is read from a pipe. Threads are told by the context field
// vtid, which must have been recorded. An unlock is recorded after it happened, so another thread may seem to get the mutex
// before it; it was given back then. Discarded events are losses.
//
// Threading: one thread.  Allocation: threads, mutexes and places; lines are streamed.
#pragma once

#include <string>
#include <string_view>

#include "traces/event.h"
#include "traces/line_source.h"
#include "traces/status.h"

namespace crossdep::traces {

Status read_lttng_text(LineSource& source, const std::string& file, EventConsumer& consumer);
/// Through babeltrace2; fails if that is missing or cannot read it.
Status read_ctf_folder(const std::string& path, const std::string& file, EventConsumer& consumer);

/// True if the line is an event as babeltrace2 prints it.
bool looks_like_lttng_text(std::string_view line);
/// True if there is a CTF trace in the folder, or below it.
bool is_ctf_folder(const std::string& path);

}  // namespace crossdep::traces
