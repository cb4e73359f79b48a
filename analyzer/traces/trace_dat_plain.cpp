// SPDX-License-Identifier: MIT
//
// See trace_dat_reader.h: the build without libtracecmd.
#include "traces/trace_dat_reader.h"

namespace crossdep::traces {

Status read_trace_dat(const std::string&, const std::string& file, EventConsumer&) {
  return Status::fail(file, "is a trace.dat, which this build cannot read (libtracecmd-dev was missing); convert it with "
                            "`trace-cmd report -i FILE > TEXT` and check that");
}

}  // namespace crossdep::traces
