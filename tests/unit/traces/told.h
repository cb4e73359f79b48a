// SPDX-License-Identifier: MIT
//
// Reads a log as `crossdep explain` does and keeps what came out.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "reports/format.h"
#include "reports/graph_builder.h"
#include "reports/site_text.h"
#include "rules/catalogue.h"
#include "run_trace.h"
#include "traces/printed_sink.h"
#include "traces/tool_log.h"

namespace crossdep::traces_test {

struct Told {
  traces::Status status;
  std::vector<std::string> notes;
  reports::Graph graph;
  std::size_t reports = 0;      // before equal ones became one

  std::vector<std::string> ids() const {
    std::vector<std::string> out;
    for (const reports::Finding& f : graph.findings) out.push_back(f.id);
    std::sort(out.begin(), out.end());
    return out;
  }
  std::string cycle(const reports::Finding& f) const {
    std::string out;
    for (const reports::Index c : f.classes) out += (out.empty() ? "" : " -> ") + graph.classes[c].name;
    return out;
  }
  /// "check verdict classes"
  std::vector<std::string> summary() const {
    std::vector<std::string> out;
    for (const reports::Finding& f : graph.findings)
      out.push_back(std::string(rules::check_id(f.check)) + " " + reports::word(f.verdict) + " " + cycle(f));
    std::sort(out.begin(), out.end());
    return out;
  }
  bool noted(std::string_view part) const {
    return std::any_of(notes.begin(), notes.end(), [&](const std::string& note) { return note.find(part) != std::string::npos; });
  }
  const reports::Finding& only() const { return graph.findings.at(0); }
};

inline Told tell(std::string_view content) {
  Told out;
  MemoryFile file(content);
  traces::LineSource source(file.fd());
  const traces::PrintedSink* sites = nullptr;
  reports::SiteTextResolver resolver([&sites](engine::Site site) { return sites->site_text(site); });
  reports::GraphBuilder builder(resolver);
  traces::PrintedSink sink(builder);
  sites = &sink;
  traces::PrintedConsumer consumer;
  consumer.on_finding = [&](const traces::PrintedFinding& finding) {
    sink.add(finding);
    ++out.reports;
  };
  consumer.on_note = [&](const std::string& note) { out.notes.push_back(note); };
  out.status = traces::read_tool_log(source, "log", consumer);
  out.graph = builder.build();
  return out;
}

}  // namespace crossdep::traces_test
