// SPDX-License-Identifier: MIT
//
// A source file's text after preprocessing, with line markers: macros that hide lock calls, and attributes inside macros,
// are plain text then, and every place still has its line in the user's file.
//
// Threading: pure functions; runs a child process.  Allocation: the heap.
#pragma once

#include <string>
#include <vector>

#include "source/compile_commands.h"

namespace crossdep::source {

/// False: `cause` is "FILE:LINE: cause" as the compiler said it, or why it could not be run.
bool preprocess(const CompileCommand& command, std::string& text, std::string& cause);

/// Runs a program (found by PATH) in `directory`; its standard output goes to `out`, its standard error to `err`. Returns
/// its exit status, 128+n for a signal, 127 if there is no such program.
int run_program(const std::vector<std::string>& words, const std::string& directory, std::string& out, std::string& err);

}  // namespace crossdep::source
