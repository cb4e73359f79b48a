// SPDX-License-Identifier: MIT
//
// `crossdep explain FILE...`: what other tools printed of locks - kernel logs, ThreadSanitizer, Helgrind - as findings of
// ours, each once, however often it was reported.
//
// Threading: one thread.  Allocation: the heap.
#include "cli/command.h"
#include "cli/input.h"
#include "cli/output.h"
#include "cli/policy.h"
#include "cli/show.h"
#include "reports/merge.h"

namespace crossdep::cli {
namespace {

struct Request {
  std::vector<std::string> logs;
  std::string graph;
  Show show;
};

int explain(const Request& request) {
  Show show = request.show;
  if (!load_suppressions(show)) return kUnusable;
  std::vector<reports::Graph> graphs;
  bool whole = true;
  for (const std::string& path : request.logs) {
    Input input = read_input(path, {.format = traces::Format::kLog});
    whole &= input.whole;
    for (Part& part : input.parts) graphs.push_back(std::move(part.graph));
  }
  if (graphs.empty()) return kUnusable;
  const reports::Graph graph = graphs.size() == 1 ? std::move(graphs.front()) : reports::merge(graphs);

  show.to_stderr = request.graph == "-";   // the graph and the findings do not share standard output
  show.graph_path = request.graph == "-" ? "" : request.graph;
  if (!show_graph(graph, "", show)) return kUnusable;
  if (!request.graph.empty() && !write_graph(request.graph, graph)) return kUnusable;
  if (!whole) return kUnusable;
  const Exit exit = judge_exit(graph, show.policy, show.suppressions);
  if (exit == kNothing) say("nothing recorded: no report of a lock was found");
  return exit;
}

}  // namespace

void add_explain(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("explain", "Read what other tools reported: kernel logs, ThreadSanitizer, Helgrind");
  auto request = std::make_shared<Request>();
  command->add_option("-o,--output", request->graph, "Write the graph there; - is standard output")->type_name("GRAPH");
  add_show_options(*command, request->show, {"text", "splat", "json", "dot"});
  command->add_option("logs", request->logs, "Logs, also compressed (.gz, .xz, .zst); - is standard input")
      ->required()
      ->type_name("FILE");
  command->footer(
      "Equal findings are shown once and counted. Cycles are `possible`: the tool that reported them has not seen them strike.\n"
      "Exit status: 0 nothing at or above the policy; 1 findings; 2 usage, or input that cannot be read to its end;\n"
      "3 nothing recorded (no report of a lock in it).");
  command->callback([request, &action] { action = [request] { return explain(*request); }; });
}

}  // namespace crossdep::cli
