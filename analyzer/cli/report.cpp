// SPDX-License-Identifier: MIT
//
// `crossdep report GRAPH...`: looks at a graph, or at several as one. `--format cdt` writes a trace's events as text, one
// can then read and edit them by hand.
//
// Threading: one thread.  Allocation: the heap.
#include "cli/command.h"
#include "cli/input.h"
#include "cli/output.h"
#include "cli/policy.h"
#include "cli/rule_options.h"
#include "cli/show.h"
#include "rules/needs.h"

namespace crossdep::cli {
namespace {

struct Request {
  std::vector<std::string> inputs;
  std::vector<std::string> rules;
  Show show;
};

int write_events(const Request& request) {
  if (request.inputs.size() != 1) {
    error("--format cdt takes one trace");
    return kUnusable;
  }
  Output output(request.show.output);
  const bool whole = trace_as_text(request.inputs.front(), [&output](std::string_view text) { return output.put(text); });
  return output.close() && whole ? kQuiet : kUnusable;
}

int report(const Request& request) {
  if (request.show.format == "cdt") return write_events(request);
  Show show = request.show;
  rules::RuleSet rules;
  if (!load_suppressions(show) || !load_rules(request.rules, rules)) return kUnusable;
  const rules::RuleNames names(rules);
  Union all = read_union(request.inputs, {.names = &names, .hold_limit = rules::shortest_hold(rules)});
  if (all.parts == 0) return all.whole ? kNothing : kUnusable;
  if (!rules.empty()) rules::evaluate(rules, all.graph);
  if (request.inputs.size() == 1 && request.inputs.front() != "-") show.graph_path = request.inputs.front();
  if (!show_graph(all.graph, "", show) || !all.whole) return kUnusable;
  const Exit exit = judge_exit(all.graph, show.policy, show.suppressions);
  if (exit == kNothing) tell_nothing_recorded();
  return exit;
}

}  // namespace

void add_report(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("report", "Look at a graph");
  auto request = std::make_shared<Request>();
  add_show_options(*command, request->show, {"text", "splat", "json", "dot", "html", "sarif", "junit", "markdown", "gitlab", "gcc", "cdt"});
  add_source_root_option(*command, request->show.source_roots);
  add_rules_option(*command, request->rules);
  command->add_option("-o,--output", request->show.output, "Write there instead of to standard output")->type_name("FILE");
  command->add_option("graphs", request->inputs, "Graphs; journals and traces are judged first; - is standard input")
      ->required()
      ->type_name("GRAPH");
  command->footer("Exit status: as check. `--format cdt` (one trace, its events as text): 0 written, 2 unreadable.");
  command->callback([request, &action] { action = [request] { return report(*request); }; });
}

}  // namespace crossdep::cli
