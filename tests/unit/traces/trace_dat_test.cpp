// SPDX-License-Identifier: MIT
//
// trace.dat: the same recordings as in ftrace text give the same answers; call chains, buffers, losses; what is damaged.
// The files are made from ftrace text by tests/data/kernel/make_trace_dat.py.
#include "catch.hpp"
#include "run_trace.h"
#include "traces/ftrace_line.h"
#include "traces/trace_dat_reader.h"

using namespace crossdep;
using namespace crossdep::traces_test;
using Lines = std::vector<std::string>;

namespace {

Judged judge_trace_dat(const std::string& bytes) {
  return judge_file(bytes, [](int fd, traces::EventConsumer& consumer) {
    return traces::read_trace_dat("/proc/self/fd/" + std::to_string(fd), "test.dat", consumer);
  });
}

// The places of the requests, as the engine was told them.
std::set<std::string> places(const std::string& bytes, bool trace_dat) {
  struct Places : traces::EventConsumer {
    std::vector<std::string> texts{""};
    std::set<std::string> found;
    void on_class(const traces::ClassDefinition&) override {}
    void on_lock(const traces::LockDefinition&) override {}
    void on_context(const traces::ContextDefinition&) override {}
    void on_site(traces::Site site, std::string_view text) override {
      if (texts.size() <= site) texts.resize(site + 1);
      texts[site] = text.substr(0, text.find('/'));   // the length of a function is not in the file's symbols
    }
    void on_event(const traces::Event& event) override {
      if (event.kind == traces::EventKind::kRequest) found.insert(texts[event.site]);
    }
  } out;
  MemoryFile file(bytes);
  traces::LineSource source(file.fd());
  if (trace_dat) traces::read_trace_dat(file.path(), "x", out);
  else traces::read_ftrace(source, "x", out);
  return out.found;
}

// This build has the library, or says how to do without.
bool readable(const std::string& bytes) {
  REQUIRE_FALSE(bytes.empty());
  const Judged judged = judge_trace_dat(bytes);
  if (judged.status.text().find("trace-cmd report") == std::string::npos) return true;
  CHECK(judged.status.failed());
  return false;
}

}  // namespace

TEST_CASE("trace.dat: is recognised", "[traces][trace_dat]") {
  std::string cause;
  const std::string bytes = load("kernel/xrelease.trace.dat.xz");
  CHECK(traces::recognise(bytes, cause) == traces::Format::kTraceDat);
  if (!readable(bytes)) return;
  traces::TraceFile packed;
  REQUIRE(packed.open(data_path("kernel/xrelease.trace.dat.xz")).ok());
  Collector found;
  traces::Replay replay(found);
  CHECK(packed.read_events(replay).ok());
  CHECK(replay.total_lock_event_count() > 0);
}

TEST_CASE("trace.dat: the completion deadlock, by probes", "[traces][trace_dat]") {
  const std::string bytes = load("kernel/xrelease.trace.dat.xz");
  if (!readable(bytes)) return;
  const Judged one = judge_trace_dat(bytes), other = judge_ftrace(load("kernel/xrelease.ftrace"));
  CHECK(one.status.ok());
  CHECK(one.summary() == other.summary());
  CHECK(one.summary().size() == 1);
  CHECK(one.found.dependencies.size() == other.found.dependencies.size());
  CHECK(one.undefined == 0);
}

TEST_CASE("trace.dat: stock events, acquisitions and releases in two buffers", "[traces][trace_dat]") {
  const std::string bytes = load("kernel/abba_mutex.trace.dat.xz");
  if (!readable(bytes)) return;
  const std::string ftrace = load("kernel/abba_mutex.ftrace.xz");
  std::string stock;
  for (std::size_t begin = 0; begin < ftrace.size();) {
    const std::size_t end = ftrace.find('\n', begin);
    traces::FtraceLine line;
    const std::string_view text = std::string_view(ftrace).substr(begin, end - begin);
    if (traces::parse_ftrace_line(text, line) && line.event.starts_with("lock_")) stock.append(text).append("\n");
    begin = end + 1;
  }
  const Judged one = judge_trace_dat(bytes), other = judge_ftrace(stock);
  CHECK(one.status.ok());
  CHECK(one.summary() == other.summary());
  CHECK_FALSE(one.summary().empty());
  CHECK(one.found.classes == other.found.classes);
  CHECK(one.found.dependencies.size() == other.found.dependencies.size());
  CHECK(one.noted("known by name only"));
}

TEST_CASE("trace.dat, ftrace: call chains give the places", "[traces][trace_dat][ftrace]") {
  const std::string text = load("kernel/stacks.ftrace");
  const std::set<std::string> expected = {"take_both+0x1c", "take_both+0x2c", "other_way+0x1c", "other_way+0x2c"};
  CHECK(places(text, false) == expected);
  const Judged judged = judge_ftrace(text);
  CHECK(judged.summary() == Lines{"lock-order-cycle possible lock_b -> lock_a -> lock_b"});
  CHECK_FALSE(judged.noted("no ftrace event"));
  const std::string bytes = load("kernel/stacks.trace.dat.xz");
  if (!readable(bytes)) return;
  std::set<std::string> found;
  for (const std::string& place : places(bytes, true)) found.insert(place.substr(0, place.find(' ')));   // [my_mod]
  CHECK(found == expected);
  CHECK(judge_trace_dat(bytes).summary() == judged.summary());
}

TEST_CASE("trace.dat: lost events forget what was held", "[traces][trace_dat]") {
  const std::string bytes = load("kernel/stacks_lost.trace.dat.xz");
  if (!readable(bytes)) return;
  const Judged judged = judge_trace_dat(bytes);
  CHECK(judged.status.ok());
  CHECK(judged.lost == 17);
  CHECK(judged.noted("17 events are missing"));
  CHECK(judged.summary().empty());
  CHECK(judged.found.has_dependency("lock_b", "lock_a"));
}

TEST_CASE("trace.dat: version 7, packed", "[traces][trace_dat]") {
  for (const std::string name : {"stacks", "stacks_lost"}) {
    const std::string old = load("kernel/" + name + ".trace.dat.xz"), bytes = load("kernel/" + name + ".v7.trace.dat.xz");
    if (!readable(old)) return;
    const Judged one = judge_trace_dat(bytes), other = judge_trace_dat(old);
    CHECK(one.status.ok());
    CHECK(one.summary() == other.summary());
    CHECK(one.lost == other.lost);
    CHECK(one.found.dependencies.size() == other.found.dependencies.size());
  }
}

TEST_CASE("trace.dat: version 7, cut anywhere", "[traces][trace_dat]") {
  const std::string whole = load("kernel/stacks.v7.trace.dat.xz");
  if (!readable(whole)) return;
  const std::vector<std::string> found = judge_trace_dat(whole).summary();
  REQUIRE_FALSE(found.empty());
  std::set<std::string> parts;
  for (std::size_t length = 12; length < whole.size(); length += length + 130 < whole.size() ? 61 : 1) {
    const Judged judged = judge_trace_dat(whole.substr(0, length));
    const std::string text = judged.status.text();
    INFO(length << ": " << text);
    CHECK_FALSE(judged.status.ok());
    CHECK(text.find("test.dat: offset ") == 0);
    CHECK(text.find("damaged or cut in ") != std::string::npos);
    CHECK(judged.consistent);
    parts.insert(text.substr(text.find(" cut in ") + 8));
    // The names of sections stand last: without them all the rest can still be judged, and it is said to be in part.
    if (judged.status.partial()) CHECK(judged.summary() == found);
  }
  CHECK(parts.contains("the strings (the result is partial: judged up to there)"));
  for (const char* part : {"the header", "the events' formats", "the records", "the options"}) CHECK(parts.contains(part));
}

TEST_CASE("trace.dat: cut anywhere, damaged anywhere", "[traces][trace_dat]") {
  const std::string whole = load("kernel/stacks.trace.dat.xz");
  if (!readable(whole)) return;
  CHECK(judge_trace_dat("\x17\x08\x44tracing").status.failed());
  for (std::size_t length = 12; length < whole.size(); length += length < 9000 ? 97 : 1021) {
    const Judged judged = judge_trace_dat(whole.substr(0, length));
    INFO(length << ": " << judged.status.text());
    CHECK_FALSE(judged.status.ok());
    CHECK(judged.status.text().find("test.dat") == 0);
    CHECK(judged.consistent);
  }
  std::uint32_t state = 5;   // in the descriptions, of which the library believes much
  for (int i = 0; i < 40; ++i) {
    std::string damaged = whole;
    for (int byte = 0; byte < 3; ++byte) {
      state = state * 1664525 + 1013904223;
      damaged[12 + (state >> 8) % 4000] = static_cast<char>(state >> 24);
    }
    CHECK(judge_trace_dat(damaged).consistent);
  }
  std::string newer = whole;
  newer[10] = '9';
  CHECK(judge_trace_dat(newer).status.text().find("version 9") != std::string::npos);
}
