// SPDX-License-Identifier: MIT
//
// Judging the judge: a cycle the engine calls refuted or latent must not be reachable under any schedule of the same
// program. Random programs with fixed seeds, one random run each, all schedules searched. The short slice runs always,
// the long one under the tag [long].
#include <cstdio>
#include <map>
#include <set>

#include "catch.hpp"
#include "unit/engine/random_program.h"

using namespace crossdep::engine;
using namespace crossdep::engine::test;

namespace {

/// The cycle as it was judged: neighbouring links of one context's nest are one step.
std::vector<Blocked> judged_cycle(const KeepingSink& sink, const KeptFinding& finding) {
  struct Step {
    ClassId from, to;
    ContextId context;
  };
  std::vector<Step> steps;
  for (const LinkInfo& link : finding.links) {
    const DependencyInfo& dependency = sink.dependencies.at(link.dependency);
    std::uint32_t ordinal = 0;
    ContextId context = kNone;
    for (const WitnessInfo& witness : sink.witnesses)
      if (witness.dependency == link.dependency && ordinal++ == link.witness) context = witness.context;
    steps.push_back({dependency.from, dependency.to, context});
  }
  for (std::size_t i = 0; steps.size() > 2 && i < steps.size();) {
    Step& first = steps[i];
    const Step second = steps[(i + 1) % steps.size()];
    bool direct = false;
    for (const auto& [id, dependency] : sink.dependencies)
      direct = direct || (dependency.from == first.from && dependency.to == second.to);
    if (first.context != second.context || !direct) {
      ++i;
      continue;
    }
    first.to = second.to;
    steps.erase(steps.begin() + static_cast<long>((i + 1) % steps.size()));
    i = 0;
  }
  std::vector<Blocked> cycle;
  for (const Step& step : steps) cycle.push_back({sink.classes.at(step.from), sink.classes.at(step.to)});
  return cycle;
}

/// True if a deadlock among some of the same objects is a finding of its own that excuses nothing: what is excused then
/// is only a longer way round it. All that the finding names counts, the locks between two steps of a nest as well.
bool reported_as_possible(const std::vector<std::vector<Blocked>>& cycles, const std::vector<KeptFinding>& findings,
                          std::size_t which) {
  const std::set<std::string> objects(findings[which].classes.begin(), findings[which].classes.end());
  for (std::size_t i = 0; i < cycles.size(); ++i) {
    bool within = findings[i].info.verdict >= Verdict::kPossible;
    for (const Blocked& step : cycles[i]) within = within && objects.count(step.from) != 0;
    if (within) return true;
  }
  return false;
}

struct Tally {
  unsigned programs = 0, cycles = 0, excused = 0, longer = 0, excused_reachable = 0, possible = 0, possible_reachable = 0, cut = 0;
  std::map<Reason, unsigned> reasons;   // of the excused
};

void judge_one(unsigned seed, Tally& tally) {
  std::mt19937 random(seed);
  const Program program = random_program(random);
  Stage stage;
  const Shown shown = run_once(program, random, stage);
  stage.engine->finish();
  std::vector<std::vector<Blocked>> cycles;
  std::vector<KeptFinding> findings;
  for (const auto& [id, finding] : stage.sink.findings) {
    if (finding.links.size() < 2) continue;
    cycles.push_back(judged_cycle(stage.sink, finding));
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
    ++tally.reasons[findings[i].info.reason];
    if (!search.struck[i]) continue;
    if (reported_as_possible(cycles, findings, i)) {
      ++tally.longer;
      continue;
    }
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
  std::printf("soundness: %u programs, %u cycles; refuted or latent %u, of these reachable %u (and %u longer ways "
              "round a reported one); possible %u, of these "
              "reachable %u; searches cut short %u\n",
              tally.programs, tally.cycles, tally.excused, tally.excused_reachable, tally.longer, tally.possible,
              tally.possible_reachable, tally.cut);
  const auto of = [&](Reason reason) { return tally.reasons[reason]; };
  std::printf("  of the refuted or latent: one context %u, create/join %u, signal %u, gate %u, creator's lock %u, histories %u\n",
              of(Reason::kOneContext), of(Reason::kOrderedByForkJoin), of(Reason::kOrderedBySignal), of(Reason::kGateLock),
              of(Reason::kGuardedChild), of(Reason::kHistoriesExclude));
  CHECK(tally.excused_reachable == 0);
  CHECK(tally.excused > count / 100);    // the test tests something
  CHECK(tally.possible_reachable > 0);
}

}  // namespace

TEST_CASE("what is refuted or latent cannot be reached by any schedule", "[engine][model]") { judge_many(1, 3'000); }

TEST_CASE("what is refuted or latent cannot be reached by any schedule, long", "[.][long]") { judge_many(10'000, 120'000); }
