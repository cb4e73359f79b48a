// SPDX-License-Identifier: MIT
//
// A text trace, judged, and a rule file applied to it.
//
// Threading: one thread.  Allocation: the heap.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "catch.hpp"
#include "reports/site_text.h"
#include "rules/catalogue.h"
#include "rules/evaluate.h"
#include "rules/rule_file.h"
#include "rules/rule_names.h"
#include "traces/open.h"
#include "traces/replay.h"

namespace crossdep::rules::test {

inline RuleSet rules_of(const std::string& text) {
  RuleSet rules;
  std::string cause;
  const bool read = parse_rules(text, "r.json", rules, cause);
  INFO(cause);
  REQUIRE(read);
  return rules;
}

inline reports::Graph judge(const std::string& text, const RuleSet& rules = {}) {
  char path[] = "/tmp/crossdep-example-XXXXXX";
  const int fd = ::mkstemp(path);
  REQUIRE(fd >= 0);
  ::close(fd);
  std::ofstream(path) << text;
  traces::TraceFile file;
  traces::Status status = file.open(path, traces::Format::kText);
  const traces::Replay* source = nullptr;
  reports::SiteTextResolver resolver([&](engine::Site site) { return source->site_text(site); });
  const RuleNames names(rules);
  reports::GraphBuilder builder(resolver);
  builder.set_name_rules(&names);
  traces::Replay replay(builder);
  source = &replay;
  if (status.ok()) status = file.read_events(replay);
  ::unlink(path);
  INFO(status.text());
  REQUIRE(status.ok());
  replay.finish();
  reports::Graph graph = builder.build();
  if (!rules.empty()) evaluate(rules, graph);
  return graph;
}

/// "check verdict: class class ..." of each finding at or above `possible`, sorted, one a line.
inline std::string found(const reports::Graph& graph) {
  std::vector<std::string> lines;
  for (const reports::Finding& f : graph.findings) {
    if (f.verdict < engine::Verdict::kPossible) continue;
    std::string line = std::string(check_id(f.check)) + " " + reports::word(f.verdict) + ":";
    for (const reports::Index c : f.classes) line += " " + graph.classes[c].name;
    lines.push_back(line + "\n");
  }
  std::sort(lines.begin(), lines.end());
  std::string out;
  for (const std::string& line : lines) out += line;
  return out;
}

}  // namespace crossdep::rules::test
