// SPDX-License-Identifier: MIT
//
// The union of graphs: what it finds, and that order, grouping and repetition of its inputs cannot show.
#include "reports/merge.h"

#include <algorithm>
#include <random>

#include "reports/json.h"
#include "unit/reports/engine_run.h"
#include "unit/reports/golden.h"

namespace {

using namespace crossdep;
using namespace crossdep::reports::test;
using engine::Verdict;
using reports::Finding;
using reports::Graph;
using reports::Index;
using reports::merge;

Graph half(const std::string& source, std::uint64_t pid, const std::vector<std::string>& order, engine::ClassKey key = engine::ClassKey::kNamed) {
  EngineRun run(source, pid, key);
  run.take("T" + std::to_string(pid), order);
  return run.graph();
}

void check_equal(const Graph& a, const Graph& b) {
  const std::string diff = difference(lines_of(reports::to_json(a)), lines_of(reports::to_json(b)));
  INFO(diff);
  CHECK(diff.empty());
}

// A run of some threads that nest some of eight locks at random.
Graph random_run(std::mt19937& random, std::uint64_t pid) {
  EngineRun run("random", pid);
  const unsigned steps = 3 + random() % 8;
  for (unsigned i = 0; i < steps; ++i) {
    std::vector<std::string> locks = {"a", "b", "c", "d", "e", "f", "g", "h"};
    std::shuffle(locks.begin(), locks.end(), random);
    locks.resize(2 + random() % 2);
    run.take("T" + std::to_string(random() % 3), locks, random() % 3 == 0 ? engine::Mode::kRecursiveRead : engine::Mode::kWrite);
  }
  return run.graph();
}

}  // namespace

TEST_CASE("a cycle whose halves come from different runs is found", "[merge]") {
  const Graph first = half("one", 1, {"a", "b"}), second = half("two", 2, {"b", "a"});
  REQUIRE(first.findings.empty());
  REQUIRE(second.findings.empty());
  const Graph both = merge({first, second});
  REQUIRE(both.findings.size() == 1);
  const Finding& f = both.findings.front();
  CHECK(f.verdict == Verdict::kPossible);
  CHECK(f.reason_code == "runs-differ");
  CHECK(f.from_union);
  REQUIRE(f.links.size() == 2);
  CHECK(f.links[0].witness.run != f.links[1].witness.run);
  CHECK(both.runs.size() == 2);
}

TEST_CASE("the id of a united cycle is that of the same cycle in one run", "[merge]") {
  EngineRun whole("whole", 3);
  whole.take("T1", {"a", "b"});
  whole.take("T2", {"b", "a"});
  const Graph graph = whole.graph();
  REQUIRE(graph.findings.size() == 1);
  const Graph both = merge({half("one", 1, {"a", "b"}), half("two", 2, {"b", "a"})});
  REQUIRE(both.findings.size() == 1);
  CHECK(both.findings.front().id == graph.findings.front().id);
}

TEST_CASE("three runs give a cycle that no two of them have", "[merge]") {
  const Graph ab = half("one", 1, {"a", "b"}), bc = half("two", 2, {"b", "c"}), ca = half("three", 3, {"c", "a"});
  CHECK(merge({ab, bc}).findings.empty());
  CHECK(merge({bc, ca}).findings.empty());
  const Graph all = merge({ab, bc, ca});
  REQUIRE(all.findings.size() == 1);
  CHECK(all.findings.front().classes.size() == 3);
}

TEST_CASE("one context's two orders are latent until another run has one of them", "[merge]") {
  EngineRun one("one", 1);
  one.take("T1", {"a", "b"});
  one.take("T1", {"b", "a"});
  const Graph alone = one.graph();
  REQUIRE(alone.findings.size() == 1);
  REQUIRE(alone.findings.front().verdict == Verdict::kLatent);
  CHECK(merge({alone, alone}).findings.front().verdict == Verdict::kLatent);

  const Graph raised = merge({alone, half("two", 2, {"a", "b"})});
  REQUIRE(raised.findings.size() == 1);
  const Finding& f = raised.findings.front();
  CHECK(f.verdict == Verdict::kPossible);
  CHECK(f.reason_code == "runs-differ");
  CHECK(f.run_verdict == Verdict::kLatent);
  CHECK(f.run_reason_code == "one-context");
  // Taking the union again changes nothing.
  check_equal(merge({raised}), raised);
}

TEST_CASE("a static lock held around both halves excludes the cycle", "[merge]") {
  const auto key = engine::ClassKey::kInstance;   // one object, whichever run
  const Graph gated = merge({half("one", 1, {"gate", "a", "b"}, key), half("two", 2, {"gate", "b", "a"}, key)});
  CHECK(gated.findings.empty());
  const Graph open = merge({half("one", 1, {"gate", "a", "b"}, key), half("two", 2, {"b", "a"}, key)});
  CHECK(open.findings.size() == 1);
}

TEST_CASE("readers that do not block each other make no cycle of a union", "[merge]") {
  EngineRun one("one", 1), two("two", 2);
  one.take("T1", {"a", "b"}, engine::Mode::kRecursiveRead);
  two.take("T1", {"b", "a"}, engine::Mode::kRecursiveRead);
  CHECK(merge({one.graph(), two.graph()}).findings.empty());
}

TEST_CASE("a union does not depend on order, grouping or repetition", "[merge]") {
  std::mt19937 random(20171);
  bool some_union_finding = false;
  for (unsigned round = 0; round < 25; ++round) {
    CAPTURE(round);
    std::vector<Graph> graphs;
    for (std::uint64_t pid = 1; pid <= 2 + random() % 6; ++pid) graphs.push_back(random_run(random, pid));
    const Graph all = merge(graphs);
    for (const Finding& f : all.findings) some_union_finding |= f.from_union;

    std::vector<Graph> shuffled = graphs;
    std::shuffle(shuffled.begin(), shuffled.end(), random);
    check_equal(merge(shuffled), all);

    std::vector<Graph> left, right;
    for (const Graph& graph : shuffled) (random() % 2 == 0 ? left : right).push_back(graph);
    check_equal(merge({merge(left), merge(right)}), all);
    check_equal(merge({all, all}), all);
    check_equal(merge({all, graphs.front()}), all);
    check_equal(merge({all, merge(left)}), all);
  }
  CHECK(some_union_finding);
}

TEST_CASE("evidence is bounded and the same whoever comes first", "[merge]") {
  std::vector<Graph> graphs;
  for (std::uint64_t pid = 1; pid <= 12; ++pid) graphs.push_back(half("run" + std::to_string(pid), pid, {"a", "b"}));
  const Graph all = merge(graphs);
  REQUIRE(all.dependencies.size() == 1);
  CHECK(all.runs.size() == 12);
  CHECK(all.dependencies.front().runs.size() == reports::kRunsKept);
  CHECK(all.dependencies.front().witnesses.size() <= reports::kRunsKept * reports::kWitnessesKept);
  std::reverse(graphs.begin(), graphs.end());
  check_equal(merge(graphs), all);
}

TEST_CASE("what is left out while reading changes no union", "[merge]") {
  std::mt19937 random(7);
  for (unsigned round = 0; round < 10; ++round) {
    std::vector<Graph> graphs;
    for (std::uint64_t pid = 1; pid <= 24; ++pid) graphs.push_back(random_run(random, pid));
    // What no run saw, and more kinds of dependency than one pair of classes has modes for in the sieve.
    const Index a = 0, b = 1;
    for (Graph& graph : graphs) {
      if (random() % 3 != 0) continue;
      reports::Dependency declared{a, b, {}, {}, {}};
      for (const auto origin : {engine::Origin::kHeld, engine::Origin::kOverlap, engine::Origin::kHistory, engine::Origin::kDeclared})
        for (const auto mode : {engine::Mode::kWrite, engine::Mode::kRead, engine::Mode::kRecursiveRead})
          if (round % 2 == 0 && random() % 2 == 0) declared.modes.push_back({origin, mode, engine::Mode::kWrite, random() % 2 == 0});
      reports::Witness witness;
      witness.ordinal = random() % 4;
      declared.witnesses.push_back(witness);
      graph.dependencies.push_back(std::move(declared));
    }
    reports::Merger merger;
    std::size_t left_out = 0;
    for (const Graph& graph : graphs) {
      Graph read;
      reports::ReadError error;
      {
        reports::Sieve::Outlook view(merger.sieve());
        REQUIRE(reports::from_json(reports::to_json(graph), read, error,
                                   [&](const Graph& so_far, const reports::Dependency& d) { return view.wants(so_far, d); }));
      }
      left_out += graph.dependencies.size() - read.dependencies.size();
      merger.add(std::move(read));
    }
    CHECK(left_out > 0);
    check_equal(merger.take(), merge(graphs));
  }
}

TEST_CASE("nothing united is an empty graph", "[merge]") {
  const Graph none = merge({});
  CHECK(none.runs.empty());
  CHECK(none.findings.empty());
}
