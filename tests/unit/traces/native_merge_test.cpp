// SPDX-License-Identifier: MIT
//
// The merged order against the real one: random interleavings of simulated threads (one real thread, so the real order is
// known exactly), real threads with real locks, and a process killed in the middle.
//
// Threading: some tests start threads.  Allocation: the heap.
#include <sys/wait.h>

#include <atomic>
#include <csignal>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "catch.hpp"
#include "native_support.h"

using namespace native_test;
using engine::ContextKind;
using engine::Kind;
using engine::kNone;
using engine::Mode;
using traces::EventKind;

namespace {

/// One event as it really happened, in real order. Its site names it.
struct Fact {
  EventKind kind;
  std::uint32_t context, lock;
  std::uint64_t clock;          // after it
};

void define_class(record::Journal& journal) {
  journal.on_class({0, engine::ClassKey::kNamed, Kind::kMutex, 0, 0, 0, 0, 0, "only", 4});
}

}  // namespace

TEST_CASE("the merged order can have happened", "[native]") {
  Directory directory;
  std::mt19937 random(4711);
  for (int round = 0; round < 30; ++round) {
    const std::string path = directory.file("r" + std::to_string(round));
    constexpr std::uint32_t kThreads = 5, kLocks = 6;
    record::Journal journal;
    REQUIRE(journal.open(path.c_str(), process()));
    define_class(journal);
    std::vector<record::Stream> streams(kThreads);
    std::vector<std::uint64_t> numbers(kLocks);
    std::vector<int> owner(kLocks, -1);
    std::vector<std::vector<std::uint32_t>> held(kThreads);
    std::vector<int> asked(kThreads, -1);
    std::vector<Fact> facts;
    const auto site = [&] { return 0x1000 + facts.size(); };
    for (std::uint32_t t = 0; t < kThreads; ++t) {
      REQUIRE(streams[t].open(journal, t));
      streams[t].context_begin(kNone, ContextKind::kThread, t, kNone, false, journal.tick());
    }
    for (std::uint32_t l = 0; l < kLocks; ++l) streams[0].init(l, 0, Kind::kMutex, 0, l * 64, ++numbers[l], 0);
    const auto put = [&](EventKind kind, std::uint32_t t, std::uint32_t l, auto write) {
      write(site());
      facts.push_back({kind, t, l, journal.seen()});
    };
    for (int step = 0; step < 3000; ++step) {
      const std::uint32_t t = random() % kThreads;
      record::Stream& stream = streams[t];
      if (asked[t] >= 0) {   // it waits for a lock
        const auto l = static_cast<std::uint32_t>(asked[t]);
        if (owner[l] >= 0) continue;
        owner[l] = static_cast<int>(t);
        asked[t] = -1;
        held[t].push_back(l);
        put(EventKind::kAcquired, t, l, [&](auto s) { stream.acquired(l, ++numbers[l], Mode::kWrite, 0, s); });
        continue;
      }
      const unsigned what = random() % 10;
      if (what < 4 && held[t].empty()) {
        const std::uint32_t l = random() % kLocks;
        asked[t] = static_cast<int>(l);
        put(EventKind::kRequest, t, l, [&](auto s) { stream.request(l, numbers[l], Mode::kWrite, 0, s); });
      } else if (what < 8 && !held[t].empty()) {
        const std::uint32_t l = held[t].back();
        held[t].pop_back();
        owner[l] = -1;
        put(EventKind::kRelease, t, l, [&](auto s) { stream.release(l, ++numbers[l], s); });
      } else if (what == 8) {
        put(EventKind::kSignal, t, 0, [&](auto s) { stream.signal(0, 1, journal.tick(), s); });
      } else if (what == 9 && random() % 4 == 0) {
        // The way of a real thread: many steps with nobody else in between, so that streams differ in length.
        for (int i = 0; i < 20 && held[t].empty(); ++i)
          put(EventKind::kMightLock, t, 0, [&](auto s) { stream.might_lock(0, Mode::kRead, s); });
      }
    }
    for (record::Stream& stream : streams) stream.close();
    journal.close();

    Log log;
    traces::TraceFacts trace_facts;
    const traces::Status status = traces::read_native_trace(path, log, trace_facts);
    CAPTURE(round, status.text());
    REQUIRE(status.ok());
    REQUIRE(trace_facts.missing_numbers + trace_facts.out_of_order + trace_facts.skipped_ticks == 0);
    REQUIRE(log.events.size() == facts.size());
    std::map<std::uint32_t, std::size_t> last_of_context, last_of_lock;
    std::uint64_t clock = kThreads, wrong = 0;
    std::vector<bool> given(facts.size());
    for (const traces::Event& event : log.events) {
      const std::size_t index = event.site - 0x1000;
      REQUIRE(index < facts.size());
      const Fact& fact = facts[index];
      wrong += given[index] || fact.kind != event.kind || fact.context != event.context || fact.lock != event.lock;
      given[index] = true;
      // In the order of its thread.
      const auto [context, first] = last_of_context.try_emplace(fact.context, index);
      wrong += !first && context->second >= index;
      context->second = index;
      if (fact.kind == EventKind::kSignal) wrong += ++clock != fact.clock;
      if (fact.kind == EventKind::kRequest) wrong += clock != fact.clock;   // between the same two signals as live
      if (fact.kind == EventKind::kRequest || fact.kind == EventKind::kAcquired || fact.kind == EventKind::kRelease) {
        // In the order of its lock; a request may come late, but not before what it saw.
        const auto [lock, fresh] = last_of_lock.try_emplace(fact.lock, 0);
        if (fact.kind == EventKind::kRequest) {
          for (std::size_t i = index; i-- > 0;)
            if (facts[i].lock == fact.lock && (facts[i].kind == EventKind::kAcquired || facts[i].kind == EventKind::kRelease)) {
              wrong += !given[i];
              break;
            }
        } else {
          wrong += lock->second > index;
          lock->second = index;
        }
      }
    }
    REQUIRE(wrong == 0);
    // The same bytes give the same order.
    Log again;
    traces::TraceFacts again_facts;
    traces::read_native_trace(path, again, again_facts);
    REQUIRE(again.lines == log.lines);
  }
}

namespace {

struct RealLock {
  std::mutex mutex;
  std::atomic<std::uint64_t> number{1};   // its init was the first event
  std::vector<std::uint32_t> owners;     // written by the owner: the truth
};

/// By a thread that was there before the others.
void init_locks(record::Journal& journal, std::uint32_t count) {
  record::Stream stream{};
  stream.open(journal, 1000);
  stream.context_begin(kNone, ContextKind::kThread, 1000, kNone, false, journal.tick());
  for (std::uint32_t id = 0; id < count; ++id) stream.init(id, 0, Kind::kMutex, 0, id * 64, 1, 0);
  stream.close();
}

/// Threads that take two real locks in order, each writing its stream; the truth is kept by the lock itself.
void hammer(record::Journal& journal, std::vector<RealLock>& locks, std::uint32_t context, unsigned pairs) {
  record::Stream stream{};
  stream.open(journal, context);
  stream.context_begin(kNone, ContextKind::kThread, context, kNone, false, journal.tick());
  std::mt19937 random(context);
  for (unsigned i = 0; i < pairs; ++i) {
    const std::uint32_t id = random() % locks.size();
    RealLock& lock = locks[id];
    stream.request(id, lock.number.load(std::memory_order_relaxed), Mode::kWrite, 0, 1 + id);
    lock.mutex.lock();
    stream.acquired(id, lock.number.fetch_add(1, std::memory_order_relaxed) + 1, Mode::kWrite, 0, 1 + id);
    lock.owners.push_back(context);
    stream.release(id, lock.number.fetch_add(1, std::memory_order_relaxed) + 1, 2 + id);
    lock.mutex.unlock();
    if (i % 1000 == 0) stream.signal(id, 1, journal.tick(), 3);
  }
  stream.context_end(journal.tick(), 0);
  stream.close();
}

void check_hammered(const std::string& path, const std::vector<RealLock>& locks, unsigned threads, unsigned pairs) {
  Log log;
  traces::TraceFacts facts;
  const traces::Status status = traces::read_native_trace(path, log, facts);
  CAPTURE(status.text());
  CHECK(status.ok());
  CHECK(facts.missing_numbers + facts.out_of_order + facts.skipped_ticks + facts.holes == 0);
  std::vector<std::vector<std::uint32_t>> owners(locks.size());
  std::vector<std::uint32_t> now(locks.size(), kNone);
  std::uint64_t wrong = 0, pairs_seen = 0;
  for (const traces::Event& event : log.events) {
    if (event.kind == EventKind::kAcquired) {
      wrong += now[event.lock] != kNone;
      now[event.lock] = event.context;
      owners[event.lock].push_back(event.context);
      ++pairs_seen;
    } else if (event.kind == EventKind::kRelease) {
      wrong += now[event.lock] != event.context;
      now[event.lock] = kNone;
    }
  }
  CHECK(wrong == 0);
  CHECK(pairs_seen == std::uint64_t{threads} * pairs);
  for (std::size_t i = 0; i < locks.size(); ++i) CHECK(owners[i] == locks[i].owners);
}

void run_hammer(unsigned threads, unsigned lock_count, unsigned pairs) {
  Directory directory;
  record::Journal journal;
  REQUIRE(journal.open(directory.file("a").c_str(), process()));
  define_class(journal);
  init_locks(journal, lock_count);
  std::vector<RealLock> locks(lock_count);
  std::vector<std::thread> running;
  for (std::uint32_t t = 0; t < threads; ++t)
    running.emplace_back([&, t] { hammer(journal, locks, t, pairs); });
  for (std::thread& thread : running) thread.join();
  journal.finish({}, 0);
  journal.close();
  check_hammered(directory.file("a"), locks, threads, pairs);
}

}  // namespace

TEST_CASE("two threads and two locks come out in the order that was", "[native]") { run_hammer(2, 2, 20'000); }

TEST_CASE("eight threads write at once", "[native]") { run_hammer(8, 3, 10'000); }

TEST_CASE("streams begin and end in eight threads at once", "[native]") {
  Directory directory;
  record::Journal journal;
  REQUIRE(journal.open(directory.file("a").c_str(), process()));
  define_class(journal);
  constexpr std::uint32_t kThreads = 8, kEach = 250;
  record::Stream main{};
  REQUIRE(main.open(journal, kThreads * kEach));
  main.context_begin(kNone, ContextKind::kThread, 1, kNone, false, journal.tick());
  main.init(0, 0, Kind::kMutex, 0, 64, 1, 0);
  std::vector<std::thread> running;
  for (std::uint32_t t = 0; t < kThreads; ++t)
    running.emplace_back([&, t] {
      for (std::uint32_t i = 0; i < kEach; ++i) {
        record::Stream stream{};
        stream.open(journal, t * kEach + i);
        stream.context_begin(kNone, ContextKind::kThread, 1, kNone, false, journal.tick());
        for (std::uint32_t k = 0; k < i; ++k) stream.might_lock(0, Mode::kRead, t * kEach + i);
        stream.context_end(journal.tick(), 0);
        stream.close();
      }
    });
  for (std::thread& thread : running) thread.join();
  main.close();
  journal.finish({}, 0);
  journal.close();
  Log log;
  traces::TraceFacts facts;
  const traces::Status status = traces::read_native_trace(directory.file("a"), log, facts);
  CAPTURE(status.text());
  CHECK(status.ok());
  CHECK(facts.streams == kThreads * kEach + 1);
  CHECK(facts.unfinished_streams + facts.skipped_ticks + facts.out_of_order + facts.holes == 0);
  std::vector<std::uint32_t> seen(kThreads * kEach);
  std::uint64_t wrong = 0;
  for (const traces::Event& event : log.events) {
    if (event.kind == EventKind::kMightLock) ++seen[event.context], wrong += event.site != event.context;
    else wrong += event.kind != EventKind::kContextEnd;
  }
  for (std::uint32_t context = 0; context < seen.size(); ++context) wrong += seen[context] != context % kEach;
  CHECK(wrong == 0);
  CHECK(read_file(directory.file("a")).size() < 12'000'000);
}

namespace {

/// Looks only at who owns each lock; a killed process leaves too many events to write each down.
class Counter final : public traces::EventConsumer {
 public:
  std::uint64_t overlapping = 0;

  void on_class(const traces::ClassDefinition&) override {}
  void on_lock(const traces::LockDefinition&) override {}
  void on_context(const traces::ContextDefinition&) override {}
  void on_event(const traces::Event& event) override {
    if (event.kind == EventKind::kAcquired) overlapping += !owners_.emplace(event.lock, event.context).second;
    if (event.kind == EventKind::kRelease) overlapping += owners_.erase(event.lock) == 0;
  }

 private:
  std::map<std::uint32_t, std::uint32_t> owners_;
};

}  // namespace

TEST_CASE("a process killed while it writes leaves what it had written", "[native]") {
  Directory directory;
  for (int round = 0; round < 12; ++round) {
    const std::string path = directory.file("k" + std::to_string(round));
    int ready[2];
    REQUIRE(::pipe(ready) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      static record::Journal journal;
      if (!journal.open(path.c_str(), process())) ::_exit(1);
      define_class(journal);
      static std::vector<RealLock> locks(3);
      init_locks(journal, 3);
      if (::write(ready[1], "x", 1) != 1) ::_exit(1);
      std::thread other([] { hammer(journal, locks, 1, 100'000'000); });
      hammer(journal, locks, 0, 100'000'000);
      ::_exit(1);
    }
    char byte;
    REQUIRE(::read(ready[0], &byte, 1) == 1);
    ::usleep(static_cast<useconds_t>(1000 + round * 1500));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    ::close(ready[0]);
    ::close(ready[1]);
    CHECK(WIFSIGNALED(status));

    Counter counter;
    traces::TraceFacts facts;
    const traces::Status read_status = traces::read_native_trace(path, counter, facts);
    CAPTURE(round, read_status.text());
    CHECK(read_status.ok());
    CHECK_FALSE(facts.journal.finished);
    CHECK(facts.unfinished_streams == facts.streams - 1);
    // At most one number per thread was taken and not written.
    CHECK(facts.missing_numbers <= 2);
    CHECK(facts.out_of_order == 0);
    CHECK(facts.holes == 0);
    CHECK(counter.overlapping == 0);
    if (round > 4) CHECK(facts.events > 100);
  }
}
