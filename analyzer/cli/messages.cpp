// SPDX-License-Identifier: MIT
//
// The lines a user reads on standard error, in one place. One write each, so that lines of several processes on one
// terminal stay whole.
//
// Threading: any.  Allocation: the heap.
#include <unistd.h>

#include "cli/command.h"

namespace crossdep::cli {
namespace {

void line(const char* kind, const std::string& text) {
  const std::string whole = std::string("crossdep: ") + kind + text + "\n";
  std::size_t done = 0;
  while (done < whole.size()) {
    const ssize_t n = ::write(STDERR_FILENO, whole.data() + done, whole.size() - done);
    if (n <= 0) return;
    done += static_cast<std::size_t>(n);
  }
}

}  // namespace

void error(const std::string& text) { line("error: ", text); }
void warning(const std::string& text) { line("warning: ", text); }
void hint(const std::string& text) { line("hint: ", text); }
void say(const std::string& text) { line("", text); }

}  // namespace crossdep::cli
