// SPDX-License-Identifier: MIT
//
// See source_story.h.
//
// Threading: pure functions.  Allocation: the heap.
#include "reports/source_story.h"

#include <algorithm>
#include <map>
#include <utility>

#include "reports/format.h"
#include "reports/source_join.h"

namespace crossdep::reports {
namespace {

constexpr std::size_t kCalls = 7;   // of a path; longer ones are cut in the middle

// Outermost call first: "main (a.c:20) > f (a.c:3)".
std::string call_path(const Graph& graph, Index stack) {
  std::vector<Index> frames = shown_frames(graph, stack, false);
  std::reverse(frames.begin(), frames.end());
  std::string out;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const bool cut = frames.size() > kCalls && i >= 2 && i + (kCalls - 3) < frames.size();
    if (cut && i > 2) continue;
    out += (out.empty() ? "" : " > ") + (cut ? "(" + std::to_string(frames.size() - kCalls + 1) + " more)" : symbol_and_place(graph.frames[frames[i]], false));
  }
  return out;
}

std::string dependency_text(const Graph& graph, const Link& link) { return graph.classes[link.from].name + " -> " + graph.classes[link.to].name; }

bool may_be_grouped(const Finding& f) { return !f.links.empty() && source_rank(f) >= 3; }

using Ends = std::pair<std::string, std::string>;

Ends ends_of(const Graph& graph, const Link& link) { return {graph.classes[link.from].name, graph.classes[link.to].name}; }

// One stretch of findings of the same certainty.
void group(const Graph& graph, std::vector<const Finding*> rest, std::vector<std::pair<std::string, const Finding*>>& out) {
  for (;;) {
    std::map<Ends, std::vector<const Finding*>> through;
    for (const Finding* f : rest)
      for (const Link& link : f->links) through[ends_of(graph, link)].push_back(f);
    const auto most = std::max_element(through.begin(), through.end(), [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
    if (most == through.end() || most->second.size() < 2) break;
    const std::vector<const Finding*> these = most->second;
    const auto& links = these.front()->links;
    const Link& shared = *std::find_if(links.begin(), links.end(), [&](const Link& link) { return ends_of(graph, link) == most->first; });
    std::string heading = std::to_string(these.size()) + " cycles share " + dependency_text(graph, shared);
    if (shared.witness.to_site != kNoIndex) heading += " (" + short_place(graph, shared.witness.to_site) + ")";
    heading += ": without it there would be none of them";
    for (const Finding* f : these) {
      out.emplace_back(std::exchange(heading, {}), f);
      std::erase(rest, f);
    }
  }
  for (const Finding* f : rest) out.emplace_back(std::string(), f);
}

}  // namespace

std::vector<std::string> only_in_source(const Graph& graph, const Finding& finding) {
  std::vector<std::string> out;
  if (finding.reason_code != kHalfObserved) return out;
  for (const Link& link : finding.links) {
    if (link.witness.origin != engine::Origin::kStatic) continue;
    const Index stack = link.witness.to_stack != kNoIndex ? link.witness.to_stack : link.witness.to_site;
    const std::string path = call_path(graph, stack);
    out.push_back(dependency_text(graph, link) + (path.empty() ? std::string() : ", by " + path));
  }
  return out;
}

std::vector<std::pair<std::string, const Finding*>> in_groups(const Graph& graph, const std::vector<const Finding*>& findings) {
  std::vector<std::pair<std::string, const Finding*>> out;
  for (std::size_t begin = 0; begin < findings.size();) {
    const Finding& first = *findings[begin];
    std::size_t end = begin + 1;
    if (!may_be_grouped(first)) {
      out.emplace_back(std::string(), &first);
      begin = end;
      continue;
    }
    while (end < findings.size() && may_be_grouped(*findings[end]) && findings[end]->verdict == first.verdict && source_rank(*findings[end]) == source_rank(first)) ++end;
    group(graph, {findings.begin() + static_cast<std::ptrdiff_t>(begin), findings.begin() + static_cast<std::ptrdiff_t>(end)}, out);
    begin = end;
  }
  return out;
}

}  // namespace crossdep::reports
