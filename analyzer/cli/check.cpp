// SPDX-License-Identifier: MIT
//
// `crossdep check TRACE...`: judges recorded traces. Several traces are judged together, as one graph; the cases of a text
// trace (`%case`) each for itself.
//
// Threading: one thread.  Allocation: the heap.
#include <algorithm>

#include "cli/command.h"
#include "cli/input.h"
#include "cli/output.h"
#include "cli/policy.h"
#include "cli/rule_options.h"
#include "cli/show.h"
#include "reports/merge.h"
#include "rules/needs.h"

namespace crossdep::cli {
namespace {

const std::vector<std::string> kPrints = {"splat", "text", "json", "dot"};

struct Request {
  std::vector<std::string> traces;
  traces::Format format = traces::Format::kUnknown;
  std::string graph;
  bool strict = false;
  std::vector<std::string> rules;
  Show show;
};

// What to read the trace as.
traces::Format read_as(const std::string& path, const Request& request, Show& show) {
  if (request.format != traces::Format::kText || path == "-") return request.format;
  traces::TraceFile file;
  if (!file.open(path).ok() || file.format() == traces::Format::kText) return request.format;
  if (show.format == kPrints.front()) show.format = "text";
  return traces::Format::kUnknown;
}

int check(const Request& request) {
  Show show = request.show;
  rules::RuleSet rules;
  if (!load_suppressions(show) || !load_rules(request.rules, rules)) return kUnusable;
  const rules::RuleNames names(rules);
  bool whole = true;
  std::vector<Part> cases, plain;
  for (const std::string& path : request.traces) {
    Input input = read_input(path, {.format = read_as(path, request, show), .strict = request.strict, .names = &names, .hold_limit = rules::shortest_hold(rules)});
    whole &= input.whole;
    for (Part& part : input.parts) (part.case_name.empty() ? plain : cases).push_back(std::move(part));
  }
  if (plain.size() > 1) {
    std::vector<reports::Graph> graphs;
    for (Part& part : plain) graphs.push_back(std::move(part.graph));
    plain.assign(1, Part{reports::merge(graphs), ""});
  }
  for (Part& part : plain) cases.push_back(std::move(part));
  if (cases.empty()) return kUnusable;
  if (!request.graph.empty() && cases.size() > 1) {
    error(request.graph + ": one graph cannot hold " + std::to_string(cases.size()) + " independent cases");
    hint("give one case at a time, or leave out -o");
    return kUnusable;
  }

  if (!rules.empty())
    for (Part& part : cases) rules::evaluate(rules, part.graph);

  // The graph and the findings do not share standard output.
  show.to_stderr = request.graph == "-";
  show.graph_path = request.graph == "-" ? "" : request.graph;
  Exit worst = kNothing;
  for (const Part& part : cases) {
    if (!show_graph(part.graph, part.case_name, show)) return kUnusable;
    const Exit exit = judge_exit(part.graph, show.policy, show.suppressions);
    if (exit == kFindings || worst == kNothing) worst = exit;
  }
  if (!request.graph.empty() && !write_graph(request.graph, cases.front().graph)) return kUnusable;
  if (!whole) return kUnusable;
  if (worst == kNothing) tell_nothing_recorded();
  return worst;
}

// --format once said what to print: those words still do. `text` is the one word of both: a text trace, unless the content is
// of another kind, as read_as() finds out.
std::string set_format(Request& request, const std::string& word) {
  request.format = traces::Format::kUnknown;
  if (word == "auto") return "";
  if (word != "text" && std::find(kPrints.begin(), kPrints.end(), word) != kPrints.end()) {
    request.show.format = word;
    return "";
  }
  request.format = traces::format_by_name(word);
  if (request.format != traces::Format::kUnknown) return "";
  return "'" + word + "' is none of auto, " + traces::format_names();
}

}  // namespace

void add_check(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("check", "Judge recorded traces");
  auto request = std::make_shared<Request>();
  command->add_option("-o,--output", request->graph, "Write the graph there; - is standard output")->type_name("GRAPH");
  add_rules_option(*command, request->rules);
  command->add_option_function<std::string>(
             "--format",
             [request](const std::string& word) {
               if (const std::string wrong = set_format(*request, word); !wrong.empty()) throw CLI::ValidationError(wrong);
             },
             "What the traces are: " + traces::format_names() + "; by default their content tells")
      ->type_name("FORMAT");
  add_show_options(*command, request->show, kPrints, "--print");
  command->add_flag("--strict", request->strict, "The first thing a trace says against itself ends its reading, status 2");
  command->add_option("traces", request->traces, "Traces; - is standard input")
      ->required()
      ->type_name("TRACE");
  command->footer(
      "Findings at or above the policy are printed in the kernel's layout. A trace that is cut short is judged up to there.\n"
      "What a trace says against itself (two holders of a lock, ...) is named, left out and counted, unless --strict.\n"
      "Exit status: 0 nothing at or above the policy; 1 findings; 2 usage, or input that cannot be read to its end;\n"
      "3 nothing recorded (no lock event).");
  command->callback([request, &action] { action = [request] { return check(*request); }; });
}

}  // namespace crossdep::cli
