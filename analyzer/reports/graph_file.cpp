// SPDX-License-Identifier: MIT
//
// Graph files on disk (json.h): read whole, written beside and renamed, so that a reader never sees half a graph.
//
// Threading: none of its own; two writers of one path each write a file of their own, the last rename stays.
// Allocation: the heap.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "reports/json.h"

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
  char buffer[1 << 16];
  for (;;) {
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    if (n == 0) return true;
    out.append(buffer, static_cast<std::size_t>(n));
  }
}

}  // namespace

bool write_graph_file(const std::string& path, const Graph& graph, std::string& cause) {
  const std::string text = to_json(graph);
  if (path == "-") {
    if (write_all(STDOUT_FILENO, text)) return true;
    cause = "standard output: cannot write: " + because();
    return false;
  }
  const std::string beside = path + ".tmp." + std::to_string(::getpid());
  const int fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) {
    cause = path + ": cannot write: " + because();
    return false;
  }
  bool good = write_all(fd, text);
  if (!good) cause = path + ": cannot write: " + because();
  if (::close(fd) != 0 && good) {
    good = false;
    cause = path + ": cannot write: " + because();
  }
  if (good && std::rename(beside.c_str(), path.c_str()) != 0) {
    good = false;
    cause = path + ": cannot write: " + because();
  }
  if (!good) ::unlink(beside.c_str());
  return good;
}

bool read_graph_file(const std::string& path, Graph& out, std::string& error) {
  const bool standard_input = path == "-";
  const std::string name = standard_input ? "standard input" : path;
  const int fd = standard_input ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    error = name + ": cannot read: " + because();
    return false;
  }
  std::string text;
  const bool good = read_all(fd, text);
  const std::string why = because();
  if (!standard_input) ::close(fd);
  if (!good) {
    error = name + ": cannot read: " + why;
    return false;
  }
  if (text.empty()) {
    error = name + ": offset 0: the file is empty";
    return false;
  }
  ReadError failed;
  if (from_json(text, out, failed)) return true;
  error = name + ": " + failed.position + ": " + failed.cause;
  return false;
}

bool looks_like_graph(std::string_view head) {
  for (const char c : head) {
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') continue;
    return c == '{';
  }
  return false;
}

}  // namespace crossdep::reports
