// SPDX-License-Identifier: MIT
//
// Runs one program as if the caller had run it: same standard streams, same process group and terminal, signals passed
// on, stops and continues mirrored, its status brought back.
//
// Threading: one thread; the signal mask of the process is changed for the time of the call.  Allocation: the heap.
#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

namespace crossdep::cli {

struct Outcome {
  int status = 0;        // as a shell sees it: the exit status, or 128+n for a signal
  int signal = 0;        // n, if it was killed by one
  pid_t pid = 0;
  int exec_error = 0;    // errno if it could not be started; status is then 125, 126 or 127
};

/// `path` is executed with `arguments` (argv[0] first) and `environment`.
Outcome supervise(const std::string& path, const std::vector<std::string>& arguments,
                  const std::vector<std::string>& environment);

}  // namespace crossdep::cli
