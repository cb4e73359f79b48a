// SPDX-License-Identifier: MIT
//
// The environment a program is run in: our library in LD_PRELOAD, merged with what the user preloads, and the runtime's
// options. Also where our own pieces are: beside each other, in the build tree and where they are installed.
//
// Threading: one thread.  Allocation: the heap.
#pragma once

#include <string>
#include <vector>

#include "engine/types.h"

namespace crossdep::cli {

/// Absolute path of the running program.
std::string own_program();
/// Absolute path of libcrossdep.so, empty if it is not where it belongs.
std::string own_library();

struct RuntimeSettings {
  std::string folder;                                        // for the files of each process
  bool record = false;
  bool verbose = false;
  engine::Verdict policy = engine::Verdict::kPossible;
  std::string suppressions;                                  // a file, empty for none
  int exitcode = 66;                                         // of a process that halts at a finding
  std::vector<std::string> rules;                            // files
  std::string rule_needs;                                    // what they need to be observed: rules::need_lines()
};

/// The value of an option in CROSSDEP_OPTIONS as this process got it, empty if it is not there.
std::string inherited_option(const std::string& name);
/// All values of an option that may be given several times, or as a list F,F.
std::vector<std::string> inherited_list(const std::string& name);

/// This process's environment with what the runtime needs. False: `cause` says why it cannot be done.
bool make_environment(const RuntimeSettings& settings, const std::string& library,
                      const std::vector<std::string>& sanitizers, std::vector<std::string>& environment,
                      std::string& cause);

}  // namespace crossdep::cli
