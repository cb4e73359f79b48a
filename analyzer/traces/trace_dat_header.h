// SPDX-License-Identifier: MIT
//
// The outside of a trace.dat: its magic, version and the sizes of its parts, all of which must lie within the file.
// libtracecmd believes them, or passes over what is missing; what is cut or damaged is told before it is asked.
//
// Format source: trace-cmd.dat.v6(5), trace-cmd.dat.v7(5). Threading: pure functions.  Allocation: none to speak of.
#pragma once

#include <string>

#include "traces/status.h"

namespace crossdep::traces {

/// kFailed, with the offset and the cause, for what cannot be read; kPartial for a file of version 7 that is cut: what is
/// left may be readable.
Status check_trace_dat_header(const std::string& path, const std::string& file);

}  // namespace crossdep::traces
