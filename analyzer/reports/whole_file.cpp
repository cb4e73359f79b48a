// SPDX-License-Identifier: MIT
//
// See whole_file.h.
//
// Threading and allocation: see whole_file.h.
#include "reports/whole_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

namespace crossdep::reports {
namespace {

std::string because() { return std::strerror(errno); }

bool write_all(int fd, const std::string& text) {
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t n = ::write(fd, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    done += static_cast<std::size_t>(n);
  }
  return true;
}

bool read_all(int fd, std::string& out) {
  struct stat info;
  if (::fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) out.reserve(static_cast<std::size_t>(info.st_size) + 1);
  char buffer[1 << 16];
  for (;;) {
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    if (n == 0) return true;
    out.append(buffer, static_cast<std::size_t>(n));
  }
}

/// Written to as it is: devices, pipes, and files that are open already (/dev/stdout, /dev/fd/3), to which others write too.
bool is_stream(const std::string& path, const struct stat* info) {
  if (info == nullptr || S_ISDIR(info->st_mode)) return false;
  return !S_ISREG(info->st_mode) || path.rfind("/dev/std", 0) == 0 || path.rfind("/dev/fd/", 0) == 0 || path.rfind("/proc/", 0) == 0;
}

}  // namespace

bool write_whole_file(const std::string& path, const std::string& text, std::string& cause) {
  if (path == "-") {
    if (write_all(STDOUT_FILENO, text)) return true;
    cause = "standard output: cannot write: " + because();
    return false;
  }
  const auto failed = [&] {
    cause = path + ": cannot write: " + because();
    return false;
  };
  struct stat old;
  const bool there = ::stat(path.c_str(), &old) == 0;
  if (is_stream(path, there ? &old : nullptr)) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    const bool good = fd >= 0 && write_all(fd, text);
    if (!good) cause = path + ": " + because();
    if (fd >= 0) ::close(fd);
    return good;
  }
  // What a link leads to is replaced, not the link.
  std::error_code error;
  const std::filesystem::path real = there ? std::filesystem::canonical(path, error) : std::filesystem::path();
  const std::string target = there && !error ? real.string() : path;
  const std::string beside = target + ".tmp." + std::to_string(::getpid());
  const int fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return failed();
  if (there) (void)::fchmod(fd, old.st_mode & 07777);   // who may read it stays as it was, if we may say so
  bool good = write_all(fd, text) || failed();
  if (::close(fd) != 0 && good) good = failed();
  if (good && std::rename(beside.c_str(), target.c_str()) != 0) good = failed();
  if (!good) ::unlink(beside.c_str());
  return good;
}

bool read_whole_file(const std::string& path, std::string& text, std::string& cause) {
  const bool standard_input = path == "-";
  const int fd = standard_input ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    cause = path + ": cannot read: " + because();
    return false;
  }
  text.clear();
  const bool good = read_all(fd, text);
  if (!good) cause = input_name(path) + ": cannot read: " + because();
  if (!standard_input) ::close(fd);
  return good;
}

std::string input_name(const std::string& path) { return path == "-" ? "standard input" : path; }

}  // namespace crossdep::reports
