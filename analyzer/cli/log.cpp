// SPDX-License-Identifier: MIT
//
// See log.h. No cycles are sought over the whole of a log: it is told what the tools said. `merge` of several graphs does
// that.
//
// Threading: one thread.  Allocation: the heap.
#include "cli/log.h"

#include <filesystem>
#include <map>
#include <memory>

#include <fmt/format.h>

#include "cli/command.h"
#include "reports/canonical.h"
#include "reports/graph_builder.h"
#include "reports/site_text.h"
#include "reports/version.h"
#include "traces/printed_sink.h"

namespace crossdep::cli {
namespace {

// The findings of one tool.
struct Told {
  Told() : resolver([this](engine::Site site) { return sink.site_text(site); }), builder(resolver), sink(builder) {}

  reports::SiteTextResolver resolver;
  reports::GraphBuilder builder;
  traces::PrintedSink sink;
  std::vector<engine::FindingId> findings;
};

// Of the same content the same, for each tool another.
std::string run_id(std::uint64_t key, const std::string& tool) {
  for (const char c : tool) key = (key ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return fmt::format("{:016x}", key * 0x9e3779b97f4a7c15u);
}

// "reported by X" -> "reported 3 times by X"
std::string with_count(const std::string& reason, std::size_t count) {
  constexpr std::string_view kFront = "reported by ";
  if (count < 2) return reason;
  if (reason.starts_with(kFront)) return fmt::format("reported {} times by {}", count, reason.substr(kFront.size()));
  return fmt::format("{} (reported {} times)", reason, count);
}

reports::Graph graph_of(const std::string& tool, Told& told, const std::string& source, std::uint64_t key) {
  reports::Run run;
  run.source = source;
  run.tool = tool;
  run.id = run_id(key, tool);
  run.ended = true;
  run.requests = told.findings.size();   // each report is of one request
  told.builder.set_run(std::move(run));
  reports::Graph graph = told.builder.build();
  std::map<std::string, std::size_t> times;
  for (const engine::FindingId finding : told.findings) ++times[told.builder.finding_id(finding)];
  for (reports::Finding& finding : graph.findings) finding.reason = with_count(finding.reason, times[finding.id]);
  return graph;
}

}  // namespace

reports::Graph read_log(traces::TraceFile& file, std::uint64_t key, traces::Status& status) {
  const std::string source = std::filesystem::path(file.name()).filename().string();
  std::map<std::string, std::unique_ptr<Told>> tools;
  traces::PrintedConsumer consumer;
  consumer.on_finding = [&tools](const traces::PrintedFinding& finding) {
    std::unique_ptr<Told>& told = tools[finding.tool];
    if (told == nullptr) told = std::make_unique<Told>();
    told->findings.push_back(told->sink.add(finding));
  };
  consumer.on_note = [&source](const std::string& note) { say(source + ": " + note); };
  status = file.read_findings(consumer);

  reports::Graph all;
  for (const auto& [tool, told] : tools) reports::append(all, graph_of(tool, *told, source, key));
  reports::canonicalise(all);
  all.tool = reports::tool_version();
  if (status.ok() && tools.empty() && file.is_binary())
    status = traces::Status::at_offset(traces::Status::Outcome::kFailed, file.name(), 0, "not a log: binary data");
  return all;
}

reports::Graph read_lockdep_graph(traces::TraceFile& file, std::uint64_t key, traces::Status& status) {
  reports::Run run;
  run.source = std::filesystem::path(file.name()).filename().string();
  run.id = run_id(key, "proc-lockdep");
  run.tool = "/proc/lockdep";
  run.ended = true;
  reports::SiteTextResolver resolver([](engine::Site) { return std::string_view(); });
  reports::GraphBuilder builder(resolver);
  traces::ProcLockdepFacts facts;
  status = file.read_lockdep(builder, facts);
  run.requests = facts.requests;
  run.losses = facts.losses;
  const std::string source = run.source;
  builder.set_run(std::move(run));
  if (!status.failed()) {
    say(source + ": a kernel's own graph: without modes, contexts and stacks its cycles are candidates");
    if (facts.hashed) say(source + ": addresses are hidden (kptr_restrict): classes of one name count as one");
    if (facts.skipped != 0) say(fmt::format("{}: {} lines are no part of it and were skipped", source, facts.skipped));
  }
  return builder.build();
}

}  // namespace crossdep::cli
