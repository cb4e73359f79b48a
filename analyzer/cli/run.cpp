// SPDX-License-Identifier: MIT
//
// `crossdep run -- COMMAND ...`: runs a program and all its children under the runtime. The runtime prints findings as they
// are found; when the program has ended its processes' files become one graph, and a summary says what was seen.
//
// Threading: one thread.  Allocation: the heap.
#include <fmt/format.h>
#include <signal.h>

#include <cstdio>
#include <cstring>
#include <filesystem>

#include "cli/command.h"
#include "cli/environment.h"
#include "cli/policy.h"
#include "cli/results.h"
#include "cli/rule_options.h"
#include "cli/supervise.h"
#include "cli/target.h"
#include "reports/json.h"
#include "reports/listing.h"
#include "reports/source_join.h"
#include "reports/splat.h"
#include "reports/text.h"
#include "rules/needs.h"

namespace crossdep::cli {
namespace {

constexpr int kOwnFailure = 125;

struct Request {
  std::string folder;
  bool record = false, verbose = false;
  engine::Verdict policy = engine::Verdict::kPossible;
  int exitcode = 66;
  std::string suppressions_path;
  std::vector<std::string> rules;
  std::string class_by;
  std::vector<std::string> command;
};

int fail(const std::string& text, const std::string& cure = "") {
  error(text);
  if (!cure.empty()) hint(cure);
  return kOwnFailure;
}

/// Said before the program runs: why nothing of it will be seen.
void warn(const Target& target) {
  using Preload = Target::Preload;
  switch (target.preload) {
    case Preload::kYes:
      return;
    case Preload::kStatic:
      say("warning: " + target.program + " is statically linked: nothing of it can be recorded, only its dynamic children");
      hint("link it dynamically (without -static)");
      return;
    case Preload::kPrivileged:
      say("warning: " + target.program + " is setuid, setgid or has capabilities: the loader preloads nothing into it");
      hint("run it as the user it becomes, or a copy without these bits");
      return;
    case Preload::kForeign:
      say("warning: " + target.program + " is of another architecture or C library: nothing of it can be recorded");
      hint("build crossdep for it");
      return;
  }
}

void print_lines(const std::string& text) {
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    if (end > begin) say(text.substr(begin, end - begin));
    begin = end + 1;
  }
}

/// What no process could print: cycles that only the union of the processes has, and with --verbose what the policy lets
/// pass. Then counts, losses, and what to type next.
void summarise(const Results& results, const Request& request, const reports::Suppressions& suppressions) {
  const reports::Graph& graph = results.graph();
  reports::SplatOptions splat;
  splat.verbose = request.verbose;
  splat.graph_path = results.graph_path();
  for (const reports::Finding* finding : results.union_findings())
    if (reports::reaches(*finding, request.policy) && !suppressions.suppresses(graph, *finding))
      std::fputs(reports::render_splat(graph, *finding, splat).c_str(), stderr);
  if (request.verbose) {
    reports::TextOptions text;
    text.verbose = true;
    for (const reports::Finding& finding : graph.findings)
      if (!reports::reaches(finding, request.policy) && !suppressions.suppresses(graph, finding))
        std::fputs((reports::render_finding(graph, finding, text) + "\n").c_str(), stderr);
  }
  print_lines(reports::render_summary(graph, suppressions));
  // They were printed before anybody knew the names.
  for (const auto& [before, after] : results.renamed())
    for (const reports::Finding& finding : graph.findings) {
      if (finding.id != after || !reports::reaches(finding, request.policy) || suppressions.suppresses(graph, finding)) continue;
      std::vector<std::string> names;
      for (const reports::Index c : finding.classes) names.push_back(graph.classes[c].name);
      say("by the source's names " + before + " is " + after + ": " + reports::cycle_of(names, !finding.links.empty()));
    }
  for (const std::string& note : results.notes()) say("note: " + note);
  if (results.running() != 0)
    say(fmt::format("{} of its processes still run; their journals stay in {}", results.running(), results.folder()));
  for (const std::string& trace : results.traces()) say("trace: " + trace);
  say("graph: " + results.graph_path());
  say("next: crossdep report '" + results.graph_path() + "'");
}

int run(const Request& request) {
  const std::string library = own_library();
  if (library.empty())
    return fail("libcrossdep.so is not where it belongs, relative to " + own_program(), "install crossdep again");

  const Target target = inspect_target(request.command.front());
  if (target.failure != 0) {
    error(target.cause);
    return target.failure;
  }
  std::string cause;
  // What the processes do not print must not fail the run either: theirs is the file they would read without us.
  std::string suppressions_path = request.suppressions_path;
  if (suppressions_path.empty()) suppressions_path = inherited_option("suppressions");
  reports::Suppressions suppressions;
  if (!read_suppressions(suppressions_path, suppressions, cause)) return fail(cause);
  if (!suppressions_path.empty()) suppressions_path = std::filesystem::absolute(suppressions_path).string();
  std::vector<std::string> rule_files = request.rules.empty() ? inherited_list("rules") : request.rules;
  rules::RuleSet rules;
  std::string cure;
  if (!load_rules(rule_files, rules, cause, cure)) return fail(cause, cure);
  for (std::string& file : rule_files) file = std::filesystem::absolute(file).string();
  reports::Graph source;
  if (!request.class_by.empty()) {
    if (!reports::read_graph_file(request.class_by, source, cause)) return fail(cause);
    if (source.lock_sites.empty()) return fail(request.class_by + ": has no lock sites", "a graph that `crossdep scan` wrote has");
  }
  Results results;
  if (!results.prepare(request.folder, cause)) return fail(cause, "-o DIR names another folder for the results");
  RuntimeSettings settings{results.folder(), request.record, request.verbose, request.policy, suppressions_path, request.exitcode, rule_files, rules::need_lines(rules)};
  std::vector<std::string> environment;
  if (!make_environment(settings, library, target.sanitizers, environment, cause)) return fail(cause);
  warn(target);

  const Outcome outcome = supervise(target.path, request.command, environment);
  if (outcome.exec_error != 0) {
    error(target.path + ": " + std::strerror(outcome.exec_error));
    return outcome.status;
  }
  signal(SIGPIPE, SIG_IGN);   // nobody may listen any more; the graph is written all the same
  results.collect(outcome.pid, outcome.status, rules, request.class_by.empty() ? nullptr : &source);

  const Exit judged = judge_exit(results.graph(), request.policy, suppressions);
  if (judged == kNothing && target.preload == Target::Preload::kYes) tell_nothing_recorded();
  else if (judged == kNothing) say("nothing recorded: " + target.program + " could not be observed, and no child took a lock");
  else summarise(results, request, suppressions);
  if (judged == kNothing && results.running() != 0)
    say(fmt::format("{} of its processes still run; their journals stay in {}, for crossdep report", results.running(),
                    results.folder()));
  if (outcome.status != 0) return outcome.status;
  if (judged == kNothing) return request.exitcode == 0 ? kQuiet : kNothing;   // 0: whoever reads the graphs decides
  if (judged == kFindings) return request.exitcode;
  return results.trouble() ? kOwnFailure : kQuiet;
}

}  // namespace

void add_run(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("run", "Run a program and its children under the runtime");
  auto request = std::make_shared<Request>();
  command->add_option("-o,--output", request->folder, "Folder for the results; default a fresh crossdep-results.N")->type_name("DIR");
  command->add_option("--class-by", request->class_by, "A graph of crossdep scan: in DIR, lock classes have the names of the source")->type_name("GRAPH");
  command->add_flag("--record", request->record, "Also record a trace of each process, for crossdep check");
  add_policy_option(*command, request->policy);
  add_suppressions_option(*command, request->suppressions_path);
  add_rules_option(*command, request->rules);
  command->add_option("--exitcode", request->exitcode, "Status if the program's own is 0 and there are findings; default 66; 0 leaves the program's own, also if nothing was recorded")
      ->check(CLI::Range(0, 255))
      ->type_name("N");
  command->add_flag("--verbose,-v", request->verbose, "Also what the policy lets pass (latent, refuted), and library frames");
  command->add_option("command", request->command, "The program and its arguments, after --")->required()->type_name("COMMAND...");
  command->prefix_command(false);
  command->positionals_at_end();
  command->footer(
      "Findings go to standard error as they are found. DIR gets a graph of each process and crossdep.cdgraph, their union.\n"
      "Exit status: the program's own, 128+n for a signal; 66 if it was 0 and there are findings; 3 if it was 0 and no lock\n"
      "event was seen; 2 usage; 125 our own failure, 126 COMMAND cannot be executed, 127 not found.");
  command->callback([request, &action] { action = [request] { return run(*request); }; });
}

}  // namespace crossdep::cli
