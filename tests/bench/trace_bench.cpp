// SPDX-License-Identifier: MIT
//
// What reading a trace costs. Text formats are printed in MB/s beside the baseline of the same process (finding the line
// ends of the same bytes), events in million/s, because machines are noisy. Prints, asserts nothing.
//
//   ftrace, parse     the line parser alone
//   ftrace, events    reader and kernel model, events dropped
//   ftrace, judged    reader, kernel model and engine
//   text, judged      the text trace, reader and engine
//   rapid, events     RAPID's text; mostly reads and writes of variables, as those traces are
//   rapid, judged     with validator and engine
//   replay            events that lie in memory, engine only: few chains (each context repeats itself), many chains (10 000
//                     pairs of locks, more than a context's cache of chain keys holds)
//
//   trace.dat         the file given, records of the kernel's lock events, read and judged
//
// Run: trace_bench [FTRACE-FILE | TRACE.DAT]
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "../no_sink.h"
#include "timing.h"
#include "traces/ftrace_line.h"
#include "traces/ftrace_reader.h"
#include "traces/rapid_reader.h"
#include "traces/replay.h"
#include "traces/text_reader.h"
#include "traces/trace_dat_reader.h"
#include "traces/validator.h"

using namespace crossdep;
using tests::NoSink;
using namespace crossdep::traces;

using bench::best_of;
using bench::now;

namespace {

class NoConsumer final : public EventConsumer {
 public:
  void on_class(const ClassDefinition&) override {}
  void on_lock(const LockDefinition&) override {}
  void on_context(const ContextDefinition&) override {}
  void on_event(const Event&) override { ++events; }
  std::uint64_t events = 0;
};

// A file in memory, so that the disk is not measured.
int memory_file(const std::string& content) {
  const int fd = ::memfd_create("bench", MFD_CLOEXEC);
  std::size_t done = 0;
  while (done < content.size()) {
    const ssize_t put = ::write(fd, content.data() + done, content.size() - done);
    if (put <= 0) break;
    done += static_cast<std::size_t>(put);
  }
  return fd;
}

// Eight tasks taking 200 pairs of nested locks, as a kernel's recording would tell it.
std::string make_ftrace(std::size_t bytes) {
  std::string out = "# tracer: nop\n#\n";
  char line[200];
  std::uint32_t state = 7;
  for (unsigned i = 0; out.size() < bytes; ++i) {
    state = state * 1664525 + 1013904223;
    const unsigned task = 100 + i % 8, outer = (state >> 16) % 100, inner = 100 + (outer * 7 + (state >> 8) % 2) % 100;
    const auto put = [&](const char* event, unsigned lock) {
      const int length = std::snprintf(line, sizeof line, "     kworker/%u:1-%u       [%03u] d..2.  %3u.%06u: %s: ffff8880%08x &dentry->d_lock_%u\n",
                                       task % 8, task, task % 8, i / 1000000, i % 1000000, event, lock * 64, lock);
      out.append(line, static_cast<std::size_t>(length));
    };
    put("lock_acquire", outer);
    put("lock_acquired", outer);
    put("lock_acquire", inner);
    put("lock_acquired", inner);
    put("lock_release", inner);
    put("lock_release", outer);
  }
  return out;
}

std::string make_text(std::size_t bytes) {
  std::string out = "# crossdep-text 1\n";
  std::uint32_t state = 7;
  for (unsigned i = 0; out.size() < bytes; ++i) {
    state = state * 1664525 + 1013904223;
    const unsigned first = (state >> 16) % 100;
    const std::string task = "T" + std::to_string(i % 8), outer = "L" + std::to_string(first),
                      inner = "L" + std::to_string(100 + (first * 7 + (state >> 8) % 2) % 100);
    out += task + " acquire " + outer + " class=C" + outer + " site=file.c:10\n" + task + " acquire " + inner + " class=C" + inner +
           " site=file.c:11\n" + task + " release " + inner + "\n" + task + " release " + outer + "\n";
  }
  return out;
}

void bench_ftrace(const std::string& content) {
  const double megabytes = static_cast<double>(content.size()) / 1e6;
  const int fd = memory_file(content);
  std::uint64_t lines = 0, bytes = 0;
  const double floor = best_of(3, [&] {
    ::lseek(fd, 0, SEEK_SET);
    LineSource source(fd);
    std::string_view line;
    lines = 0;
    while (source.next(line)) ++lines, bytes += line.size();
  });
  std::printf("line ends           %8.0f MB/s   (%llu lines of %.0f bytes)\n", megabytes / floor,
              static_cast<unsigned long long>(lines), static_cast<double>(content.size()) / static_cast<double>(lines));
  const double parse = best_of(3, [&] {
    ::lseek(fd, 0, SEEK_SET);
    LineSource source(fd);
    std::string_view line;
    FtraceLine parsed;
    while (source.next(line)) bytes += parse_ftrace_line(line, parsed) ? parsed.pid : 0;
  });
  std::printf("ftrace, parse       %8.0f MB/s   %.2fx the time of line ends\n", megabytes / parse, parse / floor);
  std::uint64_t events = 0;
  const double model = best_of(3, [&] {
    ::lseek(fd, 0, SEEK_SET);
    LineSource source(fd);
    NoConsumer consumer;
    read_ftrace(source, "bench", consumer);
    events = consumer.events;
  });
  std::printf("ftrace, events      %8.0f MB/s   %.2fx, %.1f M events/s\n", megabytes / model, model / floor,
              static_cast<double>(events) / model / 1e6);
  const double judged = best_of(3, [&] {
    ::lseek(fd, 0, SEEK_SET);
    LineSource source(fd);
    NoSink sink;
    Replay replay(sink);
    read_ftrace(source, "bench", replay);
    replay.finish();
  });
  std::printf("ftrace, judged      %8.0f MB/s   %.2fx, %.1f M events/s\n", megabytes / judged, judged / floor,
              static_cast<double>(events) / judged / 1e6);
  ::close(fd);
  if (bytes == 0) std::printf("nothing read\n");
}

void bench_text() {
  const std::string content = make_text(40'000'000);
  const int fd = memory_file(content);
  std::uint64_t events = 0;
  const double took = best_of(3, [&] {
    ::lseek(fd, 0, SEEK_SET);
    LineSource source(fd);
    NoSink sink;
    Replay replay(sink);
    read_text(source, "bench", replay);
    replay.finish();
    events = replay.total_event_count();
  });
  std::printf("text, judged        %8.0f MB/s   %.1f M events/s\n", static_cast<double>(content.size()) / 1e6 / took,
              static_cast<double>(events) / took / 1e6);
  ::close(fd);
}

// Eight threads, 50 locks, seven accesses to a pair of locks.
std::string make_rapid(std::size_t bytes) {
  std::string out;
  std::uint32_t state = 7;
  for (unsigned i = 0; out.size() < bytes; ++i) {
    state = state * 1664525 + 1013904223;
    const std::string thread = "T" + std::to_string(i % 8), lock = "(L" + std::to_string((state >> 16) % 50) + ")|";
    out += thread + "|acq" + lock + std::to_string(1000 + i % 700) + "\n";
    for (unsigned access = 0; access < 7; ++access)
      out += thread + (access % 3 == 0 ? "|w(V" : "|r(V") + std::to_string((state >> access) % 5000) + ")|" + std::to_string(2000 + (i + access) % 700) + "\n";
    out += thread + "|rel" + lock + std::to_string(3000 + i % 700) + "\n";
  }
  return out;
}

void bench_rapid() {
  const std::string content = make_rapid(60'000'000);
  const double megabytes = static_cast<double>(content.size()) / 1e6;
  const int fd = memory_file(content);
  std::uint64_t events = 0;
  const double read = best_of(3, [&] {
    ::lseek(fd, 0, SEEK_SET);
    LineSource source(fd);
    NoConsumer consumer;
    read_rapid_text(source, "bench", consumer);
    events = consumer.events;
  });
  const double judged = best_of(3, [&] {
    ::lseek(fd, 0, SEEK_SET);
    LineSource source(fd);
    NoSink sink;
    Replay replay(sink);
    Validator validator(replay, ValidatorRules::of(Format::kRapid), "bench", Status::Unit::kLine);
    read_rapid_text(source, "bench", validator);
    replay.finish();
  });
  for (const auto& [name, took] : {std::pair{"rapid, events       ", read}, std::pair{"rapid, judged       ", judged}})
    std::printf("%s%8.0f MB/s   %.1f M events/s\n", name, megabytes / took, static_cast<double>(events) / took / 1e6);
  ::close(fd);
}

void bench_replay(const char* name, bool many) {
  constexpr std::uint32_t kLocks = 200, kTasks = 8;
  std::vector<Event> events;
  std::uint32_t state = 7;
  const auto put = [&](EventKind kind, std::uint32_t task, std::uint32_t lock) {
    Event event;
    event.kind = kind;
    event.context = task;
    event.lock = lock;
    event.site = lock + 1;
    events.push_back(event);
  };
  for (std::uint32_t i = 0; i < 300'000; ++i) {
    state = state * 1664525 + 1013904223;
    const std::uint32_t task = i % kTasks, outer = (state >> 16) % 100;
    const std::uint32_t inner = 100 + (many ? (state >> 8) % 100 : (outer * 7 + (state >> 8) % 2) % 100);
    put(EventKind::kRequest, task, outer);
    put(EventKind::kAcquired, task, outer);
    put(EventKind::kRequest, task, inner);
    put(EventKind::kAcquired, task, inner);
    put(EventKind::kRelease, task, inner);
    put(EventKind::kRelease, task, outer);
  }
  constexpr int kRounds = 10;
  const double took = best_of(3, [&] {
    NoSink sink;
    Replay replay(sink);
    for (std::uint32_t lock = 0; lock < kLocks; ++lock) {
      const std::string name = "C" + std::to_string(lock);
      ClassDefinition its_class;
      its_class.id = lock;
      its_class.name = name;
      replay.on_class(its_class);
      LockDefinition definition;
      definition.id = definition.class_id = lock;
      definition.kind = engine::Kind::kMutex;
      definition.address = 0x1000 + 64 * lock;
      replay.on_lock(definition);
    }
    for (std::uint32_t task = 0; task < kTasks; ++task) {
      ContextDefinition definition;
      definition.id = task;
      definition.name = "t";
      replay.on_context(definition);
    }
    for (int round = 0; round < kRounds; ++round) replay.on_events(events.data(), events.size());
  });
  std::printf("%-34s%.1f M events/s\n", name,
              static_cast<double>(events.size()) * kRounds / took / 1e6);
}

void bench_trace_dat(const std::string& path) {
  std::uint64_t events = 0;
  Status status;
  const double read = best_of(3, [&] {
    NoConsumer consumer;
    status = read_trace_dat(path, path, consumer);
    events = consumer.events;
  });
  if (!status.ok()) {
    std::printf("trace.dat: %s\n", status.text().c_str());
    return;
  }
  const double judged = best_of(3, [&] {
    NoSink sink;
    Replay replay(sink);
    read_trace_dat(path, path, replay);
    replay.finish();
  });
  std::printf("trace.dat, events   %8.1f M events/s\ntrace.dat, judged   %8.1f M events/s\n", static_cast<double>(events) / read / 1e6,
              static_cast<double>(events) / judged / 1e6);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) {
    std::ifstream file(argv[1], std::ios::binary);
    const std::string once{std::istreambuf_iterator<char>(file), {}};
    if (once.empty()) {
      std::fprintf(stderr, "trace_bench: %s cannot be read\n", argv[1]);
      return 2;
    }
    if (looks_like_trace_dat(once)) {
      bench_trace_dat(argv[1]);
      return 0;
    }
    std::string content;
    while (content.size() < 60'000'000) content += once;
    bench_ftrace(content);
    return 0;
  }
  bench_ftrace(make_ftrace(60'000'000));
  bench_text();
  bench_rapid();
  bench_replay("replay, few chains", false);
  bench_replay("replay, many chains", true);
  return 0;
}
