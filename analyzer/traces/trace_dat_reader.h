// SPDX-License-Identifier: MIT
//
// Reads trace.dat, what `trace-cmd record` writes (versions 6 and 7, compressed too), through libtracecmd and libtraceevent:
// all buffers (the main one and its instances), all processors, merged by time. Same events, same meaning as ftrace text:
// all go through KernelEvents. The stock lock events, most of any recording, are taken from their fields unprinted.
//
// A kernel_stack event is the call chain of the event before it on its processor. Where a record says that events before it
// are missing, they are a loss. Probes' places are named by the symbols in the file.
//
// Built without the library, it says how to convert the file.
//
// Threading: one thread (the library is told to be quiet).  Allocation: the library's, one record a processor; KernelModel's.
#pragma once

#include <string>
#include <string_view>

#include "traces/event.h"
#include "traces/status.h"

namespace crossdep::traces {

/// `path` can be read in any order; `file` is its name for messages.
Status read_trace_dat(const std::string& path, const std::string& file, EventConsumer& consumer);

/// A file that begins like this claims to be trace.dat.
bool looks_like_trace_dat(std::string_view bytes);

}  // namespace crossdep::traces
