// SPDX-License-Identifier: MIT
//
// The journal, written and read again: every Sink call, module table, totals, a full disk, a program that closes our
// descriptor, and fork.
//
// Threading: one thread.  Allocation: the heap.
#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>

#include "catch.hpp"
#include "../traces/native_support.h"

using namespace native_test;

namespace {

void say_everything(engine::Sink& sink) {
  using namespace engine;
  const std::string long_name(300, 'n');
  sink.on_class({0, ClassKey::kNamed, Kind::kMutex, 0, 0, 0, 0, 0, "a->lock", 7});
  sink.on_class({1, ClassKey::kFirstSite, Kind::kCompletion, 3, 2, 1, 99, 0xffffffffffffffffu, long_name.data(), 300});
  sink.on_class({70000, ClassKey::kInstance, Kind::kOther, 255, 0, 0, kNone, 1, nullptr, 0});
  sink.on_class_usage(1, 0x8f);
  sink.on_instance({0, 0, Kind::kMutex, kRecursiveLock | kNestOk, 0x7ffff7dd1000});
  sink.on_instance({1, 1, Kind::kCompletion, 0, 1});
  sink.on_context({0, kNone, ContextKind::kThread, 4711, "main", 4});
  sink.on_context({1, 0, ContextKind::kLoader, 0xffffffffffu, "", 0});
  const Site frames[] = {0x401000, 0x400fff, 0xffffffffffffffff, 0, 5};
  sink.on_stack(1, frames, 5);
  sink.on_stack(2, frames, 0);
  sink.on_dependency({0, 0, 1});
  sink.on_dependency({1, 1, 0});
  const HeldInfo held[] = {{0, 0, Mode::kWrite, 0, false, 0x401000}, {1, 1, Mode::kRecursiveRead, kTimed, true, 0}};
  WitnessInfo witness{};
  witness.dependency = 0;
  witness.origin = Origin::kHistory;
  witness.from_mode = Mode::kRead;
  witness.to_mode = Mode::kRecursiveRead;
  witness.flags = kTry | kRetake;
  witness.context = 1;
  witness.from = 0;
  witness.to = 1;
  witness.from_site = 0x401234;
  witness.to_site = 0x401235;
  witness.to_stack = 1;
  witness.waiter = 0;
  witness.wait_site = 3;
  witness.wait_stack = 2;
  witness.release_stack = 1;
  witness.ordinal = 1'000'000'000'000;
  witness.held_count = 2;
  witness.held = held;
  sink.on_witness(witness);
  witness.dependency = 1;
  witness.waiter = witness.from = kNone;
  witness.wait_stack = witness.release_stack = witness.to_stack = 0;
  witness.held_count = 0;
  witness.held = nullptr;
  sink.on_witness(witness);
  const LinkInfo links[] = {{1, 0}, {0, 0}};
  FindingInfo finding{};
  finding.id = 0;
  finding.check = Check::kCrossReleaseCycle;
  finding.verdict = Verdict::kPossible;
  finding.reason = Reason::kGateLock;
  finding.reason_site[0] = 17;
  finding.reason_site[1] = 18;
  finding.reason_instance = 1;
  finding.context = 0;
  finding.instance = 1;
  finding.mode = Mode::kRead;
  finding.site = 0x401111;
  finding.stack = 1;
  finding.at_commit = true;
  finding.other = kNone;
  finding.range_begin = 0x1000;
  finding.range_end = 0x2000;
  finding.held_count = 2;
  finding.held = held;
  finding.link_count = 2;
  finding.links = links;
  sink.on_finding(finding);
  finding.verdict = Verdict::kDeadlock;
  finding.held_count = finding.link_count = 0;
  sink.on_finding(finding);
}

traces::Status read(const std::string& path, SinkLog& log, traces::JournalFacts& facts) {
  traces::Container container;
  traces::Status status = container.open(path);
  if (!status.failed()) traces::note_trouble(status, traces::read_journal(container, log, facts));
  return status;
}

}  // namespace

TEST_CASE("a journal gives back every Sink call", "[record]") {
  Directory directory;
  record::Journal journal;
  REQUIRE(journal.open(directory.file("a").c_str(), process()));
  CHECK(std::string(journal.path()) == directory.file("a"));
  say_everything(journal);
  const std::uint8_t build_id[] = {1, 2, 3, 0xff};
  const record::ModuleSegment segments[] = {{0x400000, 0x500000, 0x1000}, {0x600000, 0x600010, 0}};
  journal.module({0, "/usr/bin/prog", build_id, 4, 0x400000, segments, 2});
  journal.tick();
  journal.module({1, "/lib/plugin one.so", nullptr, 0, 0x7f0000000000, segments + 1, 1});
  journal.tick();
  journal.module_unloaded(1);
  journal.finish({1, 2, 3, 4, 0}, 77);
  journal.finish({5, 6, 7, 8, 0}, 78);
  CHECK(journal.lost() == 0);
  journal.close();
  CHECK_FALSE(journal.is_open());

  SinkLog said, heard;
  say_everything(said);
  traces::JournalFacts facts;
  const traces::Status status = read(directory.file("a"), heard, facts);
  CAPTURE(status.text());
  CHECK(status.ok());
  CHECK(heard.lines == said.lines);
  CHECK(facts.pid == 42);
  CHECK(facts.parent_pid == 41);
  CHECK(facts.executable == "/usr/bin/prog");
  CHECK(facts.arguments == std::string("prog\0-x\0", 8));
  CHECK(facts.finished);
  CHECK(facts.losses.memory == 5);
  CHECK(facts.losses.budget == 8);
  CHECK(facts.requests == 78);
  REQUIRE(facts.modules.all().size() == 2);
  const traces::Module& first = facts.modules.all()[0];
  CHECK(first.path == "/usr/bin/prog");
  CHECK(first.build_id == std::string("\x01\x02\x03\xff", 4));
  CHECK(first.ranges.at(0).file_offset == 0x1000);
  CHECK(facts.modules.all()[1].loaded == 1);
  CHECK(facts.modules.all()[1].unloaded == 2);
}

TEST_CASE("an address is resolved to the module that was there then", "[record]") {
  traces::ModuleTable table;
  table.add({0, "old.so", "", 0, {{100, 200, 0}}, 5, traces::Module::kStillLoaded});
  table.unload(0, 10);
  table.add({1, "new.so", "", 0, {{150, 300, 0}, {400, 500, 0}}, 20, traces::Module::kStillLoaded});
  REQUIRE(table.find(160, 7) != nullptr);
  CHECK(table.find(160, 7)->path == "old.so");
  CHECK(table.find(160, 25)->path == "new.so");
  CHECK(table.find(120, 25)->path == "old.so");    // nothing else was ever there
  CHECK(table.find(160)->path == "new.so");
  CHECK(table.find(450, 0)->path == "new.so");
  CHECK(table.find(99) == nullptr);
  CHECK(table.find(350) == nullptr);
  CHECK(table.find(500) == nullptr);
  CHECK(table.find(299)->path == "new.so");
}

TEST_CASE("a journal of many chunks is read in order", "[record]") {
  Directory directory;
  record::Journal journal;
  REQUIRE(journal.open(directory.file("a").c_str(), process()));
  SinkLog said, heard;
  for (engine::Sink* sink : {static_cast<engine::Sink*>(&journal), static_cast<engine::Sink*>(&said)})
    for (std::uint32_t i = 0; i < 40'000; ++i) {
      const std::string name = "class number " + std::to_string(i);
      sink->on_class({i, engine::ClassKey::kNamed, engine::Kind::kMutex, 0, 0, 0, 0, 0, name.data(),
                      static_cast<std::uint32_t>(name.size())});
    }
  journal.close();
  traces::JournalFacts facts;
  const traces::Status status = read(directory.file("a"), heard, facts);
  CAPTURE(status.text());
  CHECK(status.ok());
  CHECK(heard.lines == said.lines);
  CHECK_FALSE(facts.finished);
}

TEST_CASE("too long strings and lists are cut and counted", "[record]") {
  Directory directory;
  record::Journal journal;
  REQUIRE(journal.open(directory.file("a").c_str(), process()));
  const std::string name(100'000, 'x');
  journal.on_class({0, engine::ClassKey::kNamed, engine::Kind::kMutex, 0, 0, 0, 0, 0, name.data(), 100'000});
  const std::vector<engine::Site> frames(5000, 0x7ffff7dd1234);
  journal.on_stack(1, frames.data(), 5000);
  CHECK(journal.lost() == 2);
  journal.close();
  SinkLog heard;
  traces::JournalFacts facts;
  CHECK(read(directory.file("a"), heard, facts).ok());
  REQUIRE(heard.lines.size() == 2);
  CHECK(heard.lines[0].size() > 4000);
}

TEST_CASE("a journal that cannot be created says so in one line", "[record]") {
  record::Journal journal;
  told().clear();
  CHECK_FALSE(journal.open("/nonexistent directory/a", process(), tell));
  CHECK(told() == "crossdep: error: /nonexistent directory/a: cannot create the trace: No such file or directory; "
                  "recording stops here\n");
  CHECK_FALSE(journal.is_open());
  say_everything(journal);
  journal.finish({}, 0);
  record::Stream stream{};
  CHECK_FALSE(stream.open(journal, 0));
  stream.request(0, 0, engine::Mode::kWrite, 0, 1);
  stream.close();
}

TEST_CASE("a journal that may not grow stops, says so once and counts", "[record]") {
  Directory directory;
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const rlimit limit{4 * record::kChunkSize, 4 * record::kChunkSize};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    ::signal(SIGXFSZ, SIG_DFL);
    record::Journal journal;
    told().clear();
    bool good = journal.open(directory.file("a").c_str(), process(), tell);
    record::Stream stream{};
    good = good && stream.open(journal, 0);
    for (std::uint32_t i = 0; i < 40'000; ++i) {
      const std::string name = "class number " + std::to_string(i);
      journal.on_class({i, engine::ClassKey::kNamed, engine::Kind::kMutex, 0, 0, 0, 0, 0, name.data(),
                        static_cast<std::uint32_t>(name.size())});
    }
    for (std::uint32_t i = 0; i < 100'000; ++i) stream.release(i, 1, i);
    good = good && journal.lost() > 0 && !journal.is_open() && stream.dropped() > 0 && !stream.is_open();
    good = good && told() == "crossdep: error: " + directory.file("a") +
                                 ": cannot grow the trace: File too large; recording stops here\n";
    journal.finish({0, 0, 0, 0, 0}, 5);
    ::_exit(good ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  SinkLog heard;
  traces::JournalFacts facts;
  const traces::Status read_status = read(directory.file("a"), heard, facts);
  CAPTURE(read_status.text());
  CHECK(read_status.ok());
  CHECK(heard.lines.size() > 1000);
  CHECK(facts.finished);          // the totals still fit
  CHECK(facts.unwritten > 0);
}

TEST_CASE("a descriptor closed by the program is opened again, another file is left alone", "[record]") {
  Directory directory;
  record::Journal journal;
  told().clear();
  REQUIRE(journal.open(directory.file("a").c_str(), process(), tell));
  // What a daemon does: close everything, then open files of its own, some of which get our number.
  std::vector<int> victims;
  for (int fd = 200; fd < 1100; ++fd) {
    struct stat info;
    if (::fstat(fd, &info) == 0 && info.st_size >= record::kChunkSize) {
      ::close(fd);
      victims.push_back(fd);
    }
  }
  REQUIRE(victims.size() == 1);
  write_file(directory.file("precious"), "do not touch");
  const int precious = ::open(directory.file("precious").c_str(), O_RDWR);
  REQUIRE(::dup2(precious, victims[0]) == victims[0]);
  for (std::uint32_t i = 0; i < 20'000; ++i)
    journal.on_class({i, engine::ClassKey::kNamed, engine::Kind::kMutex, 0, 0, 0, 0, 0, "a name of a class", 17});
  CHECK(told().empty());
  CHECK(journal.lost() == 0);
  journal.close();
  ::close(precious);
  ::close(victims[0]);
  CHECK(read_file(directory.file("precious")) == "do not touch");
  SinkLog heard;
  traces::JournalFacts facts;
  CHECK(read(directory.file("a"), heard, facts).ok());
  CHECK(heard.lines.size() == 20'000);
}

TEST_CASE("a fork child never writes into its parent's file and may open its own", "[record]") {
  Directory directory;
  record::Journal journal;
  REQUIRE(journal.open(directory.file("parent").c_str(), process()));
  const auto say = [](engine::Sink& sink, std::uint32_t from, std::uint32_t to) {
    for (std::uint32_t i = from; i < to; ++i)
      sink.on_class({i, engine::ClassKey::kNamed, engine::Kind::kMutex, 0, 0, 0, 0, 0, "a class", 7});
  };
  SinkLog parent_said, child_said, heard;
  say(journal, 0, 9000);
  say(parent_said, 0, 20000);
  say(child_said, 0, 10);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    bool good = !journal.is_open();              // wiped
    say(journal, 70000, 70010);                  // and silent until opened again
    journal.finish({}, 9);
    record::ProcessInfo self = process();
    self.pid = 43;
    good = good && journal.open(directory.file("child").c_str(), self);
    say(journal, 0, 10);
    journal.finish({}, 1);
    ::_exit(good ? 0 : 1);
  }
  say(journal, 9000, 20000);
  journal.finish({}, 2);
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(status == 0);
  journal.close();
  traces::JournalFacts parent, own;
  CHECK(read(directory.file("parent"), heard, parent).ok());
  CHECK(heard.lines == parent_said.lines);
  CHECK(parent.requests == 2);
  heard.lines.clear();
  CHECK(read(directory.file("child"), heard, own).ok());
  CHECK(heard.lines == child_said.lines);
  CHECK(own.pid == 43);
  CHECK(own.requests == 1);
}
