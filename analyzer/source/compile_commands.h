// SPDX-License-Identifier: MIT
//
// What to scan and with which flags: from a compile_commands.json (clang.llvm.org/docs/JSONCompilationDatabase.html, both
// the "arguments" and the "command" form), or from a list of files and flags.
//
// Threading: pure functions.  Allocation: the heap.
#pragma once

#include <string>
#include <vector>

namespace crossdep::source {

struct CompileCommand {
  std::string directory;           // where the compiler ran
  std::string file;                // absolute, normal form
  std::string compiler;            // as it was called
  std::vector<std::string> flags;  // what matters for the meaning of the text, in order
  bool cxx = false;
};

struct CompileCommands {
  std::vector<CompileCommand> list;   // sorted by file, one of each
  std::vector<std::string> stale;     // entries whose file is gone
};

/// Reads FOLDER/compile_commands.json, or the file itself if that is named. False: `cause` is one line, with the place.
bool read_compile_commands(const std::string& path, CompileCommands& out, std::string& cause, std::string& cure);

/// For files without a database; `flags` are as given to a compiler.
CompileCommands plain_commands(const std::vector<std::string>& files, const std::vector<std::string>& flags);

/// Keeps the named files; those that no entry names are returned.
std::vector<std::string> keep_only(CompileCommands& commands, const std::vector<std::string>& files);

/// The words of a command line as a shell would see them (quotes and backslashes; no expansion).
std::vector<std::string> split_command(const std::string& line);

/// Of a compiler's arguments those that decide what the text means and that clang knows too.
std::vector<std::string> meaningful_flags(const std::vector<std::string>& arguments);

}  // namespace crossdep::source
