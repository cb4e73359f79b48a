// SPDX-License-Identifier: MIT
//
// A learnt order: levels, circles, and that the graph it was learnt from keeps to it.
#include "rules/learn.h"

#include <random>

#include "unit/rules/judged.h"

namespace {

using namespace crossdep;
using namespace crossdep::rules::test;

std::string pair(const std::string& a, const std::string& b) {
  return "T1 acquire " + a + "\nT1 acquire " + b + "\nT1 release " + b + "\nT1 release " + a + "\n";
}

}  // namespace

TEST_CASE("levels are computed from the order that was seen", "[rules]") {
  const reports::Graph graph = judge(pair("a", "b") + pair("b", "c") + pair("a", "c") + pair("d", "c") + "T1 acquire alone\nT1 release alone\n");
  const rules::RuleSet learnt = rules_of(rules::learn(graph, "g.cdgraph"));
  REQUIRE(learnt.orders.size() == 1);
  CHECK(learnt.orders[0].classes == std::vector<rules::Patterns>{{"^a$", "^d$"}, {"^b$"}, {"^c$"}});
  CHECK(found(judge(pair("c", "a"), learnt)) == "declared-order confirmed: a c\n");
  CHECK(found(judge(pair("a", "d"), learnt)).empty());
}

TEST_CASE("a circle is broken out and marked", "[rules]") {
  const reports::Graph graph = judge(pair("top", "a") + pair("a", "b") + pair("b", "a") + pair("b", "z"));
  const std::string text = rules::learn(graph, "g.cdgraph");
  CHECK_THAT(text, Catch::Contains("// in a circle, so no order among them is declared: a, b"));
  CHECK(rules_of(text).orders[0].classes == std::vector<rules::Patterns>{{"^top$"}, {"^a$", "^b$"}, {"^z$"}});
}

TEST_CASE("nothing seen, nothing learnt", "[rules]") {
  CHECK(rules_of(rules::learn(judge("T1 acquire a\nT1 release a\n"), "a \"strange\" name")).orders.empty());
}

TEST_CASE("the graph an order was learnt from keeps to it, waits and circles included", "[rules]") {
  std::mt19937 random(7);
  const auto pick = [&](unsigned n) { return std::to_string(random() % n); };
  for (int round = 0; round < 60; ++round) {
    std::string trace = "T1 init done kind=completion\n";
    for (int i = 0; i < 12; ++i) trace += pair("l" + pick(9), "m" + pick(9));
    for (int i = 0; i < 4; ++i) trace += pair("m" + pick(9), "l" + pick(9));
    const std::string l = "l" + pick(9), m = "m" + pick(9);
    trace += "T2 acquire " + l + "\nT2 wait done\nT1 acquire " + m + "\nT1 release " + m + "\nT1 signal done\nT2 wake done\nT2 release " + l + "\n";
    reports::Graph graph = judge(trace);
    const std::string before = found(graph);
    rules::evaluate(rules_of(rules::learn(graph, "g")), graph);
    CAPTURE(trace);
    CHECK(found(graph) == before);
  }
}
