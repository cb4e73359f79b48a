// SPDX-License-Identifier: MIT
//
// tests/data/conditions: known bugs with crosslocks, what cross-release was known to report falsely, and their twins. Each
// case says what is to be found in it, the reason included.
#include <algorithm>
#include <memory>

#include "catch.hpp"
#include "reports/reason.h"
#include "run_trace.h"

using namespace crossdep;
using namespace crossdep::traces_test;

namespace {

std::vector<std::string> told(const Collector& found) {
  static const char* const verdicts[] = {"refuted", "latent", "possible", "feasible", "confirmed", "deadlock"};
  std::vector<std::string> out;
  for (const auto& [id, finding] : found.findings)
    out.push_back(std::string(rules::check_id(finding.info.check)) + " " + verdicts[static_cast<int>(finding.info.verdict)] + " " +
                  reports::code(finding.info.reason));
  if (out.empty()) out.push_back("quiet");
  std::sort(out.begin(), out.end());
  return out;
}

unsigned judge_cases(const std::string& name) {
  const std::string content = load(name);
  REQUIRE_FALSE(content.empty());
  MemoryFile file(content);
  traces::LineSource source(file.fd());
  Collector before;
  std::unique_ptr<Collector> found;
  std::vector<std::string> expected;
  unsigned cases = 0;
  traces::Replay replay(before);
  replay.on_case_begin = [&](std::string_view) -> engine::Sink& {
    found = std::make_unique<Collector>();
    expected.clear();
    return *found;
  };
  replay.on_case_expect = [&](std::string_view text) { expected.emplace_back(text); };
  replay.on_case_end = [&](std::string_view which, const engine::Engine& engine) {
    if (found == nullptr) return;
    INFO(which);
    CHECK(engine.check_invariants());
    std::sort(expected.begin(), expected.end());
    CHECK(told(*found) == expected);
    ++cases;
  };
  CHECK(traces::read_text(source, name, replay).ok());
  replay.finish();
  return cases;
}

}  // namespace

TEST_CASE("known bugs with condition variables are found, repaired ones are not", "[traces][known]") {
  CHECK(judge_cases("conditions/bugs.cdt") == 13);
}

TEST_CASE("a semaphore of one token is a lock until it is handed on", "[traces][known]") {
  CHECK(judge_cases("conditions/tokens.cdt") == 10);
}

TEST_CASE("what cross-release was taken out of the kernel for", "[traces][known]") {
  CHECK(judge_cases("conditions/upstream.cdt") == 20);
}

TEST_CASE("rules of the kernel's that need more than locks", "[traces][known]") {
  CHECK(judge_cases("conditions/kernel.cdt") == 18);
}

TEST_CASE("shapes of the kernel's, by lockdep's rules and by cross-release", "[traces][known]") {
  CHECK(judge_cases("conditions/shapes.cdt") == 25);
}
