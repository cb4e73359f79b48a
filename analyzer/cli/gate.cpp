// SPDX-License-Identifier: MIT
//
// `crossdep gate --baseline FILE GRAPH...`: fails on findings that the baseline does not accept, and on nothing else.
// `--init` writes the first baseline. Formats for other tools are written beside, whatever the outcome.
//
// Threading: one thread.  Allocation: the heap.
#include "gate/gate.h"

#include <sys/stat.h>

#include <algorithm>
#include <map>

#include "cli/command.h"
#include "cli/input.h"
#include "cli/output.h"
#include "cli/policy.h"
#include "cli/rule_options.h"
#include "cli/show.h"
#include "reports/format.h"
#include "reports/source_story.h"
#include "rules/catalogue.h"
#include "rules/hygiene.h"
#include "rules/needs.h"

namespace crossdep::cli {
namespace {

// Of a finding's sides this many lines on the first screen.
constexpr std::size_t kStoryLines = 8;

struct Request {
  std::string baseline, suppressions_path, reason = "there when the baseline was made", owner;
  std::map<std::string, std::string> files;   // format -> where to
  std::vector<std::string> inputs, source_roots, rules;
  gate::Options options;
  bool init = false, verbose = false, fail_on_stale = false;
};

std::string graph_arguments(const Request& request) {
  std::string out;
  for (const std::string& input : request.inputs)
    if (input != "-") out += " --graph " + reports::shell_word(input);
  for (const std::string& rules : request.rules) out += " --rules " + reports::shell_word(rules);
  return out;
}

std::string accept_command(const Request& request, const std::string& what) {
  return "crossdep accept --baseline " + reports::shell_word(request.baseline) + " --reason 'WHY'" + graph_arguments(request) + " " + reports::shell_word(what);
}

std::string first_lines(const std::string& text, std::size_t most) {
  std::string out;
  std::size_t begin = 0, lines = 0;
  for (; begin < text.size() && lines < most; ++lines) {
    const std::size_t end = text.find('\n', begin) + 1;
    out += "  " + text.substr(begin, end - begin);
    begin = end;
  }
  const auto left = std::count(text.begin() + static_cast<std::ptrdiff_t>(begin), text.end(), '\n');
  if (left != 0) out += "  and " + reports::count_of(static_cast<std::uint64_t>(left), "more line") + " (--verbose shows them)\n";
  return out;
}

std::string finding_text(const Request& request, const reports::Listing& listing, const reports::Listed& listed) {
  const reports::Finding& finding = *listed.finding;
  const reports::Told told = reports::tell(listing, listed);
  const bool known = listed.standing == reports::Standing::kKnown;
  std::string out = std::string(known ? "known: " : "new: ") + finding.id + " " + reports::word(finding.verdict) + " " +
                    rules::check_id(finding.check) + (told.cycle.empty() ? "" : ": " + reports::clean(told.cycle)) + "\n";
  if (known) return out + "  accepted: " + reports::clean(listed.accepted) + "\n";
  out += "  why: " + reports::clean(finding.reason) + "\n";
  for (const std::string& line : reports::only_in_source(*listing.graph, finding)) out += "  only in the source: " + reports::clean(line) + "\n";
  if (!listed.note.empty()) out += "  " + reports::clean(listed.note) + "\n";
  const std::string place = reports::clean(reports::place_and_function(told.primary));
  if (listed.blamed_is_new) {
    const reports::Link& link = finding.links[listed.blamed];
    out += "  the new dependency: " + reports::clean(listing.graph->classes[link.from].name + " -> " + listing.graph->classes[link.to].name) + " at " + place + "\n";
  } else {
    out += "  look first at: " + place + "\n";
  }
  out += first_lines(reports::story(told), request.verbose ? std::string::npos : kStoryLines);
  return out + "  to accept it: " + accept_command(request, finding.id) + "\n";
}

std::string text_of(const Request& request, const gate::Judgement& judged, bool whole) {
  std::string out;
  std::vector<const reports::Finding*> told;
  std::map<const reports::Finding*, const reports::Listed*> listed;
  for (const reports::Listed& one : judged.listing.findings) {
    if (!one.fails && !request.verbose) continue;
    told.push_back(one.finding);
    listed[one.finding] = &one;
  }
  for (const auto& [heading, finding] : reports::in_groups(*judged.listing.graph, told)) {
    if (!heading.empty()) out += reports::clean(heading) + "\n\n";
    out += finding_text(request, judged.listing, *listed[finding]) + "\n";
  }
  const bool fails = request.options.new_dependencies == gate::NewDependencies::kFail;
  for (const reports::NewDependency& added : judged.listing.dependencies) {
    const reports::Dependency& d = judged.listing.graph->dependencies[added.dependency];
    const std::string name = gate::as_accepted(*judged.listing.graph, d.from, d.to).text();
    out += std::string(fails ? "new dependency: " : "warning: new dependency: ") + reports::clean(name);
    if (!d.witnesses.empty()) {
      const reports::Index frame = reports::own_frame(*judged.listing.graph, d.witnesses.front().to_site);
      if (frame != reports::kNoIndex) {
        const reports::Frame& f = judged.listing.graph->frames[frame];
        out += " at " + reports::clean(f.file.empty() ? reports::symbol(f) : judged.listing.paths.shown(f.file) + ":" + std::to_string(f.line));
      }
    }
    out += "\n";
  }
  if (!judged.listing.dependencies.empty())
    out += "  to accept them: crossdep accept --baseline " + reports::shell_word(request.baseline) + " --reason 'WHY' --dependencies" + graph_arguments(request) + "\n\n";
  for (const reports::Gone& gone : judged.listing.gone)
    out += gone.state + ": " + gone.id + (gone.classes.empty() ? "" : " " + reports::clean(reports::cycle_of(gone.classes, gone.classes.size() > 1))) + ": " +
           reports::clean(gone.note) + "\n" +
           (whole ? "  to forget it: crossdep accept --baseline " + reports::shell_word(request.baseline) + " --remove " + gone.id + "\n"
                  : "  not everything could be read: it may be in what is missing\n");
  for (const std::string& warning : judged.warnings) out += "warning: " + reports::clean(warning) + "\n";
  // What could not be read might hold anything: that is no pass.
  out += std::string("gate: ") + (!whole ? "incomplete" : judged.fails ? "failed" : "passed") + ": " + std::to_string(judged.fresh) + " new, " + std::to_string(judged.known) +
         " known, " + std::to_string(judged.fixed) + " fixed, " + std::to_string(judged.stale) + " stale";
  if (judged.expired != 0) out += ", " + std::to_string(judged.expired) + " expired";
  if (judged.new_dependencies != 0) out += ", " + std::to_string(judged.new_dependencies) + " new " + (judged.new_dependencies == 1 ? "dependency" : "dependencies");
  return out + "\n";
}

int init(const Request& request, const reports::Graph& graph, bool whole) {
  const gate::Baseline baseline = gate::make_baseline(graph, request.options, request.reason, request.owner);
  if (!whole) return kUnusable;   // told; a baseline of half of it would be red the next time
  if (!write_text(request.baseline, gate::to_text(baseline))) return kUnusable;
  const std::size_t dependencies = baseline.dependencies.size();
  say(request.baseline + ": " + reports::count_of(baseline.findings.size(), "finding") + " and " + std::to_string(dependencies) +
      (dependencies == 1 ? " dependency" : " dependencies") + " accepted");
  return kQuiet;
}

int gate_of(Request request) {
  const auto to_screen = [](const auto& file) { return file.second == "-"; };
  if (std::count_if(request.files.begin(), request.files.end(), to_screen) > 1) {
    error("standard output takes one report only");
    hint("name files for the others");
    return kUnusable;
  }
  struct stat info;
  const bool there = stat(request.baseline.c_str(), &info) == 0;
  gate::Baseline baseline;
  std::string cause;
  if (request.init && there) {
    error(request.baseline + ": is there already; --init makes the first one");
    hint("crossdep accept puts findings into it");
    return kUnusable;
  }
  if (!request.init && !gate::read_baseline(request.baseline, baseline, cause)) {
    error(cause);
    if (!there) hint("crossdep gate --init --baseline " + reports::shell_word(request.baseline) + " GRAPH... makes the first one");
    return kUnusable;
  }
  reports::Suppressions suppressions;
  if (!read_suppressions(request.suppressions_path, suppressions, cause)) {
    error(cause);
    return kUnusable;
  }
  rules::RuleSet rules;
  if (!load_rules(request.rules, rules)) return kUnusable;
  const rules::RuleNames names(rules);
  request.options.suppressions = &suppressions;
  request.options.suppressions_path = request.suppressions_path;
  request.options.today = gate::today();

  Union all = read_union(request.inputs, {.names = &names, .hold_limit = rules::shortest_hold(rules)});
  if (all.parts == 0 && !all.whole) return kUnusable;
  if (!rules.empty()) rules::evaluate(rules, all.graph);
  if (judge_exit(all.graph, request.options.policy) == kNothing) {
    tell_nothing_recorded();
    return all.whole ? kNothing : kUnusable;
  }
  if (request.init) return init(request, all.graph, all.whole);

  gate::Judgement judged = gate::judge(all.graph, baseline, request.options, source_paths(request.source_roots));
  for (const std::string& line : rules::idle_rules(rules, all.graph)) judged.warnings.push_back("rules: " + line);
  judged.listing.remarks = judged.warnings;
  if (request.fail_on_stale && (judged.stale != 0 || judged.expired != 0)) judged.fails = true;
  for (const reports::Listed& listed : judged.listing.findings)
    if (listed.fails) judged.listing.commands.push_back(accept_command(request, listed.finding->id));
  bool written = true;
  bool screen_taken = false;
  for (const auto& [format, path] : request.files) {
    if (path.empty()) continue;
    screen_taken |= path == "-";
    written &= write_text(path, render_listing(judged.listing, format));
  }
  const std::string text = text_of(request, judged, all.whole);
  if (screen_taken) std::fputs(text.c_str(), stderr);
  else written &= write_text("", text);
  if (!written || !all.whole) return kUnusable;
  return judged.fails ? kFindings : kQuiet;
}

}  // namespace

void add_gate(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("gate", "Fail on what is new against a baseline");
  auto request = std::make_shared<Request>();
  command->add_option("--baseline", request->baseline, "What is accepted; --init writes it")->required()->type_name("FILE");
  command->add_flag("--init", request->init, "Make the baseline: accept all there is now");
  for (const char* format : {"sarif", "junit", "markdown", "gitlab", "gcc", "html"})
    command->add_option(std::string("--") + format, request->files[format], "Also write this report; - is standard output")->type_name("FILE");
  add_policy_option(*command, request->options.policy);
  add_suppressions_option(*command, request->suppressions_path);
  add_rules_option(*command, request->rules);
  static const std::map<std::string, gate::NewDependencies> kWords = {
      {"ignore", gate::NewDependencies::kIgnore}, {"warn", gate::NewDependencies::kWarn}, {"fail", gate::NewDependencies::kFail}};
  command
      ->add_option_function<std::string>("--new-dependencies", [request](const std::string& word) { request->options.new_dependencies = kWords.at(word); },
                                         "What to do about dependencies the baseline does not have; default ignore")
      ->type_name("fail|warn|ignore")
      ->check([](const std::string& word) { return kWords.count(word) != 0 ? std::string() : "'" + word + "' is none of fail, warn, ignore"; });
  command->add_flag("--fail-on-stale", request->fail_on_stale, "Stale and expired entries of the baseline fail too");
  command->add_option("--reason", request->reason, "With --init: the reason written to each finding")->type_name("TEXT");
  command->add_option("--owner", request->owner, "With --init: the owner written to each finding")->type_name("WHO");
  add_source_root_option(*command, request->source_roots);
  command->add_flag("--verbose,-v", request->verbose, "Also what is known, and long stories whole");
  command->add_option("graphs", request->inputs, "Graphs; journals and traces are judged first; - is standard input")->required()->type_name("GRAPH");
  command->footer(
      "Exit status: 0 nothing new; 1 new findings; 2 usage, or unreadable or contradicting input; 3 nothing recorded.\n"
      "The day that expiry is judged by is today in UTC, or that of SOURCE_DATE_EPOCH.");
  command->callback([request, &action] { action = [request] { return gate_of(*request); }; });
}

}  // namespace crossdep::cli
