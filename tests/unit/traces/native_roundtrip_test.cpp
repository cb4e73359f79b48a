// SPDX-License-Identifier: MIT
//
// Every event of a stream, written to a real file and read again; definitions that are given when they are not in the
// file; segments of short threads that share a chunk.
//
// Threading: one thread.  Allocation: the heap.
#include <algorithm>

#include "catch.hpp"
#include "native_support.h"

using namespace native_test;
using engine::ContextKind;
using engine::Kind;
using engine::kNone;
using engine::Mode;
using traces::Event;
using traces::EventKind;

namespace {

traces::Status read(const std::string& path, Log& log, traces::TraceFacts& facts) {
  return traces::read_native_trace(path, log, facts);
}

void name_class(record::Journal& journal, std::uint32_t id, const char* name) {
  journal.on_class({id, engine::ClassKey::kNamed, Kind::kMutex, 0, 0, 0, 0, 0, name,
                    static_cast<std::uint32_t>(std::string(name).size())});
}

}  // namespace

TEST_CASE("a stream gives back every event", "[native]") {
  Directory directory;
  record::Journal journal;
  REQUIRE(journal.open(directory.file("a").c_str(), process()));
  name_class(journal, 0, "outer");
  name_class(journal, 1, "inner");
  name_class(journal, 2, "done");
  journal.on_context({0, kNone, ContextKind::kThread, 100, "main", 4});
  journal.on_context({1, 0, ContextKind::kThread, 0, "worker", 6});

  record::Stream main{}, worker{};
  REQUIRE(main.open(journal, 0));
  constexpr std::uint64_t kSite = 0x7f1234567890;
  main.context_begin(kNone, ContextKind::kThread, 100, kNone, false, journal.tick());
  main.init(0, 0, Kind::kMutex, engine::kRecursiveLock, 0xffff0000, 1, kSite);
  main.init(1, 1, Kind::kRwlock, 0, 0xffff0040, 1, kSite + 8);
  main.init(2, 2, Kind::kCompletion, 0, 0xffff0080, 1, kSite + 16);
  main.init(3, 2, Kind::kThread, 0, 0xffff00c0, 1, 0);
  main.fork(1, 3, journal.tick());
  REQUIRE(worker.open(journal, 1));
  worker.context_begin(0, ContextKind::kThread, 101, 3, false, journal.tick());

  main.request(0, 1, Mode::kWrite, 0, kSite + 24);
  main.acquired(0, 2, Mode::kWrite, 0, kSite + 24);
  const engine::Site frames[] = {kSite + 24, 5, 0xffffffffffffffff};
  main.stack(frames, 3);
  main.stack(frames, 0);
  main.request(1, 1, Mode::kRecursiveRead, engine::kTry | engine::kTimed, kSite + 32);
  main.failed(1);
  main.request_as(1, 0, 1, Mode::kWrite, 0, kSite + 40, 0);
  main.acquired_as(1, 0, 2, Mode::kWrite, 0, kSite + 40);
  main.downgrade(1, 3, kSite + 48);
  main.release(1, 4, kSite + 56);
  main.init(1, 0, Kind::kRwlock, engine::kNestOk, 0xffff0040, 5, kSite + 57);   // again, while it lives
  main.might_lock(1, Mode::kRead, kSite + 58);
  main.assert_held(0, Mode::kRead, kSite + 59);
  main.sync(1, Mode::kWrite, kSite + 60);
  main.wait_begin(2, 0, 3, engine::kTimed, journal.tick(), kSite + 64);
  worker.request(0, 3, Mode::kWrite, 0, kSite + 72);
  worker.acquired(0, 4, Mode::kWrite, 0, kSite + 73);       // another site than the request's
  worker.signal(2, kNone, journal.tick(), kSite + 80);
  worker.signal(2, 1, journal.tick(), kSite + 81);
  worker.release(0, 5, kSite + 88);
  main.wait_end(2, 1, true, 0, 6, journal.tick(), kSite + 64);
  main.release(0, 7, kSite + 96);
  worker.enter(ContextKind::kSignal, 15, kNone, kNone, journal.tick(), kSite + 100);
  worker.mask(ContextKind::kSignal, 15, true);
  worker.mask(ContextKind::kSignal, 15, false);
  worker.leave(journal.tick(), kSite + 104);
  worker.operation("getenv", 6, kSite + 108);
  worker.operation("usleep", 6, kSite + 109);
  worker.operation("getenv", 6, kSite + 110);
  worker.lost(7);
  worker.context_end(journal.tick(), kSite + 112);
  worker.close();
  main.join_begin(1, engine::kTimed, journal.tick(), kSite + 120);
  main.join_end(1, false, journal.tick());
  main.join_begin(1, 0, journal.tick(), kSite + 121);
  main.join_end(1, true, journal.tick());
  main.wait_begin(2, kNone, 0, 0, journal.tick(), kSite + 122);
  main.wait_end(2, kNone, false, kNone, 0, journal.tick(), kSite + 122);
  main.destroy(0, 8, kSite + 128);
  main.init(4, 1, Kind::kSpin, 0, 0xffff0000, 1, kSite + 129);   // another lock at the same address
  main.init(5, 0, Kind::kSpin, 0, 0xffff0000, 2, kSite + 130);   // initialised again: a new id, the same lock
  main.request(5, 2, Mode::kWrite, 0, kSite + 131);
  main.acquired(5, 3, Mode::kWrite, 0, kSite + 131);
  main.release(5, 4, kSite + 132);
  main.destroy(5, 5, kSite + 133);
  main.context_end(journal.tick(), 0);
  main.close();
  journal.finish({}, 3);
  journal.close();

  Log expected;
  expected.on_class({0, engine::ClassKey::kNamed, Kind::kMutex, 0, 0, 0, 0, 0, 0, "outer"});
  expected.on_class({1, engine::ClassKey::kNamed, Kind::kMutex, 0, 0, 0, 0, 0, 0, "inner"});
  expected.on_class({2, engine::ClassKey::kNamed, Kind::kMutex, 0, 0, 0, 0, 0, 0, "done"});
  expected.on_process({42, "/usr/bin/prog", {}});
  expected.on_context({0, kNone, ContextKind::kThread, 100, "main", kNone, false, 0});
  expected.on_lock({0, 0, Kind::kMutex, engine::kRecursiveLock, 0xffff0000, {}, 0, kSite, 0});
  expected.on_lock({1, 1, Kind::kRwlock, 0, 0xffff0040, {}, 0, kSite + 8, 0});
  expected.on_lock({2, 2, Kind::kCompletion, 0, 0xffff0080, {}, 0, kSite + 16, 0});
  expected.on_lock({3, 2, Kind::kThread, 0, 0xffff00c0, {}, 0, 0, 0});
  expected.on_context({1, 0, ContextKind::kThread, 101, "worker", 3, false, 0});
  const auto event = [&](EventKind kind, std::uint32_t context, engine::Site site) {
    Event e;
    e.kind = kind;
    e.context = context;
    e.site = site;
    return e;
  };
  const auto lock = [&](EventKind kind, std::uint32_t context, std::uint32_t id, Mode mode, unsigned flags,
                        engine::Site site, std::uint32_t class_id = kNone, std::uint32_t other = kNone) {
    Event e = event(kind, context, site);
    e.lock = id;
    e.mode = mode;
    e.flags = static_cast<std::uint8_t>(flags);
    e.class_id = class_id;
    e.other = other;
    expected.on_event(e);
  };
  const auto say = [&](EventKind kind, std::uint32_t context, engine::Site site, auto set) {
    Event e = event(kind, context, site);
    set(e);
    expected.on_event(e);
  };
  lock(EventKind::kRequest, 0, 0, Mode::kWrite, 0, kSite + 24);
  lock(EventKind::kAcquired, 0, 0, Mode::kWrite, 0, kSite + 24);
  say(EventKind::kSetStack, 0, 0, [&](Event& e) { e.frames = frames, e.number = 3; });
  say(EventKind::kSetStack, 0, 0, [&](Event& e) { e.frames = frames, e.number = 0; });
  lock(EventKind::kRequest, 0, 1, Mode::kRecursiveRead, engine::kTry | engine::kTimed, kSite + 32);
  lock(EventKind::kFailed, 0, 1, Mode::kWrite, 0, 0);
  lock(EventKind::kRequest, 0, 1, Mode::kWrite, 0, kSite + 40, 0, 0);
  lock(EventKind::kAcquired, 0, 1, Mode::kWrite, 0, kSite + 40, 0);
  lock(EventKind::kDowngrade, 0, 1, Mode::kWrite, 0, kSite + 48);
  lock(EventKind::kRelease, 0, 1, Mode::kWrite, 0, kSite + 56);
  lock(EventKind::kReinit, 0, 1, Mode::kWrite, 0, kSite + 57, 0);
  lock(EventKind::kMightLock, 0, 1, Mode::kRead, 0, kSite + 58);
  lock(EventKind::kAssertHeld, 0, 0, Mode::kRead, 0, kSite + 59);
  lock(EventKind::kSync, 0, 1, Mode::kWrite, 0, kSite + 60);
  lock(EventKind::kWaitBegin, 0, 2, Mode::kWrite, engine::kTimed, kSite + 64, kNone, 0);
  lock(EventKind::kRequest, 1, 0, Mode::kWrite, 0, kSite + 72);
  lock(EventKind::kAcquired, 1, 0, Mode::kWrite, 0, kSite + 73);
  say(EventKind::kSignal, 1, kSite + 80, [](Event& e) { e.lock = 2, e.number = traces::kAllWaits; });
  say(EventKind::kSignal, 1, kSite + 81, [](Event& e) { e.lock = 2, e.number = 1; });
  lock(EventKind::kRelease, 1, 0, Mode::kWrite, 0, kSite + 88);
  say(EventKind::kWaitEnd, 0, kSite + 64, [](Event& e) { e.lock = 2, e.peer = 1; });
  lock(EventKind::kRelease, 0, 0, Mode::kWrite, 0, kSite + 96);
  const auto signal_15 = [](Event& e) { e.nested = ContextKind::kSignal, e.number = 15; };
  say(EventKind::kEnter, 1, kSite + 100, signal_15);
  say(EventKind::kMask, 1, 0, signal_15);
  say(EventKind::kUnmask, 1, 0, signal_15);
  say(EventKind::kLeave, 1, kSite + 104, [](Event&) {});
  expected.on_name(0, "getenv");
  say(EventKind::kOperation, 1, kSite + 108, [](Event& e) { e.name = 0; });
  expected.on_name(1, "usleep");
  say(EventKind::kOperation, 1, kSite + 109, [](Event& e) { e.name = 1; });
  say(EventKind::kOperation, 1, kSite + 110, [](Event& e) { e.name = 0; });
  say(EventKind::kLost, 1, 0, [](Event& e) { e.number = 7; });
  say(EventKind::kContextEnd, 1, kSite + 112, [](Event&) {});
  say(EventKind::kJoinBegin, 0, kSite + 120, [](Event& e) { e.peer = 1, e.flags = engine::kTimed; });
  say(EventKind::kJoinEnd, 0, 0, [](Event& e) { e.peer = 1, e.flags = traces::kFailedWait; });
  say(EventKind::kJoinBegin, 0, kSite + 121, [](Event& e) { e.peer = 1; });
  say(EventKind::kJoinEnd, 0, 0, [](Event& e) { e.peer = 1; });
  say(EventKind::kWaitBegin, 0, kSite + 122, [](Event& e) { e.lock = 2; });
  say(EventKind::kWaitEnd, 0, kSite + 122, [](Event& e) { e.lock = 2, e.flags = traces::kFailedWait; });
  lock(EventKind::kDestroy, 0, 0, Mode::kWrite, 0, kSite + 128);
  expected.on_lock({0, 1, Kind::kSpin, 0, 0xffff0000, {}, 0, kSite + 129, 0});   // the consumer's number is free again
  lock(EventKind::kReinit, 0, 0, Mode::kWrite, 0, kSite + 130, 0);
  lock(EventKind::kRequest, 0, 0, Mode::kWrite, 0, kSite + 131);
  lock(EventKind::kAcquired, 0, 0, Mode::kWrite, 0, kSite + 131);
  lock(EventKind::kRelease, 0, 0, Mode::kWrite, 0, kSite + 132);
  lock(EventKind::kDestroy, 0, 0, Mode::kWrite, 0, kSite + 133);
  say(EventKind::kContextEnd, 0, 0, [](Event&) {});

  Log log;
  traces::TraceFacts facts;
  const traces::Status status = read(directory.file("a"), log, facts);
  CAPTURE(status.text());
  CHECK(status.ok());
  for (std::size_t i = 0; i < std::max(log.lines.size(), expected.lines.size()); ++i) {
    REQUIRE(i < log.lines.size());
    REQUIRE(i < expected.lines.size());
    REQUIRE(log.lines[i] == expected.lines[i]);
  }
  CHECK(facts.events == expected.events.size());
  CHECK(facts.missing_numbers == 0);
  CHECK(facts.skipped_ticks == 0);
  CHECK(facts.out_of_order == 0);
  CHECK(facts.holes == 0);
  CHECK(facts.streams == 2);
  CHECK(facts.unfinished_streams == 0);
  CHECK(facts.journal.requests == 3);
}

TEST_CASE("many chunks of one stream, more locks than slots", "[native]") {
  Directory directory;
  record::Journal journal;
  REQUIRE(journal.open(directory.file("a").c_str(), process()));
  name_class(journal, 0, "only");
  record::Stream stream{};
  REQUIRE(stream.open(journal, 0));
  stream.context_begin(kNone, ContextKind::kThread, 1, kNone, false, journal.tick());
  constexpr std::uint32_t kLocks = 1000, kPairs = 100'000;
  std::vector<std::uint64_t> numbers(kLocks);
  for (std::uint32_t id = 0; id < kLocks; ++id) stream.init(id, 0, Kind::kMutex, 0, id * 64, ++numbers[id], 1);
  std::vector<std::uint32_t> chosen;
  std::uint32_t random = 1;
  for (std::uint32_t i = 0; i < kPairs; ++i) {
    random = random * 1664525 + 1013904223;
    const std::uint32_t id = (random >> 8) % kLocks;
    chosen.push_back(id);
    stream.request(id, numbers[id], Mode::kWrite, 0, 1000 + random % 64);
    stream.acquired(id, ++numbers[id], Mode::kWrite, 0, 1000 + random % 64);
    stream.release(id, ++numbers[id], 2000 + i % 7);
  }
  stream.close();
  CHECK(stream.dropped() == 0);
  journal.close();

  Log log;
  traces::TraceFacts facts;
  const traces::Status status = read(directory.file("a"), log, facts);
  CAPTURE(status.text());
  CHECK(status.ok());
  REQUIRE(log.events.size() == 3 * kPairs);
  std::uint64_t wrong = 0;
  random = 1;
  for (std::uint32_t i = 0; i < kPairs; ++i) {
    random = random * 1664525 + 1013904223;
    const Event* e = &log.events[3 * i];
    for (unsigned k = 0; k < 3; ++k) wrong += e[k].lock != chosen[i];
    wrong += e[0].kind != EventKind::kRequest || e[0].site != 1000 + random % 64;
    wrong += e[1].kind != EventKind::kAcquired || e[1].site != 1000 + random % 64;
    wrong += e[2].kind != EventKind::kRelease || e[2].site != 2000 + i % 7;
  }
  CHECK(wrong == 0);
  CHECK(facts.missing_numbers + facts.out_of_order == 0);
}

TEST_CASE("short threads share a chunk", "[native]") {
  Directory directory;
  record::Journal journal;
  REQUIRE(journal.open(directory.file("a").c_str(), process()));
  name_class(journal, 0, "only");
  record::Stream main{};
  REQUIRE(main.open(journal, 0));
  main.context_begin(kNone, ContextKind::kThread, 1, kNone, false, journal.tick());
  main.init(0, 0, Kind::kMutex, 0, 64, 1, 1);
  std::uint64_t number = 1;
  for (std::uint32_t id = 1; id <= 200; ++id) {
    main.fork(id, kNone, journal.tick());
    record::Stream thread{};
    REQUIRE(thread.open(journal, id));
    thread.context_begin(0, ContextKind::kThread, 1 + id, kNone, false, journal.tick());
    thread.request(0, number, Mode::kWrite, 0, 5);
    thread.acquired(0, ++number, Mode::kWrite, 0, 5);
    thread.release(0, ++number, 6);
    thread.context_end(journal.tick(), 0);
    thread.close();
    main.join_begin(id, 0, journal.tick(), 7);
    main.join_end(id, true, journal.tick());
  }
  main.close();
  journal.close();
  traces::Container container;
  REQUIRE(container.open(directory.file("a")).ok());
  CHECK(container.streams().size() == 201);
  CHECK(container.header().chunk_count < 24);
  Log log;
  traces::TraceFacts facts;
  CHECK(traces::read_native_trace(container, log, facts).ok());
  CHECK(facts.events == 200 * 6);
  CHECK(facts.missing_numbers + facts.out_of_order + facts.skipped_ticks == 0);
  // Each thread between its fork and its join.
  std::uint64_t wrong = 0;
  for (std::size_t i = 0; i < log.events.size(); ++i) {
    const std::uint32_t id = static_cast<std::uint32_t>(i / 6 + 1);
    wrong += i % 6 < 4 ? log.events[i].context != id : log.events[i].peer != id;
  }
  CHECK(wrong == 0);
}

TEST_CASE("what the streams do not define is taken from the journal, or made up", "[native]") {
  Directory directory;
  record::Journal journal;
  REQUIRE(journal.open(directory.file("a").c_str(), process()));
  name_class(journal, 0, "only");
  journal.on_instance({3, 0, Kind::kSpin, 0, 0x1000});
  journal.on_context({0, kNone, ContextKind::kThread, 100, "main", 4});
  record::Stream stream{};
  REQUIRE(stream.open(journal, 0));
  stream.request(3, 0, Mode::kWrite, 0, 1);
  stream.acquired(3, 1, Mode::kWrite, 0, 1);
  stream.request(4'000'000'000, 0, Mode::kWrite, 0, 1);
  stream.join_begin(77, 0, journal.tick(), 2);
  stream.close();
  journal.close();
  Log log;
  traces::TraceFacts facts;
  CHECK(read(directory.file("a"), log, facts).ok());
  std::vector<std::string> definitions;
  for (const std::string& line : log.lines)
    if (line.rfind("event", 0) != 0 && line.rfind("process", 0) != 0) definitions.push_back(line);
  REQUIRE(definitions.size() == 6);
  CHECK(definitions[1] == "context 0 parent 4294967295 kind 0 tid 100 end 4294967295 middle 1 main");
  CHECK(definitions[2] == "lock 0 class 0 kind 1 flags 0 at 4096 by 4294967295 site 0");
  CHECK(definitions[3] == "class 1 key 5/4000000000 kind " + std::to_string(static_cast<int>(Kind::kOther)) + " sub 0 ");
  CHECK(definitions[4].rfind("lock 1 class 1", 0) == 0);
  CHECK(definitions[5].rfind("context 77", 0) == 0);
  CHECK(log.events.size() == 4);
}

TEST_CASE("a lock initialised again by another thread goes on where it was", "[native]") {
  Directory directory;
  record::Journal journal;
  REQUIRE(journal.open(directory.file("a").c_str(), process()));
  name_class(journal, 0, "first");
  name_class(journal, 1, "second");
  record::Stream streams[2]{};
  for (std::uint32_t t : {0u, 1u}) {
    REQUIRE(streams[t].open(journal, t));
    streams[t].context_begin(kNone, ContextKind::kThread, 100 + t, kNone, false, journal.tick());
  }
  // The context with the lower number comes first where nothing else decides: here it must wait.
  streams[1].init(7, 0, Kind::kMutex, 0, 0x1000, 1, 1);
  streams[1].request(7, 1, Mode::kWrite, 0, 2);
  streams[1].acquired(7, 2, Mode::kWrite, 0, 2);
  streams[1].release(7, 3, 3);
  streams[0].init(8, 1, Kind::kMutex, 0, 0x1000, 4, 4);
  streams[1].request(8, 4, Mode::kWrite, 0, 5);
  streams[1].acquired(8, 5, Mode::kWrite, 0, 5);
  streams[0].might_lock(9, Mode::kWrite, 7);                // named without a number: after its init all the same
  streams[1].init(9, 1, Kind::kMutex, 0, 0x2000, 1, 6);
  for (record::Stream& stream : streams) stream.close();
  journal.close();
  Log log;
  traces::TraceFacts facts;
  CHECK(read(directory.file("a"), log, facts).ok());
  CHECK(facts.missing_numbers + facts.out_of_order == 0);
  std::vector<engine::Site> sites;
  for (const Event& event : log.events) sites.push_back(event.site);
  CHECK(sites == std::vector<engine::Site>{2, 2, 3, 4, 5, 5, 7});
  REQUIRE(log.events.size() == 7);
  CHECK(log.events[3].kind == EventKind::kReinit);
  CHECK(log.events[3].class_id == 1);
  for (std::size_t i = 0; i < 6; ++i) CHECK(log.events[i].lock == 0);
  CHECK(log.events[6].lock == 1);
}

TEST_CASE("a lock's numbers wrap at 32 bits", "[native]") {
  Directory directory;
  record::Journal journal;
  REQUIRE(journal.open(directory.file("a").c_str(), process()));
  name_class(journal, 0, "only");
  record::Stream a{}, b{};
  REQUIRE(a.open(journal, 0));
  REQUIRE(b.open(journal, 1));
  a.context_begin(kNone, ContextKind::kThread, 100, kNone, false, journal.tick());
  b.context_begin(kNone, ContextKind::kThread, 101, kNone, false, journal.tick());
  // Half the way in one step, twice: as if so many events had been written.
  std::uint32_t number = 0;
  a.init(0, 0, Kind::kMutex, 0, 0, ++number, 0);
  std::vector<engine::Site> order;
  for (int i = 0; i < 12; ++i) {
    if (i == 2 || i == 8) number += 0x7ffffff8u;
    record::Stream& stream = i % 3 == 0 ? a : b;
    stream.request(0, number, Mode::kWrite, 0, 100 + i);
    stream.acquired(0, ++number, Mode::kWrite, 0, 100 + i);
    stream.release(0, ++number, 200 + i);
    order.push_back(100 + i);
  }
  CHECK(number < 100);
  a.close();
  b.close();
  journal.close();
  Log log;
  traces::TraceFacts facts;
  CHECK(read(directory.file("a"), log, facts).ok());
  std::vector<engine::Site> got;
  for (const Event& event : log.events)
    if (event.kind == EventKind::kAcquired) got.push_back(event.site);
  CHECK(got == order);
  CHECK(facts.out_of_order == 0);
  CHECK(facts.missing_numbers == 2 * 0x7ffffff8ull);
}
