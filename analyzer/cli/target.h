// SPDX-License-Identifier: MIT
//
// What `run` is about to execute: where it is, whether the dynamic loader will preload our library into it, and which
// sanitizer library wants to be loaded before it. Found by reading the file, never by running it.
//
// Threading: pure functions of the file system.  Allocation: the heap.
#pragma once

#include <string>
#include <vector>

namespace crossdep::cli {

struct Target {
  enum class Preload {
    kYes,
    kStatic,       // no dynamic loader: nothing is preloaded
    kPrivileged,   // setuid, setgid or file capabilities: the loader ignores LD_PRELOAD
    kForeign,      // another architecture or another C library's loader
  };

  std::string path;                       // resolved as execvp() would
  std::string program;                    // the ELF file in the end: path, or a script's interpreter
  int failure = 0;                        // 0, 126 not executable, 127 not found
  std::string cause;                      // of the failure
  Preload preload = Preload::kYes;
  std::vector<std::string> sanitizers;    // sonames that must come first, as the program names them
};

Target inspect_target(const std::string& command);

}  // namespace crossdep::cli
