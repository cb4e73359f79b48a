// SPDX-License-Identifier: MIT
//
// `crossdep render JOURNAL`: what the runtime calls from inside the tested program, whose standard error it shares. The
// runtime itself never reads symbols or formats anything.
//   --finding N   prints the engine's finding N as a splat to standard error
//   --graph OUT   writes the journal's graph
//   --suppressions F  with --finding: prints nothing if F has it
// The runtime knows by the exit status what has become of a finding (runtime/core/helper_process.h has the numbers).
// The journal may still be growing; what is committed is read.
//
// Threading: one thread.  Allocation: the heap.
#include <cstdio>

#include "cli/command.h"
#include "cli/native.h"
#include "cli/output.h"
#include "cli/policy.h"
#include "reports/splat.h"

namespace crossdep::cli {
namespace {

/// Beside those of Exit: not printed because it is suppressed; printed, but the file of suppressions is unusable.
enum : int { kSuppressed = 4, kWithoutSuppressions = 5 };

struct Request {
  std::string journal;
  engine::FindingId finding = engine::kNone;
  std::string graph;
  std::string suppressions;
  bool verbose = false;
};

int render(const Request& request) {
  const NativeResult result = read_journal_graph(request.journal, request.finding);
  if (result.status.failed()) {
    error(result.status.text());
    return kUnusable;
  }
  if (request.finding != engine::kNone) {
    const reports::Finding* finding = result.graph.find(result.finding_id);
    if (finding == nullptr) {
      error(request.journal + ": no finding " + std::to_string(request.finding));
      return kUnusable;
    }
    reports::Suppressions suppressions;
    std::string cause;
    const bool usable = read_suppressions(request.suppressions, suppressions, cause);
    if (!usable) error(cause + "; nothing is suppressed");
    if (suppressions.suppresses(result.graph, *finding)) return kSuppressed;
    reports::SplatOptions options;
    options.verbose = request.verbose;
    // Not told: whoever reads our status finds another place for it.
    if (std::fputs(reports::render_splat(result.graph, *finding, options).c_str(), stderr) < 0) return kUnusable;
    if (!usable) return kWithoutSuppressions;
  }
  if (!request.graph.empty() && !write_graph(request.graph, result.graph)) return kUnusable;
  return kQuiet;
}

}  // namespace

void add_render(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("render", "Print what a journal holds (called by the runtime)");
  command->group("");   // not listed
  auto request = std::make_shared<Request>();
  command->add_option("journal", request->journal, "A process's journal or trace")->required()->type_name("JOURNAL");
  command->add_option("--finding", request->finding, "Print this finding, by its number in the journal")->type_name("N");
  command->add_option("--graph", request->graph, "Write the graph there")->type_name("OUT");
  command->add_option("--suppressions", request->suppressions, "Findings not to print")->type_name("FILE");
  command->add_flag("--verbose", request->verbose, "Library frames too");
  command->callback([request, &action] { action = [request] { return render(*request); }; });
}

}  // namespace crossdep::cli
