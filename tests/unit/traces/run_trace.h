// SPDX-License-Identifier: MIT
//
// Runs a trace given as text or file through its reader, Replay and the engine, and keeps what came out.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "collector.h"
#include "traces/ftrace_reader.h"
#include "traces/open.h"
#include "traces/replay.h"
#include "traces/text_reader.h"
#include "traces/text_writer.h"

namespace crossdep::traces_test {

/// A file in memory holding `content`, positioned at its beginning.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view content) : fd_(::memfd_create("test", MFD_CLOEXEC)) {
    while (!content.empty()) {
      const ssize_t put = ::write(fd_, content.data(), content.size());
      if (put <= 0) break;
      content.remove_prefix(static_cast<std::size_t>(put));
    }
    ::lseek(fd_, 0, SEEK_SET);
  }
  ~MemoryFile() { ::close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  int fd() const { return fd_; }
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

struct Judged {
  traces::Status status;
  Collector found;
  std::vector<std::string> notes;
  std::uint64_t events = 0, undefined = 0, lost = 0;
  bool consistent = false;

  std::vector<std::string> summary(engine::Verdict least = engine::Verdict::kRefuted) const { return found.summary(least); }
  bool noted(std::string_view part) const {
    for (const std::string& note : notes)
      if (note.find(part) != std::string::npos) return true;
    return false;
  }
};

/// read(fd, consumer) gives the events.
template <class Reader>
Judged judge_file(std::string_view content, Reader&& read) {
  Judged out;
  MemoryFile file(content);
  traces::Replay replay(out.found);
  out.status = read(file.fd(), replay);
  replay.finish();
  out.notes = replay.notes();
  out.events = replay.total_event_count();
  out.undefined = replay.undefined_count();
  out.lost = replay.lost_count();
  out.consistent = replay.engine().check_invariants();
  return out;
}

/// read(lines, consumer) gives the events.
template <class Reader>
Judged judge_with(std::string_view content, Reader&& read) {
  return judge_file(content, [&read](int fd, traces::EventConsumer& consumer) {
    traces::LineSource source(fd);
    return read(source, consumer);
  });
}

inline Judged judge_text(std::string_view content) {
  return judge_with(content, [](traces::LineSource& source, traces::EventConsumer& consumer) {
    return traces::read_text(source, "test.cdt", consumer);
  });
}

inline Judged judge_ftrace(std::string_view content) {
  return judge_with(content, [](traces::LineSource& source, traces::EventConsumer& consumer) {
    return traces::read_ftrace(source, "test.ftrace", consumer);
  });
}

/// The same trace as the text writer tells it.
inline std::string as_text(std::string_view content) {
  MemoryFile file(content);
  std::string out;
  traces::TextWriter writer([&out](std::string_view piece) {
    out += piece;
    return true;
  });
  traces::TraceFile trace;
  if (trace.open(file.path()).ok()) trace.read_events(writer);
  writer.finish();
  return out;
}

inline std::string data_path(const std::string& name) { return std::string(CROSSDEP_TEST_DATA) + "/data/" + name; }

/// The file's content, unpacked by xz if its name says so; empty if it cannot be had.
inline std::string load(const std::string& name) {
  const std::string path = data_path(name);
  const bool packed = path.size() > 3 && path.compare(path.size() - 3, 3, ".xz") == 0;
  std::FILE* file = packed ? ::popen(("xz -dc '" + path + "'").c_str(), "r") : std::fopen(path.c_str(), "rb");
  std::string out;
  if (file == nullptr) return out;
  char block[65536];
  for (std::size_t got; (got = std::fread(block, 1, sizeof block, file)) > 0;) out.append(block, got);
  if (packed) ::pclose(file);
  else std::fclose(file);
  return out;
}

}  // namespace crossdep::traces_test
