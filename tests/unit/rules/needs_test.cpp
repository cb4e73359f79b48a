// SPDX-License-Identifier: MIT
//
// What rules ask a process to observe, and how a long hold is told.
#include "rules/needs.h"

#include "unit/rules/judged.h"

namespace {

using namespace crossdep;
using namespace crossdep::rules::test;

}  // namespace

TEST_CASE("input and output are watched only if a rule names them", "[rules]") {
  CHECK(rules::asks_for_io(rules_of(R"({"no_lock": [{"operation": "write"}]})")));
  CHECK(rules::asks_for_io(rules_of(R"({"forbid": [{"operation": ["fork", "recv*"], "under": "a"}]})")));
  CHECK(rules::asks_for_io(rules_of(R"({"require": [{"operation": "*", "lock": "a"}]})")));
  CHECK_FALSE(rules::asks_for_io(rules_of(R"({"no_lock": [{"operation": ["fork", "*sleep", "writer"]}]})")));
  CHECK_FALSE(rules::asks_for_io(rules_of(R"({"no_lock": [{"call": "write"}], "leaf": ["read"]})")));
}

TEST_CASE("the shortest hold", "[rules]") {
  CHECK(rules::shortest_hold(rules_of(R"({"leaf": ["a"]})")) == 0);
  CHECK(rules::shortest_hold(rules_of(R"({"max_hold": [{"class": "a", "milliseconds": 70}, {"class": "b", "milliseconds": 20}]})")) == 20);
}

TEST_CASE("the name of a long hold", "[rules]") {
  std::uint64_t milliseconds = 0;
  std::size_t later = 0;
  CHECK(rules::parse_held_operation("held-126ms@2", milliseconds, later));
  CHECK((milliseconds == 126 && later == 2));
  for (const char* other : {"held", "held-", "held-x", "held-1ms", "held-1ms@", "held-1ms@x", "held-1ms@1x", "withheld-1ms@1", "held-99999999999999999999ms@0"})
    CHECK_FALSE(rules::parse_held_operation(other, milliseconds, later));
}

TEST_CASE("a lock held for longer than it may be", "[rules]") {
  const std::string rule = R"({"max_hold": [{"class": "^a", "except": "^a2$", "milliseconds": 100, "reason": "readers wait"}]})";
  const auto judged = [&](const std::string& trace) { return found(judge(trace, rules_of(rule))); };
  const std::string finding = "forbidden-operation confirmed: (op)hold for long a\n";
  const auto held = [](const std::string& name) { return "T1 acquire a\nT1 acquire b\nT1 op " + name + "\nT1 release b\nT1 release a\n"; };
  CHECK(judged(held("held-126ms@1")) == finding);
  CHECK(judged(held("held-100ms@1")).empty());      // as long as it may be
  CHECK(judged(held("held-126ms@0")).empty());      // it is b that was held for so long
  CHECK(judged(held("held-126ms@7")).empty());
  CHECK(judged("T1 acquire a2\nT1 op held-126ms@0\nT1 release a2\n").empty());
  // The longest of a place is told, once.
  const reports::Graph graph = judge(held("held-126ms@1") + held("held-240ms@1"), rules_of(rule));
  REQUIRE(found(graph) == finding);
  CHECK(graph.findings.front().reason == "T1/1 held a for 240 ms; 100 ms are allowed (r.json:1: readers wait)");
  // It is no operation that other rules speak of.
  CHECK(found(judge(held("held-126ms@1"), rules_of(R"({"no_lock": [{"operation": "*"}]})"))).empty());
}
