// SPDX-License-Identifier: MIT
//
// Judging the judge: a cycle the engine calls refuted or latent must not be reachable under any schedule of the same
// program. Random programs with fixed seeds, one random run each, all schedules searched. The short slice runs always,
// the long one under the tag [long].
#include <cstdio>

#include "catch.hpp"
#include "unit/engine/program.h"

using namespace crossdep::engine;
using namespace crossdep::engine::test;

namespace {

struct Tally {
  unsigned programs = 0, cycles = 0, excused = 0, excused_reachable = 0, possible = 0, possible_reachable = 0, cut = 0;
};

void judge_one(unsigned seed, Tally& tally) {
  std::mt19937 random(seed);
  const Program program = random_program(random);
  Stage stage;
  const Shown shown = run_once(program, random, stage);
  std::vector<std::vector<Blocked>> cycles;
  std::vector<KeptFinding> findings;
  for (const auto& [id, finding] : stage.sink.findings) {
    if (finding.links.size() < 2) continue;
    std::vector<Blocked> cycle;
    for (const LinkInfo& link : finding.links) {
      const DependencyInfo& dependency = stage.sink.dependencies.at(link.dependency);
      cycle.push_back({stage.sink.classes.at(dependency.from), stage.sink.classes.at(dependency.to)});
    }
    cycles.push_back(cycle);
    findings.push_back(finding);
  }
  ++tally.programs;
  if (cycles.empty()) return;
  Search search(program, cycles, shown);
  if (!search.run(200'000)) ++tally.cut;
  for (std::size_t i = 0; i < cycles.size(); ++i) {
    ++tally.cycles;
    if (findings[i].info.verdict >= Verdict::kPossible) {
      ++tally.possible;
      tally.possible_reachable += search.struck[i];
      continue;
    }
    ++tally.excused;
    if (!search.struck[i]) continue;
    ++tally.excused_reachable;
    std::string text;
    for (const Blocked& step : cycles[i]) text += step.from + " -> " + step.to + " ";
    UNSCOPED_INFO("seed " << seed << ": " << text << "verdict " << static_cast<int>(findings[i].info.verdict) << " reason "
                          << static_cast<int>(findings[i].info.reason));
    CHECK(false);
  }
}

void judge_many(unsigned first, unsigned count) {
  Tally tally;
  for (unsigned seed = first; seed < first + count; ++seed) judge_one(seed, tally);
  std::printf("soundness: %u programs, %u cycles; refuted or latent %u, of these reachable %u; possible %u, of these "
              "reachable %u; searches cut short %u\n",
              tally.programs, tally.cycles, tally.excused, tally.excused_reachable, tally.possible,
              tally.possible_reachable, tally.cut);
  CHECK(tally.excused_reachable == 0);
  CHECK(tally.excused > count / 100);    // the test tests something
  CHECK(tally.possible_reachable > 0);
}

}  // namespace

TEST_CASE("what is refuted or latent cannot be reached by any schedule", "[engine][model]") { judge_many(1, 3'000); }

TEST_CASE("what is refuted or latent cannot be reached by any schedule, long", "[.][long]") { judge_many(10'000, 120'000); }
