// SPDX-License-Identifier: MIT
//
// `crossdep render JOURNAL`: what the runtime calls from inside the tested program, whose standard error it shares. The
// runtime itself never reads symbols or formats anything.
//   --finding N   prints the engine's finding N as a splat to standard error
//   --graph OUT   writes the journal's graph; with --merge, its union with the graph that is there
//   --blocked LIST  says who waits for whom (the list is runtime/core/watchdog.cpp's)
//   --suppressions F  prints nothing that F has
//   --rules F     names by rules; and, but for --finding, prints what they find in the whole of it, at or above --fail-on
//   --told F      ids of what rules have found before, which is not printed again; what is printed now is added
//   --headings    above each finding the line by which `ctest -T memcheck` counts ThreadSanitizer's
//   --live        the program goes on: rules that cannot be read are not told yet
// The runtime knows by the exit status what has become of a finding (runtime/core/helper_process.h has the numbers).
// The journal may still be growing; what is committed is read.
//
// Threading: one thread.  Allocation: the heap.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "cli/command.h"
#include "cli/native.h"
#include "cli/output.h"
#include "cli/policy.h"
#include "cli/shared_graph.h"
#include "cli/rule_options.h"
#include "reports/splat.h"
#include "rules/catalogue.h"

namespace crossdep::cli {
namespace {

/// Beside those of Exit: not printed because it is suppressed, or was printed before; printed, but the file of suppressions is unusable; done, and
/// rules found something.
enum : int { kSuppressed = 4, kWithoutSuppressions = 5, kRuleFindings = 6 };

struct Request {
  std::string journal;
  engine::FindingId finding = engine::kNone;
  std::string graph;
  std::string suppressions;
  std::vector<std::string> rules;
  engine::Verdict policy = engine::Verdict::kPossible;
  std::string blocked;
  unsigned blocked_for = 0;
  std::string told;
  bool headings = false, live = false, merge = false, verbose = false;
};

std::vector<std::string> parts(const std::string& text, char at) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, at);) out.push_back(part);
  return out;
}

template <typename Names>
std::string name_in(const Names& names, const std::string& number) {
  const auto found = names.find(static_cast<std::uint32_t>(std::strtoul(number.c_str(), nullptr, 10)));
  return found != names.end() && !found->second.empty() ? found->second : "#" + number;
}

/// One line for each blocked context.
int tell_blocked(const Request& request, const rules::RuleNames& rules) {
  const JournalNames names = read_journal_names(request.journal, &rules);
  if (names.status.failed()) {
    error(names.status.text());
    return kUnusable;
  }
  const std::vector<std::string> entries = parts(request.blocked, ';');
  const std::string since = request.blocked_for == 0 ? "" : " for " + std::to_string(request.blocked_for) + " s or more";
  say(std::to_string(entries.size()) + (entries.size() == 1 ? " thread is" : " threads are") + " blocked" +
      (since.empty() ? "" : ", and no lock event has been seen" + since));
  for (const std::string& entry : entries) {
    const std::vector<std::string> words = parts(entry, ':');
    if (words.size() < 4) continue;
    std::string line = name_in(names.contexts, words[0]) + (words[2] == "w" ? " waits for " : " requests ") +
                       name_in(names.classes, words[1]) + since;
    std::string holders;
    std::size_t listed = 0;
    if (words.size() > 4)
      for (const std::string& holder : parts(words[4], '+')) holders += (listed++ == 0 ? "" : ", ") + name_in(names.contexts, holder);
    const std::size_t all = std::strtoul(words[3].c_str(), nullptr, 10);
    if (all > listed) holders += " and " + std::to_string(all - listed) + " more";
    if (!holders.empty()) line += (words[2] == "w" ? ", to be ended by " : ", held by ") + holders;
    else line += words[2] == "w" ? "; who is to end that is not known" : "; who holds it is not known";
    say("blocked: " + line);
  }
  return kQuiet;
}

bool print(const Request& request, const reports::Graph& graph, const reports::Finding& finding, const reports::SplatOptions& options) {
  std::string text;
  if (request.headings)
    text = std::string("WARNING: ThreadSanitizer: ") + rules::check_id(finding.check) + " (pid=" +
           (graph.runs.empty() ? "0" : std::to_string(graph.runs.front().pid)) + ")\n";
  text += reports::render_splat(graph, finding, options);
  return std::fputs(text.c_str(), stderr) >= 0;
}

/// What is not among the `known`: the runtime has printed those.
int tell_rule_findings(const Request& request, const reports::Graph& graph, std::set<std::string> known) {
  for (const std::string& id : read_told(request.told)) known.insert(id);
  reports::Suppressions suppressions;
  std::string cause;
  read_suppressions(request.suppressions, suppressions, cause);   // told with the first finding
  reports::SplatOptions options;
  options.verbose = request.verbose;
  options.graph_path = request.graph;
  bool any = false;
  std::string told;
  for (const reports::Finding* finding : failing(graph, request.policy, suppressions)) {
    if (known.count(finding->id) != 0) continue;
    any = true;
    print(request, graph, *finding, options);
    told += finding->id + "\n";
  }
  if (any && !request.told.empty()) std::ofstream(request.told, std::ios::app) << told;
  return any ? static_cast<int>(kRuleFindings) : static_cast<int>(kQuiet);
}

int render(const Request& request) {
  // Told once, when all is judged: a finding is printed by other names rather than not at all.
  rules::RuleSet rules;
  std::vector<std::string> files = request.rules;
  std::string cause, cure;
  const bool rules_usable = load_rules(files, rules, cause, cure);
  if (!rules_usable) rules = {};
  const bool whole = request.finding == engine::kNone && request.blocked.empty();
  if (!rules_usable && request.live) return kUnusable;
  if (!rules_usable && whole) error(cause + "; no rules are applied");
  const rules::RuleNames names(rules);
  if (!request.blocked.empty()) return tell_blocked(request, names);
  NativeResult result = read_journal_graph(request.journal, request.finding, &names);
  if (result.status.failed()) {
    error(result.status.text());
    return kUnusable;
  }
  std::set<std::string> known;
  for (const reports::Finding& finding : result.graph.findings) known.insert(finding.id);
  if (!rules.empty()) rules::evaluate(rules, result.graph);
  if (request.finding != engine::kNone) {
    const reports::Finding* finding = result.graph.find(result.finding_id);
    if (finding == nullptr) {
      error(request.journal + ": no finding " + std::to_string(request.finding));
      return kUnusable;
    }
    if (result.finding_repeats) return kSuppressed;   // it was printed then
    reports::Suppressions suppressions;
    const bool usable = read_suppressions(request.suppressions, suppressions, cause);
    if (!usable) error(cause + "; nothing is suppressed");
    if (suppressions.suppresses(result.graph, *finding)) return kSuppressed;
    if (finding->verdict == engine::Verdict::kRefuted && request.policy > engine::Verdict::kRefuted) return kSuppressed;   // by a rule
    reports::SplatOptions options;
    options.verbose = request.verbose;
    // Not told: whoever reads our status finds another place for it.
    if (!print(request, result.graph, *finding, options)) return kUnusable;
    if (!usable) return kWithoutSuppressions;
  }
  if (!request.graph.empty()) {
    const bool written = request.merge ? add_to_graph(request.graph, result.graph) : write_graph(request.graph, result.graph);
    if (!written) return kUnusable;
  }
  return whole && !rules.empty() ? tell_rule_findings(request, result.graph, known) : kQuiet;
}

}  // namespace

void add_render(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("render", "Print what a journal holds (called by the runtime)");
  command->group("");   // not listed
  auto request = std::make_shared<Request>();
  command->add_option("journal", request->journal, "A process's journal or trace")->required()->type_name("JOURNAL");
  command->add_option("--finding", request->finding, "Print this finding, by its number in the journal")->type_name("N");
  command->add_option("--graph", request->graph, "Write the graph there")->type_name("OUT");
  command->add_option("--told", request->told, "Findings of rules that are printed already")->type_name("FILE");
  command->add_flag("--headings", request->headings, "Head findings as ctest counts them");
  command->add_flag("--live", request->live, "The program goes on");
  command->add_flag("--merge", request->merge, "Unite with the graph that is there");
  command->add_option("--blocked", request->blocked, "Say who waits for whom")->type_name("LIST");
  command->add_option("--blocked-for", request->blocked_for, "Since how many seconds")->type_name("SEC");
  command->add_option("--suppressions", request->suppressions, "Findings not to print")->type_name("FILE");
  add_rules_option(*command, request->rules);
  add_policy_option(*command, request->policy);
  command->add_flag("--verbose", request->verbose, "Library frames too");
  command->callback([request, &action] { action = [request] { return render(*request); }; });
}

}  // namespace crossdep::cli
