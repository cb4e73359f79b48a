// SPDX-License-Identifier: MIT
//
// See jobs.h. Each child writes its unit into a pipe. The cache holds units by a fingerprint of the preprocessed text, the
// flags and this program's version; a damaged entry is read again.
//
// Threading: one thread; children.  Allocation: the heap.
#include "source/jobs.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "reports/digest.h"
#include "reports/version.h"
#include "source/lower.h"
#include "source/preprocess.h"
#include "source/serialise.h"

namespace crossdep::source {
namespace {

constexpr const char* kCacheVersion = "5";

std::string cache_path(const std::string& folder, const CompileCommand& command, const std::string& text) {
  reports::Digest first, second;
  first.add(kCacheVersion).add(reports::kVersion).add(command.file).add(text);
  second.add("second").add(text).add(command.cxx ? "c++" : "c");
  for (const std::string& flag : command.flags) first.add(flag), second.add(flag);
  return folder + "/" + first.hex(16) + second.hex(16) + ".unit";
}

std::string read_one(const CompileCommand& command, const std::string& cache) {
  Unit unit;
  unit.file = command.file;
  std::string text;
  if (!preprocess(command, text, unit.failure)) return serialise(unit);
  std::string path;
  if (!cache.empty()) {
    path = cache_path(cache, command, text);
    std::ifstream in(path, std::ios::binary);
    std::stringstream bytes;
    if (in && bytes << in.rdbuf() && deserialise(bytes.str(), unit)) return bytes.str();
  }
  unit = read_unit(command.file, command.cxx, command.flags, text);
  const std::string bytes = serialise(unit);
  if (!path.empty() && unit.failure.empty()) {
    const std::string beside = path + "." + std::to_string(getpid());
    std::ofstream out(beside, std::ios::binary);
    out << bytes;
    out.close();
    std::error_code ignored;
    if (out) std::filesystem::rename(beside, path, ignored);
    else std::filesystem::remove(beside, ignored);
  }
  return bytes;
}

struct Child {
  pid_t pid = -1;
  int fd = -1;
  std::size_t index = 0;
  std::string bytes;
  std::string failure;   // if there are no bytes that say otherwise
};

bool start(Child& child, const CompileCommand& command, const std::string& cache) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return false;
  child.pid = fork();
  if (child.pid == 0) {
    close(ends[0]);
    signal(SIGPIPE, SIG_DFL);
    std::string bytes;
    try {
      bytes = read_one(command, cache);
    } catch (const std::exception&) {
      _exit(1);
    }
    for (std::size_t done = 0; done < bytes.size();) {
      const ssize_t n = write(ends[1], bytes.data() + done, bytes.size() - done);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) _exit(1);
      done += static_cast<std::size_t>(n);
    }
    _exit(0);
  }
  close(ends[1]);
  if (child.pid < 0) {
    close(ends[0]);
    return false;
  }
  child.fd = ends[0];
  return true;
}

void finish(Child& child) {
  close(child.fd);
  int status = 0;
  while (waitpid(child.pid, &status, 0) < 0 && errno == EINTR) {}
  child.failure = "libclang gave up on it" + (WIFSIGNALED(status) ? " (signal " + std::to_string(WTERMSIG(status)) + ")" : std::string());
}

void result_of(const Child& child, const CompileCommand& command, Unit& unit) {
  if (deserialise(child.bytes, unit)) return;
  unit = Unit();
  unit.file = command.file;
  unit.failure = command.file + ": " + child.failure;
}

}  // namespace

void read_units(const std::vector<CompileCommand>& commands, const JobOptions& options, const std::function<void(std::size_t, Unit&&)>& each) {
  if (!options.cache.empty()) {
    std::error_code ignored;
    std::filesystem::create_directories(options.cache, ignored);
  }
  std::vector<Child> running;
  std::map<std::size_t, Child> waiting;   // finished before another that comes first
  std::size_t next = 0, done = 0, given = 0;
  const auto give = [&] {
    for (auto at = waiting.begin(); at != waiting.end() && at->first == given; at = waiting.erase(at), ++given) {
      Unit unit;
      result_of(at->second, commands[given], unit);
      each(given, std::move(unit));
    }
  };
  while (next < commands.size() || !running.empty()) {
    while (running.size() < options.jobs && next < commands.size()) {
      Child child;
      child.index = next;
      if (!start(child, commands[next], options.cache)) {
        if (!running.empty()) break;   // too many processes: wait for one of ours
        child.failure = "no process to read it in";
        waiting.emplace(next++, std::move(child));
        give();
        continue;
      }
      ++next;
      running.push_back(std::move(child));
    }
    std::vector<pollfd> ends;
    for (const Child& child : running) ends.push_back({child.fd, POLLIN, 0});
    if (poll(ends.data(), ends.size(), -1) < 0 && errno != EINTR) break;
    for (std::size_t i = running.size(); i-- > 0;) {
      if (ends[i].revents == 0) continue;
      char buffer[1 << 16];
      const ssize_t n = read(running[i].fd, buffer, sizeof buffer);
      if (n < 0 && errno == EINTR) continue;
      if (n > 0) {
        running[i].bytes.append(buffer, static_cast<std::size_t>(n));
        continue;
      }
      finish(running[i]);
      waiting.emplace(running[i].index, std::move(running[i]));
      running.erase(running.begin() + static_cast<std::ptrdiff_t>(i));
      if (options.progress) options.progress(++done, commands.size());
    }
    give();
  }
}

}  // namespace crossdep::source
