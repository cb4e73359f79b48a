// SPDX-License-Identifier: MIT
//
// Rules that do nothing are told, those that do something are not.
#include "rules/hygiene.h"

#include "unit/rules/judged.h"

namespace {

using namespace crossdep;
using Lines = std::vector<std::string>;

Lines idle(const std::string& rule) {
  static const reports::Graph graph = rules::test::judge(
      "T1 acquire table\nT1 op fork\nT1 acquire row\nT1 release row\nT1 release table\nT1 acquire b.c:log\nT1 release b.c:log\n");
  return rules::idle_rules(rules::test::rules_of(rule), graph);
}

}  // namespace

TEST_CASE("rules that fit something are not idle", "[rules]") {
  CHECK(idle("{}").empty());
  CHECK(idle(R"({"order": [["^table$", "row", "^log$"]], "leaf": ["*"]})").empty());
  CHECK(idle(R"({"forbid": [{"operation": "dlopen", "under": "table"}], "no_lock": [{"operation": "x"}]})").empty());
  CHECK(idle(R"({"order": [["table", "row"], ["row", "log"], ["table", "log"]]})").empty());
}

TEST_CASE("a pattern that fits no class is idle, wherever it stands", "[rules]") {
  CHECK(idle("{\n\"order\": [[\"^tabel$\", [\"row\", \"rwo\"]]]}") == Lines{"r.json:2: '^tabel$' fits no lock class", "r.json:2: 'rwo' fits no lock class"});
  for (const char* rule : {R"({"leaf": ["none"]})", R"({"leaf": [{"class": "row", "except": "none"}]})", R"({"forbid": [{"call": "f", "under": "none"}]})",
                           R"({"require": [{"call": "f", "lock": ["row", "none"]}]})", R"({"no_lock": [{"call": "f", "except": "none"}]})",
                           R"({"max_hold": [{"class": "none", "milliseconds": 1}]})", R"({"nesting": [{"class": "none", "order": "any"}]})",
                           R"({"wait": [{"class": "none", "type": "spin"}]})"})
    CHECK(idle(rule) == Lines{"r.json:1: 'none' fits no lock class"});
  // An operation is no lock.
  CHECK(idle(R"({"leaf": ["fork"]})") == Lines{"r.json:1: 'fork' fits no lock class"});
}

TEST_CASE("a place of an order that is left empty is idle", "[rules]") {
  CHECK(idle(R"({"order": [["*", "table"]]})").empty());   // an exact name goes before a pattern
  CHECK(idle(R"({"order": [["*", "^table$"]]})") == Lines{"r.json:1: '^table$' fits only classes that stand elsewhere in this order"});
}

TEST_CASE("orders that contradict each other are told with their places", "[rules]") {
  CHECK(idle("{\"order\": [[\"table\", \"row\"],\n[\"row\", \"table\"]]}") ==
        Lines{"orders contradict each other: table before row (r.json:1), row before table (r.json:2)"});
  CHECK(idle("{\"order\": [[\"table\", \"row\"],\n[\"row\", \"log\"],\n[\"log\", \"table\"]]}") ==
        Lines{"orders contradict each other: table before row (r.json:1), row before b.c:log (r.json:2), b.c:log before table (r.json:3)"});
}
