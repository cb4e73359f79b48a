// SPDX-License-Identifier: MIT
//
// See preprocess.h. clang is asked first: its headers and macros are what libclang parses best; without it, or where it
// does not get through, the compiler the file is built with.
//
// Threading: pure functions; runs a child process.  Allocation: the heap.
#include "source/preprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <sstream>

namespace crossdep::source {
namespace {

/// The first line of a compiler's messages that says "error", without the column.
std::string first_error(const std::string& messages) {
  std::istringstream lines(messages);
  std::string first;
  for (std::string line; std::getline(lines, line);) {
    if (first.empty() && !line.empty()) first = line;
    const std::size_t at = line.find("error: ");
    if (at == std::string::npos) continue;
    const std::string cause = line.substr(at + 7);
    std::string place = line.substr(0, at);
    while (!place.empty() && (place.back() == ' ' || place.back() == ':')) place.pop_back();
    if (place.size() > 6 && place.ends_with(" fatal")) place.resize(place.size() - 6);
    while (!place.empty() && (place.back() == ' ' || place.back() == ':')) place.pop_back();
    return place.empty() ? cause : place + ": " + cause;
  }
  return first;
}

}  // namespace

int run_program(const std::vector<std::string>& words, const std::string& directory, std::string& out, std::string& err) {
  int out_pipe[2], err_pipe[2];
  if (pipe2(out_pipe, O_CLOEXEC) != 0) return 126;
  if (pipe2(err_pipe, O_CLOEXEC) != 0) {
    close(out_pipe[0]);
    close(out_pipe[1]);
    return 126;
  }
  const pid_t child = fork();
  if (child == 0) {
    dup2(out_pipe[1], STDOUT_FILENO);
    dup2(err_pipe[1], STDERR_FILENO);
    const int null = open("/dev/null", O_RDONLY);
    if (null >= 0) dup2(null, STDIN_FILENO);
    if (!directory.empty() && chdir(directory.c_str()) != 0) _exit(126);
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    execvp(arguments[0], arguments.data());
    _exit(127);
  }
  close(out_pipe[1]);
  close(err_pipe[1]);
  pollfd ends[2] = {{out_pipe[0], POLLIN, 0}, {err_pipe[0], POLLIN, 0}};
  std::string* const texts[2] = {&out, &err};
  char buffer[1 << 16];
  for (int open_ends = child < 0 ? 0 : 2; open_ends > 0;) {
    if (poll(ends, 2, -1) < 0 && errno != EINTR) break;
    for (int i = 0; i < 2; ++i) {
      if (ends[i].fd < 0 || ends[i].revents == 0) continue;
      const ssize_t n = read(ends[i].fd, buffer, sizeof buffer);
      if (n < 0 && errno == EINTR) continue;
      if (n > 0) {
        texts[i]->append(buffer, static_cast<std::size_t>(n));
      } else {
        ends[i].fd = -1;
        --open_ends;
      }
    }
  }
  close(out_pipe[0]);
  close(err_pipe[0]);
  if (child < 0) return 126;
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool preprocess(const CompileCommand& command, std::string& text, std::string& cause) {
  std::string messages;
  for (const std::string& compiler : {std::string("clang"), command.compiler}) {
    std::vector<std::string> words{compiler, "-E", "-w"};
    if (compiler == "clang" && command.cxx && std::string(command.compiler).find("clang") == std::string::npos) words.push_back("--driver-mode=g++");
    words.insert(words.end(), command.flags.begin(), command.flags.end());
    words.push_back(command.file);
    std::string err;
    text.clear();
    const int status = run_program(words, command.directory, text, err);
    if (status == 0) return true;
    if (status == 127) err = compiler + ": no such program";
    // What the file's own compiler says is what its author knows.
    if (messages.empty() || status != 127) messages = err;
  }
  cause = first_error(messages);
  if (cause.empty()) cause = command.file + ": cannot be preprocessed";
  return false;
}

}  // namespace crossdep::source
