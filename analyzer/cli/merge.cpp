// SPDX-License-Identifier: MIT
//
// `crossdep merge -o GRAPH INPUT...`: the union of graphs, of many runs, processes or machines. Cycles whose halves come
// from different runs are found here.
//
// Threading: one thread.  Allocation: the heap.
#include "cli/command.h"
#include "cli/input.h"
#include "cli/output.h"
#include "reports/merge.h"

namespace crossdep::cli {
namespace {

struct Request {
  std::string output;
  std::vector<std::string> inputs;
  unsigned jobs = 0;
};

int merge(const Request& request) {
  Union all = read_union(request.inputs, {}, request.jobs);
  if (all.parts == 0 || all.missing) return kUnusable;   // told
  // A single graph too is written as a union: in canonical order, by this version.
  if (all.parts == 1) all.graph = reports::merge({all.graph});
  for (const std::string& note : all.notes) say("note: " + note);
  return write_graph(request.output, all.graph) && all.whole ? kQuiet : kUnusable;
}

}  // namespace

void add_merge(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("merge", "Unite the graphs of many runs");
  auto request = std::make_shared<Request>();
  command->add_option("-o,--output", request->output, "The graph to write; - is standard output")->required()->type_name("GRAPH");
  command->add_option("-j,--jobs", request->jobs, "Threads that read graphs; default one per processor, 4 at most")
      ->check(CLI::Range(1, 64))
      ->type_name("N");
  command->add_option("inputs", request->inputs, "Graphs; journals and traces are judged first")->required()->type_name("INPUT");
  command->footer(
      "Exit status: 0 written; 2 usage or unreadable input. Of an input that is cut short the readable part is united.");
  command->callback([request, &action] { action = [request] { return merge(*request); }; });
}

}  // namespace crossdep::cli
