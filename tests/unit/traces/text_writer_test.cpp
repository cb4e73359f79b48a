// SPDX-License-Identifier: MIT
//
// The text writer: what it writes reads back as the same trace, and writing that again changes nothing.
#include "catch.hpp"
#include "run_trace.h"

using namespace crossdep;
using namespace crossdep::traces_test;

namespace {

// What a trace comes to: findings, and dependencies by name with their origins.
std::vector<std::string> outcome(const Judged& judged) {
  std::vector<std::string> out = judged.summary();
  for (const auto& [id, link] : judged.found.dependencies) {
    std::string line = judged.found.classes.at(link.from) + " -> " + judged.found.classes.at(link.to);
    for (const engine::Origin origin : judged.found.origins(judged.found.classes.at(link.from), judged.found.classes.at(link.to)))
      line += " " + std::to_string(static_cast<int>(origin));
    out.push_back(line);
  }
  return out;
}

void check_round_trip(const std::string& original) {
  const std::string once = as_text(original);
  const std::string twice = as_text(once);
  INFO(once);
  CHECK(once == twice);
  const Judged before = judge_text(original), after = judge_text(once);
  CHECK(before.status.ok());
  CHECK(after.status.ok());
  CHECK(outcome(before) == outcome(after));
}

}  // namespace

TEST_CASE("writer: every event reads back", "[traces][writer]") {
  check_round_trip(
      "T1 class node order=address\n"
      "T1 class leaf nest_ok\n"
      "T1 init A class=node sub=2 kind=rwsem wait=0:4 site=a.c:1\n"
      "T1 init R kind=mutex recursive\n"
      "T1 init L kind=rwlock held=read\n"
      "T1 request A mode=read site=a.c:2\nT1 acquired A\n"
      "T1 downgrade A\n"
      "T1 acquire R\nT1 acquire R\nT1 release R\nT1 release R\n"
      "T1 acquire B mode=rread try wait=1:3\n"
      "T1 acquire C class=node timed nest=A\n"
      "T1 acquire C2 class=node sub=1\n"
      "T1 release C2 site=a.c:9\n"
      "T1 sync S mode=read\n"
      "T1 might_lock M\nT1 assert_held A mode=read\n"
      "T1 fork T2\n"
      "T2 begin hardirq threaded\nT2 acquire H\nT2 release H\nT2 end\n"
      "T2 begin softirq\nT2 end\nT2 begin nmi\nT2 end\nT2 begin signal 15\nT2 end\n"
      "T2 begin work w queue=q\nT2 acquire X\nT2 release X\nT2 end\n"
      "T2 begin work\nT2 end\n"
      "T2 mask hardirq\nT2 unmask hardirq\nT2 mask signal 3\n"
      "T2 acquire M\nT2 wait cv mutex=M timed site=b.c:1\n"
      "T1 signal cv all\nT1 signal done n=3\nT1 signal done\n"
      "T2 wake cv by=T1\n"
      "T2 wait done\nT2 wake done failed\n"
      "T2 op \"send data\" site=b.c:7\nT2 read v\nT2 write v\n"
      "T2 release M\n"
      "T1 join T2\n"
      "T1 lost n=4\n"
      "T1 acquire 0x5000\nT1 release 0x5000\nT1 free 0x4000 0x6000\n"
      "T1 acquire D\nT1 release D\nT1 destroy D\nT1 acquire D\nT1 init D class=other\n"
      "T1 exit\n");
}

TEST_CASE("writer: cycles, cases and expectations survive", "[traces][writer]") {
  check_round_trip("T1 acquire A\nT1 acquire B\nT2 acquire B\nT2 acquire A\n");
  const std::string text = as_text("%case one\n%expect quiet \"none\"\nT acquire A\n%case two\nT acquire B\n");
  CHECK(text.find("%case one\n%expect quiet \"none\"\n") != std::string::npos);
  CHECK(text.find("%case two\n") != std::string::npos);
}

TEST_CASE("writer: names with blanks, quotes and marks read back", "[traces][writer]") {
  check_round_trip("T acquire \"a b\" class=\"x=\\\"y\\\"\" site=\"f (g) \\\\ h\"\nT acquire \"#1\"\nT acquire \"%case\"\n");
}

TEST_CASE("writer: an acquisition without its request stays one", "[traces][writer]") {
  const std::string text = as_text("T acquire A\nT request B\nU acquire C\nT acquired B site=x.c:5\n");
  CHECK(text.find("T request B\n") != std::string::npos);
  CHECK(text.find("T acquired B site=x.c:5\n") != std::string::npos);
  CHECK(text.find("T acquire A\n") != std::string::npos);
}

TEST_CASE("writer: the kernel's self-test reads back case by case", "[traces][writer]") {
  const std::string original = load("kernel/selftest.cdt");
  REQUIRE_FALSE(original.empty());
  const std::string once = as_text(original);
  CHECK(once == as_text(once));
  const auto judge_cases = [](const std::string& content) {
    MemoryFile file(content);
    traces::LineSource source(file.fd());
    Collector first;
    std::unique_ptr<Collector> found;
    std::vector<std::string> out;
    traces::Replay replay(first);
    replay.on_case_begin = [&](std::string_view name) -> engine::Sink& {
      out.push_back("case " + std::string(name));
      found = std::make_unique<Collector>();
      return *found;
    };
    replay.on_case_end = [&](std::string_view, const engine::Engine&) {
      if (found == nullptr) return;
      for (const std::string& line : found->summary()) out.push_back(line);
    };
    const traces::Status status = traces::read_text(source, "selftest.cdt", replay);
    replay.finish();
    out.push_back(status.ok() ? "ok" : status.text());
    return out;
  };
  CHECK(judge_cases(original) == judge_cases(once));
}

TEST_CASE("writer: a kernel's recording told as text gives the same finding", "[traces][writer]") {
  const std::string original = load("kernel/xrelease.ftrace");
  REQUIRE_FALSE(original.empty());
  const std::string text = as_text(original);
  const Judged before = judge_ftrace(original), after = judge_text(text);
  INFO(text);
  CHECK(after.status.ok());
  CHECK(outcome(before) == outcome(after));
  CHECK(after.summary().size() == 1);
}

TEST_CASE("writer: a disk that is full is said", "[traces][writer]") {
  MemoryFile file("T acquire A\n");
  traces::TextWriter writer([](std::string_view) { return false; });
  traces::TraceFile trace;
  REQUIRE(trace.open(file.path()).ok());
  CHECK(trace.read_events(writer).ok());
  writer.finish();
  CHECK(writer.failed());
}
