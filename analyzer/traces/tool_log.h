// SPDX-License-Identifier: MIT
//
// The door to what other tools print of locks: kernel logs, ThreadSanitizer, Helgrind and DRD, our own splats; also several
// of them in one file, between lines of anything else.
//
// Threading: one thread.  Allocation: the readers'.
#pragma once

#include <string>

#include "traces/line_source.h"
#include "traces/printed.h"
#include "traces/status.h"

namespace crossdep::traces {

/// Partial if the log ends in the middle of a report.
Status read_tool_log(LineSource& source, const std::string& file, PrintedConsumer& consumer);

/// A line that only such a log has.
bool looks_like_tool_log(std::string_view line);

}  // namespace crossdep::traces
