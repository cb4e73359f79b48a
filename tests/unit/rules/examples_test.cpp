// SPDX-License-Identifier: MIT
//
// Every example of the catalogue is a text trace that, judged (by the rules it asks for), gives its check and nothing else;
// without those rules it gives nothing.
#include "unit/rules/judged.h"

namespace {

using namespace crossdep;
using namespace crossdep::rules::test;

}  // namespace

TEST_CASE("the catalogue's examples show what they are examples of", "[rules]") {
  for (unsigned i = 0; i < engine::kCheckCount; ++i) {
    const rules::CheckText& entry = rules::catalogue()[i];
    CAPTURE(entry.id);
    const reports::Graph graph = judge(entry.example, entry.rules == nullptr ? rules::RuleSet() : rules_of(entry.rules));
    REQUIRE(graph.findings.size() == 1);
    CHECK(rules::check_id(graph.findings.front().check) == std::string(entry.id));
    CHECK(graph.findings.front().verdict >= engine::Verdict::kPossible);
    if (entry.rules != nullptr) CHECK(judge(entry.example).findings.empty());
  }
}
