// SPDX-License-Identifier: MIT
//
// What recording costs and how fast a record is read: ns per event written (the file system matters), bytes per event,
// events/s decoded and merged, all in processor time. Prints numbers, asserts nothing; best of several rounds.
//
//   record_bench [DIRECTORY]      default: the directory for temporary files
//
// Threading: starts threads.  Allocation: the heap.
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "../no_sink.h"
#include "record/journal.h"
#include "record/stream.h"
#include "traces/native_trace.h"
#include "traces/replay.h"
#include "traces/validator.h"

using namespace crossdep;
using tests::NoSink;
using engine::Kind;
using engine::kNone;
using engine::Mode;

namespace {

/// Of this thread's processor time, the kernel's part included: other load on the machine does not count.
double seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

struct Counter final : traces::EventConsumer {
  std::uint64_t events = 0, sum = 0;
  void on_class(const traces::ClassDefinition&) override {}
  void on_lock(const traces::LockDefinition&) override {}
  void on_context(const traces::ContextDefinition&) override {}
  void on_event(const traces::Event&) override { ++events; }
  void on_events(const traces::Event* all, std::size_t count) override {
    events += count;
    for (std::size_t i = 0; i < count; ++i) sum += all[i].lock + all[i].site;
  }
};

record::ProcessInfo process() { return {static_cast<std::uint32_t>(::getpid()), 1, "/bench", "bench", 6}; }

void open(record::Journal& journal, const std::string& path, std::uint32_t locks) {
  if (!journal.open(path.c_str(), process())) std::exit(1);
  journal.on_class({0, engine::ClassKey::kNamed, Kind::kMutex, 0, 0, 0, 0, 0, "only", 4});
  for (std::uint32_t id = 0; id < locks; ++id) journal.on_instance({id, 0, Kind::kMutex, 0, id * 64});
}

void pairs(record::Stream& stream, std::vector<std::atomic<std::uint32_t>>& numbers, std::uint32_t locks,
           std::uint32_t count) {
  std::vector<std::uint32_t> chosen(8192);
  std::uint32_t random = 1;
  for (std::uint32_t& id : chosen) {
    random = random * 1664525 + 1013904223;
    id = (random >> 8) % locks;
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t id = chosen[i % 8192];
    const engine::Site site = 0x7f1234560000 + id % 16 * 40;
    std::atomic<std::uint32_t>& number = numbers[id];
    stream.request(id, number.load(std::memory_order_relaxed), Mode::kWrite, 0, site);
    const std::uint32_t n = number.load(std::memory_order_relaxed);
    stream.acquired(id, n + 1, Mode::kWrite, 0, site);
    number.store(n + 2, std::memory_order_relaxed);
    stream.release(id, n + 2, site + 24);
  }
}

void one_thread(const std::string& path, std::uint32_t locks) {
  constexpr std::uint32_t kPairs = 3'000'000;
  double best_write = 1e9, best_read = 1e9, best_validated = 1e9, best_judged = 1e9;
  double size = 0;
  for (int round = 0; round < 3; ++round) {
    record::Journal journal;
    open(journal, path, locks);
    std::vector<std::atomic<std::uint32_t>> numbers(locks);
    auto stream = std::make_unique<record::Stream>();
    stream->open(journal, 0);
    stream->context_begin(kNone, engine::ContextKind::kThread, 1, kNone, false, journal.tick());
    const double begin = seconds();
    pairs(*stream, numbers, locks, kPairs);
    best_write = std::min(best_write, seconds() - begin);
    stream->close();
    journal.close();

    traces::Container container;
    Counter counter;
    traces::TraceFacts facts;
    const double start = seconds();
    if (!container.open(path).ok() || !traces::read_native_trace(container, counter, facts).ok()) std::exit(1);
    best_read = std::min(best_read, seconds() - start);
    const auto again = [&](traces::EventConsumer& next, double& best) {
      traces::Validator validator(next, traces::ValidatorRules::of(traces::Format::kNative), path, traces::Status::Unit::kOffset);
      const double from = seconds();
      if (!traces::read_native_trace(container, validator, facts).ok() || validator.total() != 0) std::exit(1);
      best = std::min(best, seconds() - from);
    };
    Counter validated;
    again(validated, best_validated);
    NoSink sink;
    traces::Replay replay(sink);
    again(replay, best_judged);
    size = 0;
    for (const auto& part : container.streams()[0].parts) size += static_cast<double>(part.extent.end - part.extent.begin);
    if (counter.events != 3ull * kPairs) std::printf("  %llu events?\n", static_cast<unsigned long long>(counter.events));
  }
  std::printf("%6u locks: write %5.2f ns/event (%5.2f ns per lock+unlock), %4.2f bytes/event,\n"
              "              read %6.1f M events/s, validated %6.1f, judged %6.1f\n", locks,
              best_write * 1e9 / (3.0 * kPairs), best_write * 1e9 / kPairs, size / (3.0 * kPairs),
              3.0 * kPairs / best_read / 1e6, 3.0 * kPairs / best_validated / 1e6, 3.0 * kPairs / best_judged / 1e6);
}

void many_threads(const std::string& path, unsigned threads) {
  constexpr unsigned kPairs = 200'000;
  constexpr std::uint32_t kLocks = 4;
  struct alignas(64) Lock {
    std::mutex mutex;
    std::atomic<std::uint32_t> number{0};
  };
  record::Journal journal;
  open(journal, path, kLocks);
  std::vector<Lock> locks(kLocks);
  std::vector<std::thread> running;
  for (std::uint32_t t = 0; t < threads; ++t)
    running.emplace_back([&, t] {
      auto stream = std::make_unique<record::Stream>();
      stream->open(journal, t);
      stream->context_begin(kNone, engine::ContextKind::kThread, t, kNone, false, journal.tick());
      for (unsigned i = 0; i < kPairs; ++i) {
        const std::uint32_t id = (i * 7 + t) % kLocks;
        Lock& lock = locks[id];
        stream->request(id, lock.number.load(std::memory_order_relaxed), Mode::kWrite, 0, 1 + id);
        lock.mutex.lock();
        stream->acquired(id, lock.number.fetch_add(1, std::memory_order_relaxed) + 1, Mode::kWrite, 0, 1 + id);
        stream->release(id, lock.number.fetch_add(1, std::memory_order_relaxed) + 1, 9);
        lock.mutex.unlock();
      }
      stream->close();
    });
  for (std::thread& thread : running) thread.join();
  journal.close();
  Counter counter;
  traces::TraceFacts facts;
  const double start = seconds();
  traces::read_native_trace(path, counter, facts);
  std::printf("%6u threads on 4 locks: read and merged %6.1f M events/s\n", threads,
              static_cast<double>(counter.events) / (seconds() - start) / 1e6);
}

void short_threads(const std::string& path) {
  constexpr std::uint32_t kThreads = 20'000;
  record::Journal journal;
  open(journal, path, 1);
  auto stream = std::make_unique<record::Stream>();
  const double begin = seconds();
  for (std::uint32_t id = 0; id < kThreads; ++id) {
    stream->open(journal, id);
    stream->context_begin(kNone, engine::ContextKind::kThread, id, kNone, false, journal.tick());
    stream->close();
  }
  std::printf("%6u streams opened and closed: %5.0f ns each\n", kThreads, (seconds() - begin) * 1e9 / kThreads);
  journal.close();
  Counter counter;
  traces::TraceFacts facts;
  const double start = seconds();
  traces::read_native_trace(path, counter, facts);
  std::printf("       read again: %5.0f ns each\n", (seconds() - start) * 1e9 / kThreads);
}

}  // namespace

int main(int argc, char** argv) {
  const char* fallback = std::getenv("TMPDIR");
  const std::string directory = argc > 1 ? argv[1] : fallback != nullptr ? fallback : "/tmp";
  const std::string path = directory + "/crossdep-record-bench." + std::to_string(::getpid());
  for (const std::uint32_t locks : {1u, 8u, 100u, 1000u}) one_thread(path, locks);
  for (const unsigned threads : {2u, 8u, 64u}) many_threads(path, threads);
  short_threads(path);
  ::unlink(path.c_str());
  return 0;
}
