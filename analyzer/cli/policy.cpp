// SPDX-License-Identifier: MIT
//
// See policy.h. `refuted` is no policy: what cannot happen never fails.
//
// Threading: pure functions.  Allocation: the heap.
#include "cli/policy.h"

#include <algorithm>
#include <map>

#include "reports/source_join.h"

namespace crossdep::cli {

namespace {

/// A process that was killed left no totals: the locks it announced speak for it. A thread's end is no lock.
bool anything_recorded(const reports::Graph& graph) {
  if (graph.requests() != 0 || !graph.findings.empty()) return true;
  const auto killed = [](const reports::Run& run) { return !run.ended; };
  const auto lock = [](const reports::Class& c) {
    return c.kind != engine::Kind::kThread && c.kind != engine::Kind::kProcess && c.kind != engine::Kind::kOperation;
  };
  return std::any_of(graph.runs.begin(), graph.runs.end(), killed) &&
         std::any_of(graph.classes.begin(), graph.classes.end(), lock);
}

}  // namespace

void add_policy_option(CLI::App& command, engine::Verdict& policy) {
  using engine::Verdict;
  static const std::map<std::string, Verdict> kVerdicts = {
      {"latent", Verdict::kLatent},       {"possible", Verdict::kPossible}, {"feasible", Verdict::kFeasible},
      {"confirmed", Verdict::kConfirmed}, {"deadlock", Verdict::kDeadlock},
  };
  command
      .add_option_function<std::string>("--fail-on", [&policy](const std::string& word) { policy = kVerdicts.at(word); },
                                        "Findings of this verdict or a surer one fail; default possible")
      ->type_name("latent|possible|feasible|confirmed|deadlock")
      ->check([](const std::string& word) {
        return kVerdicts.count(word) != 0
                   ? std::string()
                   : "'" + word + "' is none of latent, possible, feasible, confirmed, deadlock";
      });
}

void add_suppressions_option(CLI::App& command, std::string& path) {
  command.add_option("--suppressions", path, "Findings that are only counted: lines kind:pattern, as ThreadSanitizer's files")
      ->type_name("FILE");
}

bool read_suppressions(const std::string& path, reports::Suppressions& suppressions, std::string& cause) {
  return path.empty() || suppressions.read(path, cause);
}

std::vector<const reports::Finding*> failing(const reports::Graph& graph, engine::Verdict policy,
                                             const reports::Suppressions& suppressions) {
  std::vector<const reports::Finding*> out;
  for (const reports::Finding& finding : graph.findings)
    if (reports::reaches(finding, policy) && !suppressions.suppresses(graph, finding)) out.push_back(&finding);
  return out;
}

Exit judge_exit(const reports::Graph& graph, engine::Verdict policy, const reports::Suppressions& suppressions) {
  if (!anything_recorded(graph)) return kNothing;
  return failing(graph, policy, suppressions).empty() ? kQuiet : kFindings;
}

void tell_nothing_recorded() { say("nothing recorded: no lock event was seen"); }

}  // namespace crossdep::cli
