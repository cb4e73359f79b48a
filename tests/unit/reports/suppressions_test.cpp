// SPDX-License-Identifier: MIT
//
// Files of suppressions: what a line may be, what is said of one that is none, what a pattern fits.
#include "reports/suppressions.h"

#include "catch.hpp"
#include "reports/text.h"
#include "unit/reports/engine_run.h"

namespace {

using namespace crossdep;
using reports::Suppressions;

reports::Graph cycle() {
  reports::test::EngineRun run("one", 1);
  run.take("T1", {"alpha_lock", "beta_lock"});
  run.take("T2", {"beta_lock", "alpha_lock"});
  return run.graph();
}

bool suppressed(const std::string& text) {
  static const reports::Graph graph = cycle();
  Suppressions suppressions;
  std::string cause;
  REQUIRE(suppressions.parse(text, "f", cause));
  return suppressions.suppresses(graph, graph.findings.at(0));
}

std::string cause_of(const std::string& text) {
  Suppressions suppressions;
  std::string cause;
  return suppressions.parse(text, "f", cause) ? std::string() : cause;
}

}  // namespace

TEST_CASE("a suppression fits names of classes", "[suppressions]") {
  CHECK(suppressed("deadlock:alpha_lock\n"));
  CHECK(suppressed("# why\n\n  deadlock:beta  \r\n"));
  CHECK(suppressed("lock-order-cycle:alpha"));
  CHECK_FALSE(suppressed(""));
  CHECK_FALSE(suppressed("#deadlock:alpha_lock\n"));
  CHECK_FALSE(suppressed("deadlock:gamma\n"));
  CHECK_FALSE(suppressed("mutex:alpha_lock\nrecursive-lock:alpha_lock\n"));
  CHECK_FALSE(suppressed("race:alpha_lock\ncalled_from_lib:alpha\n"));   // of TSan, not for us
}

TEST_CASE("a pattern has stars and ends", "[suppressions]") {
  for (const char* yes : {"*", "al*lock", "^alpha", "lock$", "^alpha_lock$", "^a*_lock$", "^*$", "a*_l*k$", "ph*"})
    CHECK(suppressed("deadlock:" + std::string(yes)));
  for (const char* no : {"^lock", "alpha$", "^alpha$", "lock*alpha", "^a*b$", "^alpha_lock_$", "x*"})
    CHECK_FALSE(suppressed("deadlock:" + std::string(no)));
}

TEST_CASE("a suppression fits files and modules of the stacks, as in ThreadSanitizer", "[suppressions]") {
  reports::Graph graph = cycle();
  reports::Frame frame;
  frame.function = "conn_use";
  frame.file = "/src/third_party/conn.c";
  frame.module = "libconn.so.1";
  graph.frames.push_back(frame);
  graph.stacks.push_back({static_cast<reports::Index>(graph.frames.size() - 1)});
  graph.findings.at(0).links.at(0).witness.to_stack = static_cast<reports::Index>(graph.stacks.size() - 1);
  const auto fits = [&](const std::string& line) {
    Suppressions suppressions;
    std::string cause;
    REQUIRE(suppressions.parse(line, "f", cause));
    return suppressions.suppresses(graph, graph.findings.at(0));
  };
  for (const char* yes : {"^conn_use$", "third_party/", "conn.c$", "^/src/*/conn.c$", "libconn.so"}) CHECK(fits("deadlock:" + std::string(yes)));
  for (const char* no : {"^third_party", "conn.c_", "libconn.so$", "fourth_party"}) CHECK_FALSE(fits("deadlock:" + std::string(no)));
  CHECK_FALSE(fits("race:third_party"));
}

TEST_CASE("a double lock is of both kinds", "[suppressions]") {
  reports::Graph graph = cycle();
  graph.findings.at(0).check = engine::Check::kRecursiveLock;
  for (const char* line : {"mutex:alpha_lock", "deadlock:alpha_lock", "recursive-lock:alpha_lock"}) {
    Suppressions suppressions;
    std::string cause;
    REQUIRE(suppressions.parse(line, "f", cause));
    CHECK(suppressions.suppresses(graph, graph.findings.at(0)));
  }
}

TEST_CASE("a line that is no suppression is named", "[suppressions]") {
  CHECK(cause_of("deadlock:x\nalpha\n") == "f:2: not kind:pattern");
  CHECK(cause_of("deadlocks:x").starts_with("f:1: unknown kind 'deadlocks'"));
  CHECK(cause_of("\n\ndeadlock:\n") == "f:3: no pattern after 'deadlock:'");
  CHECK(cause_of("dead\x1b[31mlock:x").find('\x1b') == std::string::npos);
  Suppressions suppressions;
  std::string cause;
  CHECK_FALSE(suppressions.read("/nonexistent/file", cause));
  CHECK(cause == "/nonexistent/file: No such file or directory");
  CHECK_FALSE(suppressions.read("/", cause));
  CHECK(cause == "/: Is a directory");
}

TEST_CASE("what is suppressed is counted", "[suppressions]") {
  const reports::Graph graph = cycle();
  reports::TextOptions options;
  std::string cause;
  CHECK(reports::render_text(graph, options).find("suppressed") == std::string::npos);
  REQUIRE(options.suppressions.parse("deadlock:alpha_lock", "f", cause));
  const std::string text = reports::render_text(graph, options);
  CHECK(text.find("1 finding: 1 possible; 1 suppressed\n") != std::string::npos);
  CHECK(text.find(graph.findings.at(0).id) == std::string::npos);
}
