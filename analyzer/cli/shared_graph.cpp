// SPDX-License-Identifier: MIT
//
// See shared_graph.h. Whoever holds the lock removes the lock file before letting go of it; whoever then gets the lock of
// a file that has no name any more opens the next one.
//
// Threading and allocation: see shared_graph.h.
#include "cli/shared_graph.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "cli/command.h"
#include "cli/output.h"
#include "reports/json.h"
#include "reports/merge.h"

namespace crossdep::cli {
namespace {

class FileLock {
 public:
  explicit FileLock(const std::string& path) : path_(path + ".lock") {
    for (;;) {
      fd_ = open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
      if (fd_ < 0) return;
      int done;
      do done = flock(fd_, LOCK_EX);
      while (done != 0 && errno == EINTR);
      struct stat ours, named;
      const bool current = done == 0 && fstat(fd_, &ours) == 0 && stat(path_.c_str(), &named) == 0 &&
                           ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
      if (current) return;
      const int trouble = errno;
      close(fd_);
      fd_ = -1;
      if (done == 0) continue;
      errno = trouble;
      return;
    }
  }
  ~FileLock() {
    if (fd_ < 0) return;
    unlink(path_.c_str());
    close(fd_);
  }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

  bool held() const { return fd_ >= 0; }
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
  int fd_ = -1;
};

}  // namespace

bool add_to_graph(const std::string& path, const reports::Graph& graph) {
  const FileLock lock(path);
  if (!lock.held()) {
    error(lock.path() + ": cannot lock: " + std::strerror(errno));
    return false;
  }
  reports::Merger merger;
  merger.add(graph);
  struct stat info;
  if (stat(path.c_str(), &info) == 0) {
    reports::Graph there;
    std::string cause;
    if (!reports::read_graph_file(path, there, cause)) {
      error(cause + "; nothing is added to it");
      return false;
    }
    merger.add(std::move(there));
  }
  return write_graph(path, merger.take());
}

}  // namespace crossdep::cli
