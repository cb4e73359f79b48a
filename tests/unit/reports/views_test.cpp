// SPDX-License-Identifier: MIT
//
// The text and graphviz views: what they show, hide, count and escape.
#include <cstdlib>
#include <fstream>
#include <unistd.h>

#include "reports/dot.h"
#include "reports/text.h"
#include "unit/reports/engine_run.h"
#include "unit/reports/golden.h"
#include "unit/reports/graph_maker.h"

namespace {

using namespace crossdep;
using namespace crossdep::reports::test;
using engine::Verdict;

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// A latent cycle by one context and a possible one by two.
reports::Graph two_findings() {
  EngineRun run("two", 1);
  run.take("T1", {"a", "b"});
  run.take("T1", {"b", "a"});
  run.take("T1", {"c", "d"});
  run.take("T2", {"d", "c"});
  return run.graph();
}

}  // namespace

TEST_CASE("findings below the policy are counted, and shown on request", "[text]") {
  const reports::Graph graph = two_findings();
  REQUIRE(graph.findings.size() == 2);
  CHECK(graph.findings[0].verdict == Verdict::kPossible);   // the most certain first
  CHECK(graph.findings[1].verdict == Verdict::kLatent);
  const std::string text = reports::render_text(graph, {});
  CHECK(contains(text, graph.findings[0].id));
  CHECK_FALSE(contains(text, graph.findings[1].id));
  CHECK(contains(text, "2 findings: 1 possible, 1 latent\n"));
  CHECK(contains(text, "1 finding below the policy (possible) not shown; --verbose shows them\n"));
  CHECK(contains(reports::render_text(graph, {true, Verdict::kPossible}), graph.findings[1].id));
  CHECK(contains(reports::render_text(graph, {false, Verdict::kLatent}), graph.findings[1].id));
}

TEST_CASE("the summary says what was seen and what was lost", "[text]") {
  reports::Graph graph = two_findings();
  CHECK(contains(reports::render_summary(graph), "\nseen: 4 lock classes, 4 dependencies, 8 requests by 2 contexts in 1 run\n"));
  CHECK_FALSE(contains(reports::render_summary(graph), "lost:"));
  graph.runs[0].losses = {1, 2, 3, 4, 0};
  const std::string text = reports::render_summary(graph);
  CHECK(contains(text, "lost: 1 thing forgotten for want of memory\n"));
  CHECK(contains(text, "lost: 2 events missing from the input\n"));
  CHECK(contains(text, "lost: 3 releases without an acquisition, where the input began in the middle\n"));
  CHECK(contains(text, "lost: 4 cycle searches not finished within the budget\n"));
  CHECK(reports::render_summary(reports::Graph()).starts_with("no findings\n"));
}

TEST_CASE("a cycle of many classes still fits one screen", "[text]") {
  EngineRun run("long", 1);
  for (int i = 0; i < 20; ++i) run.take("T" + std::to_string(i), {"lock" + std::to_string(i), "lock" + std::to_string((i + 1) % 20)});
  const reports::Graph graph = run.graph();
  REQUIRE(graph.findings.size() == 1);
  REQUIRE(graph.findings[0].classes.size() == 20);
  const std::string text = reports::render_finding(graph, graph.findings[0], {});
  CHECK(lines_of(text).size() <= 20);
  CHECK(contains(text, "(13 more)"));
  CHECK(contains(text, "more dependencies (--verbose shows them)\n"));
  CHECK_FALSE(contains(reports::render_finding(graph, graph.findings[0], {true, Verdict::kPossible}), "--verbose"));
}

TEST_CASE("graphviz gets names it can read", "[dot]") {
  GraphMaker m;
  const auto a = m.lock_class("say \"a\" \\ \n{<x>|y}"), b = m.lock_class("(complete)b", engine::Kind::kCompletion);
  auto w = m.witness(b, a, m.context("T \"1\"", 1));
  w.origin = engine::Origin::kOverlap;
  w.to_site = m.site("a\\b.c:1");
  m.add(w);
  const std::string dot = reports::render_dot(m.graph());
  CHECK(contains(dot, "[label=\"say \\\"a\\\" \\\\ \\\\x0a{<x>|y}\"]"));
  CHECK(contains(dot, "[label=\"(complete)b\", shape=ellipse]"));
  CHECK(contains(dot, "tooltip=\"T \\\"1\\\"/1 at a\\\\b.c:1\", style=dashed"));
  if (std::system("command -v dot >/dev/null 2>&1") != 0) return;
  char path[] = "/tmp/crossdep-dot-XXXXXX";
  ::close(::mkstemp(path));
  std::ofstream(path) << dot;
  CHECK(std::system(("dot -Tplain " + std::string(path) + " >/dev/null 2>&1").c_str()) == 0);
  ::unlink(path);
}

TEST_CASE("cycles are coloured, what is in none is not", "[dot]") {
  EngineRun run("colours", 1);
  run.take("T1", {"a", "b"});
  run.take("T2", {"b", "a"});
  run.take("T1", {"a", "alone"});
  const std::string dot = reports::render_dot(run.graph());
  CHECK(contains(dot, "[label=\"a\", color=orangered"));
  CHECK(contains(dot, "[label=\"alone\"];"));
}
