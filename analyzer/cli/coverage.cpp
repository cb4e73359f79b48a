// SPDX-License-Identifier: MIT
//
// `crossdep coverage STATIC DYNAMIC...`: how much of the lock order that the source knows was seen in runs, and what was
// not.
//
// Threading: one thread.  Allocation: the heap.
#include <fmt/format.h>

#include <algorithm>

#include "cli/command.h"
#include "cli/input.h"
#include "cli/output.h"
#include "reports/format.h"
#include "reports/source_join.h"

namespace crossdep::cli {
namespace {

struct Request {
  std::vector<std::string> inputs;
};

/// Where the source requests the second lock.
std::string place_of(const reports::Graph& graph, const reports::Dependency& dependency) {
  for (const reports::Witness& w : dependency.witnesses)
    if (w.origin == engine::Origin::kStatic && w.to_site != reports::kNoIndex) return reports::short_place(graph, w.to_site);
  return {};
}

int coverage(const Request& request) {
  const Union all = read_union(request.inputs);
  if (all.parts == 0) return kUnusable;
  const reports::Graph& graph = all.graph;
  if (std::none_of(graph.runs.begin(), graph.runs.end(), [](const reports::Run& run) { return run.source == "source"; })) {
    error("none of the inputs is a graph of the source");
    hint("crossdep scan -p BUILD_DIR -o source.cdgraph makes one");
    return kUnusable;
  }
  std::size_t exercised = 0, of_source = 0, beyond = 0;
  std::string rest;
  for (const reports::Dependency& d : graph.dependencies) {
    if (!reports::in_source(d)) {
      ++beyond;
      continue;
    }
    ++of_source;
    if (reports::observed(d)) {
      ++exercised;
      continue;
    }
    const std::string place = place_of(graph, d);
    rest += fmt::format("  {} -> {}{}\n", graph.classes[d.from].name, graph.classes[d.to].name, place.empty() ? "" : " (" + place + ")");
  }
  std::string text = fmt::format("{} of {} dependencies of the source were seen in runs{}\n", exercised, of_source,
                                 of_source == 0 ? "" : fmt::format(" ({:.1f} %)", 100.0 * static_cast<double>(exercised) / static_cast<double>(of_source)));
  if (beyond != 0) text += fmt::format("{} seen in runs that the source does not have\n", beyond);
  if (!rest.empty()) text += "not seen:\n" + rest;
  if (!write_text("", text) || !all.whole) return kUnusable;
  return kQuiet;
}

}  // namespace

void add_coverage(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("coverage", "How much of the source's lock order was seen in runs");
  auto request = std::make_shared<Request>();
  command->add_option("graphs", request->inputs, "A graph of crossdep scan, and graphs of runs")->required()->expected(2, 1 << 20)->type_name("GRAPH");
  command->footer("Exit status: 0 printed; 2 usage or unreadable input.");
  command->callback([request, &action] { action = [request] { return coverage(*request); }; });
}

}  // namespace crossdep::cli
