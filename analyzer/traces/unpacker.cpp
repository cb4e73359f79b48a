// SPDX-License-Identifier: MIT
//
// See unpacker.h.
#include "traces/unpacker.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

extern char** environ;

namespace crossdep::traces {

Unpacker::~Unpacker() {
  if (fd_ >= 0) ::close(fd_);
  if (child_ <= 0) return;
  ::kill(child_, SIGTERM);   // not read to the end: it may be waiting for us
  while (::waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {}
}

const char* Unpacker::program_for(std::string_view bytes) {
  const auto begins = [&](std::string_view magic) { return bytes.substr(0, magic.size()) == magic; };
  if (begins("\xfd" "7zXZ")) return "xz";
  if (begins("\x1f\x8b")) return "gzip";
  if (begins("\x28\xb5\x2f\xfd")) return "zstd";
  return nullptr;
}

Status Unpacker::start(const char* program, int fd, const std::string& file) {
  program_ = program;
  file_ = file;
  if (::lseek(fd, 0, SEEK_SET) != 0) return Status::fail(file, std::string("cannot be read again: ") + std::strerror(errno));
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Status::fail(file, std::string("cannot be unpacked: ") + std::strerror(errno));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);   // finish() says it in our words
  char name[8], option[] = "-dc";
  std::strncpy(name, program, sizeof name - 1);
  name[sizeof name - 1] = 0;
  char* arguments[] = {name, option, nullptr};
  const int error = ::posix_spawnp(&child_, program, &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  if (error != 0) {
    ::close(ends[0]);
    child_ = -1;
    return Status::fail(file, std::string("is compressed, and the program ") + program + " that unpacks it cannot be run: " + std::strerror(error));
  }
  fd_ = ends[0];
  return {};
}

Status Unpacker::finish() {
  if (child_ <= 0) return {};
  char more;
  ssize_t got;
  while ((got = ::read(fd_, &more, 1)) < 0 && errno == EINTR) {}
  if (got != 0) return {};   // not read to its end, and the destructor ends it
  int status = 0;
  while (::waitpid(child_, &status, 0) < 0 && errno == EINTR) {}
  child_ = -1;
  // 2 is gzip's warning (trailing garbage).
  if (WIFEXITED(status) && (WEXITSTATUS(status) == 0 || (WEXITSTATUS(status) == 2 && std::strcmp(program_, "gzip") == 0))) return {};
  Status damaged = Status::fail(file_, std::string("the compressed data is damaged or cut, says ") + program_);
  damaged.outcome = Status::Outcome::kPartial;
  return damaged;
}

}  // namespace crossdep::traces
