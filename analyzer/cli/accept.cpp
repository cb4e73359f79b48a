// SPDX-License-Identifier: MIT
//
// `crossdep accept --baseline FILE --reason TEXT ID...`: puts findings or dependencies into the baseline, or takes them out
// (--remove). All or nothing: after an error the file is as it was.
//
// Threading: one thread.  Allocation: the heap.
#include <unistd.h>

#include "cli/command.h"
#include "cli/input.h"
#include "cli/rule_options.h"
#include "cli/suggest.h"
#include "gate/gate.h"
#include "reports/suppressions.h"
#include "reports/whole_file.h"
#include "rules/needs.h"

namespace crossdep::cli {
namespace {

struct Request {
  std::string baseline, reason, owner, until;
  std::vector<std::string> what, graphs, rules;
  bool remove = false, dependencies = false;
};

int fail(const std::string& text, const std::string& cure = "") {
  error(text);
  if (!cure.empty()) hint(cure);
  return kUnusable;
}

class Acceptor {
 public:
  Acceptor(const Request& request, const reports::Graph* graph, gate::Baseline& baseline)
      : request_(request), graph_(graph), baseline_(baseline), today_(gate::today()) {}

  /// False: `cause` and perhaps `cure` say why not.
  bool accept(const std::string& what, std::string& cause, std::string& cure) {
    if (what.find(" -> ") != std::string::npos) return accept_dependency(what, cause, cure);
    if (!gate::is_finding_id(what)) return accept_pattern(what, cause);
    gate::AcceptedFinding entry;
    entry.id = what;
    if (graph_ != nullptr) {
      const reports::Finding* finding = graph_->find(what);
      if (finding == nullptr) {
        cause = "no finding " + what + " in the graphs";
        cure = near_finding(what);
        return false;
      }
      entry = gate::as_accepted(*graph_, *finding);
      for (const reports::Link& link : finding->links) add(gate::as_accepted(*graph_, link.from, link.to));
    }
    add(std::move(entry));
    return true;
  }

  void accept_all_dependencies() {
    for (const reports::Dependency& d : graph_->dependencies) add(gate::as_accepted(*graph_, d.from, d.to));
  }

 private:
  bool accept_pattern(const std::string& what, std::string& cause) {
    reports::Suppressions parsed;
    if (what.find(':') == std::string::npos || !parsed.parse(what, "", cause) || parsed.size() != 1) {
      cause = "'" + what + "' is neither a finding's id (cd- and 12 hex digits), nor FROM -> TO, nor a pattern KIND:NAME";
      return false;
    }
    gate::AcceptedFinding entry;
    entry.match = what;
    add(std::move(entry));
    return true;
  }

  bool accept_dependency(const std::string& what, std::string& cause, std::string& cure) {
    const std::size_t arrow = what.find(" -> ");
    gate::AcceptedDependency wanted;
    wanted.from = what.substr(0, arrow);
    wanted.to = what.substr(arrow + 4);
    std::vector<std::string> known;
    bool there = graph_ == nullptr;
    for (std::size_t i = 0; graph_ != nullptr && i < graph_->dependencies.size(); ++i) {
      known.push_back(gate::as_accepted(*graph_, graph_->dependencies[i].from, graph_->dependencies[i].to).text());
      there |= known.back() == what;
    }
    if (!there) {
      cause = "no dependency " + what + " in the graphs";
      const std::string near = nearest(what, known);
      if (!near.empty()) cure = "did you mean '" + near + "'?";
      return false;
    }
    add(std::move(wanted));
    return true;
  }

  std::string near_finding(const std::string& what) const {
    std::vector<std::string> known;
    for (const reports::Finding& f : graph_->findings) known.push_back(f.id);
    const std::string near = nearest(what, known);
    return near.empty() ? "crossdep report lists the findings" : "did you mean " + near + "?";
  }

  void add(gate::AcceptedFinding entry) {
    entry.reason = request_.reason;
    entry.owner = request_.owner;
    entry.until = request_.until;
    entry.date = today_;
    baseline_.accept(std::move(entry));
  }
  void add(gate::AcceptedDependency entry) {
    if (baseline_.has_dependency(entry.from, entry.to)) return;
    entry.reason = request_.reason;
    entry.owner = request_.owner;
    entry.date = today_;
    baseline_.accept(std::move(entry));
  }

  const Request& request_;
  const reports::Graph* graph_;
  gate::Baseline& baseline_;
  std::string today_;
};

int accept(const Request& request) {
  if (request.what.empty() && !request.dependencies) return fail("nothing to accept", "an ID of a finding, as crossdep gate prints it, belongs behind the options");
  if (!request.remove && request.reason.find_first_not_of(" \t\r\n") == std::string::npos)
    return fail("--reason is missing", "say in a sentence why this is accepted");
  if (!request.until.empty() && !gate::is_date(request.until)) return fail("--until: '" + request.until + "' is not a date (YYYY-MM-DD)");
  if (!request.until.empty() && request.until < gate::today()) return fail("--until: " + request.until + " is over already", "today is " + gate::today());
  if (request.dependencies && request.graphs.empty()) return fail("--dependencies needs --graph");
  gate::Baseline baseline;
  std::string cause, cure;
  if (!gate::read_baseline(request.baseline, baseline, cause)) return fail(cause, access(request.baseline.c_str(), F_OK) == 0 ? "" : "crossdep gate --init makes the first one");
  Union all;
  if (!request.graphs.empty()) {
    rules::RuleSet rules;
    if (!load_rules(request.rules, rules)) return kUnusable;
    const rules::RuleNames names(rules);
    all = read_union(request.graphs, {.names = &names, .hold_limit = rules::shortest_hold(rules)});
    if (all.parts == 0 || !all.whole) return kUnusable;   // told
    if (!rules.empty()) rules::evaluate(rules, all.graph);
  }
  Acceptor acceptor(request, request.graphs.empty() ? nullptr : &all.graph, baseline);
  for (const std::string& what : request.what) {
    if (!request.remove && !acceptor.accept(what, cause, cure)) return fail(cause, cure);
    if (request.remove && !baseline.remove(what)) {
      std::vector<std::string> known;
      for (const gate::AcceptedFinding& f : baseline.findings) known.push_back(f.key());
      for (const gate::AcceptedDependency& d : baseline.dependencies) known.push_back(d.text());
      const std::string near = nearest(what, known);
      return fail(request.baseline + ": has no entry " + what, near.empty() ? "" : "did you mean '" + near + "'?");
    }
  }
  if (request.dependencies) acceptor.accept_all_dependencies();
  if (!reports::write_whole_file(request.baseline, gate::to_text(baseline), cause)) return fail(cause);
  for (const std::string& what : request.what)
    if (const gate::AcceptedFinding* entry = baseline.find(what); entry != nullptr && !entry->id.empty() && entry->classes.empty())
      say(what + " is accepted by its id alone; with --graph GRAPH its classes are noted too, and the gate can tell fixed from stale");
  return kQuiet;
}

}  // namespace

void add_accept(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("accept", "Put a finding into the baseline");
  auto request = std::make_shared<Request>();
  command->add_option("--baseline", request->baseline, "The baseline")->required()->type_name("FILE");
  command->add_option("--reason", request->reason, "Why it is accepted")->type_name("TEXT");
  command->add_option("--owner", request->owner, "Who is to be asked, or to mend it")->type_name("WHO");
  command->add_option("--until", request->until, "The last day on which it counts, YYYY-MM-DD")->type_name("DATE");
  command->add_option("--graph", request->graphs, "Where the finding is: its classes and dependencies are noted too")
      ->type_name("GRAPH")
      ->allow_extra_args(false);
  add_rules_option(*command, request->rules);
  command->add_flag("--dependencies", request->dependencies, "Accept every dependency of the graphs");
  command->add_flag("--remove", request->remove, "Take these entries out instead");
  command->add_option("what", request->what, "Ids of findings, 'FROM -> TO' for a dependency, or KIND:PATTERN for all that fit")->type_name("ID");
  command->footer("Exit status: 0 written; 2 usage, or unreadable input: then the baseline is as it was.");
  command->callback([request, &action] { action = [request] { return accept(*request); }; });
}

}  // namespace crossdep::cli
