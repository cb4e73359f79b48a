// SPDX-License-Identifier: MIT
//
// See dot.h. Names are quoted strings: only the quote and the backslash need escaping there; line ends and other control
// characters become blanks. Refuted findings are not coloured.
//
// Threading: pure function.  Allocation: the heap.
#include "reports/dot.h"

#include <map>
#include <set>
#include <utility>

#include "reports/format.h"

namespace crossdep::reports {
namespace {

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 32 ? ' ' : c;
  }
  return out + "\"";
}

const char* colour(engine::Verdict verdict) {
  switch (verdict) {
    case engine::Verdict::kDeadlock:
    case engine::Verdict::kConfirmed: return "red";
    case engine::Verdict::kFeasible:
    case engine::Verdict::kPossible: return "orangered";
    case engine::Verdict::kLatent: return "goldenrod";
    case engine::Verdict::kRefuted: return nullptr;
  }
  return nullptr;
}

using Edge = std::pair<Index, Index>;

bool is_event(const Dependency& dependency) {
  for (const DependencyMode& mode : dependency.modes)
    if (mode.origin == engine::Origin::kOverlap || mode.origin == engine::Origin::kHistory) return true;
  return false;
}

// "comm/tid at file.c:12" of its first witness.
std::string label(const Graph& graph, const Dependency& dependency) {
  if (dependency.witnesses.empty()) return {};
  const Witness& w = dependency.witnesses.front();
  return (w.context == kNoIndex ? std::string() : context_name(graph, w.context)) +
         (w.to_site == kNoIndex ? std::string() : " at " + short_place(graph, w.to_site));
}

}  // namespace

std::string render_dot(const Graph& graph) {
  // Findings come most certain first: the first to colour a node or an edge decides.
  std::map<Index, const char*> nodes;
  std::map<Edge, const char*> edges;
  for (const Finding& finding : graph.findings) {
    const char* paint = colour(finding.verdict);
    if (paint == nullptr) continue;
    for (const Index c : finding.classes) nodes.try_emplace(c, paint);
    for (const Link& link : finding.links) edges.try_emplace({link.from, link.to}, paint);
  }
  std::set<Index> connected;
  for (const Dependency& d : graph.dependencies) connected.insert({d.from, d.to});

  std::string out = "digraph crossdep {\n  rankdir=LR;\n  node [shape=box, fontname=\"monospace\"];\n";
  for (Index c = 0; c < graph.classes.size(); ++c) {
    const auto paint = nodes.find(c);
    if (connected.count(c) == 0 && paint == nodes.end()) continue;
    out += "  c" + std::to_string(c) + " [label=" + quoted(graph.classes[c].name);
    if (engine::is_crosslock(graph.classes[c].kind)) out += ", shape=ellipse";
    if (paint != nodes.end()) out += std::string(", color=") + paint->second + ", penwidth=2";
    out += "];\n";
  }
  for (const Dependency& d : graph.dependencies) {
    out += "  c" + std::to_string(d.from) + " -> c" + std::to_string(d.to) + " [tooltip=" + quoted(label(graph, d));
    if (is_event(d)) out += ", style=dashed";
    const auto paint = edges.find({d.from, d.to});
    if (paint != edges.end()) out += std::string(", color=") + paint->second + ", penwidth=2, label=" + quoted(label(graph, d));
    out += "];\n";
  }
  return out + "}\n";
}

}  // namespace crossdep::reports
