// SPDX-License-Identifier: MIT
//
// See text.h. A finding is its verdict and reason, its cycle, and one or two lines for each dependency: who held or was
// to release what, and what he requested where. Long cycles are cut in the middle unless verbose.
//
// Threading: pure functions.  Allocation: the heap.
#include "reports/text.h"

#include <algorithm>
#include <array>

#include "reports/format.h"
#include "reports/source_join.h"
#include "reports/source_story.h"
#include "rules/catalogue.h"

namespace crossdep::reports {
namespace {

// Lines of dependencies on the first screen; with head and tail that makes at most 20.
constexpr std::size_t kLinkLines = 14;
// Of the ways that only the source knows; the reason above names them all.
constexpr std::size_t kSourceLines = 2;

std::string place_of(const Graph& graph, Index site, bool verbose) {
  const Index frame = own_frame(graph, site);
  if (frame == kNoIndex) return {};
  return " at " + symbol_and_place(graph.frames[frame], verbose);
}

std::string mode_note(engine::Mode mode) {
  switch (mode) {
    case engine::Mode::kWrite: return {};
    case engine::Mode::kRead: return " (read)";
    case engine::Mode::kRecursiveRead: return " (recursive read)";
  }
  return {};
}

void stack_lines(const Graph& graph, Index stack, std::string& out) {
  for (const Index frame : shown_frames(graph, stack, true))
    out += "         " + symbol_and_place(graph.frames[frame], true) + "\n";
}

std::string link_text(const Graph& graph, const Link& link, bool verbose) {
  const Witness& w = link.witness;
  if (w.origin == engine::Origin::kDeclared)
    return "    a rule says that " + graph.classes[link.from].name + " comes before " + graph.classes[link.to].name + "\n";
  const std::string from = graph.classes[link.from].name, to = graph.classes[link.to].name;
  const std::string who = w.context == kNoIndex ? std::string("a context") : context_name(graph, w.context);
  std::string out = "    " + who;
  if (engine::is_crosslock(graph.classes[link.from].kind)) {
    out += ", before it releases " + from + ",";
  } else {
    out += " holds " + from + mode_note(w.from_mode) + place_of(graph, w.from_site, verbose) + ",";
  }
  out += "\n      requests " + to + mode_note(w.to_mode) + place_of(graph, w.to_site, verbose) + "\n";
  if (verbose) stack_lines(graph, w.to_stack, out);
  if (w.waiter != kNoIndex) {
    out += "      while " + context_name(graph, w.waiter) + " waits for " + from + place_of(graph, w.wait_site, verbose) + "\n";
    if (verbose) stack_lines(graph, w.wait_stack, out);
  }
  return out;
}

std::size_t lines_in(const std::string& text) {
  std::size_t count = 0;
  for (const char c : text) count += c == '\n';
  return count;
}

std::string cycle_text(const Graph& graph, const Finding& finding, bool verbose) {
  const auto name = [&](std::size_t i) { return graph.classes[finding.classes[i]].name; };
  const std::size_t count = finding.classes.size();
  std::string out = "  cycle: " + name(0);
  for (std::size_t i = 1; i < count; ++i) {
    if (!verbose && count > 8 && i == 4) {
      out += " -> (" + std::to_string(count - 7) + " more)";
      i = count - 3;
    }
    out += " -> " + name(i);
  }
  return out + " -> " + name(0) + "\n";
}

void add_links(const Graph& graph, const Finding& finding, bool verbose, std::string& out) {
  std::size_t used = 0;
  for (std::size_t i = 0; i < finding.links.size(); ++i) {
    const std::string text = link_text(graph, finding.links[i], verbose);
    const std::size_t lines = lines_in(text);
    const bool last = i + 1 == finding.links.size();
    if (!verbose && used + lines + (last ? 0 : 1) > kLinkLines) {
      const std::size_t left = finding.links.size() - i;
      out += "    and " + std::to_string(left) + (left == 1 ? " more dependency" : " more dependencies") + " (--verbose shows them)\n";
      return;
    }
    used += lines;
    out += text;
  }
}

void add_scene(const Graph& graph, const Finding& finding, bool verbose, std::string& out) {
  out += "  " + context_name(graph, finding.context) + place_of(graph, finding.site, verbose) + "\n";
  if (verbose) stack_lines(graph, finding.stack, out);
  const std::vector<Held> held = shown_locks(finding);
  if (held.empty()) return;
  out += "  held then:";
  const std::size_t shown = verbose ? held.size() : std::min<std::size_t>(held.size(), 6);
  for (std::size_t i = 0; i < shown; ++i) {
    out += (i == 0 ? " " : ", ") + graph.classes[held[i].class_index].name;
    if (held[i].site != kNoIndex) out += " (" + short_place(graph, held[i].site) + ")";
  }
  if (shown < held.size()) out += " and " + std::to_string(held.size() - shown) + " more";
  out += "\n";
}

}  // namespace

std::string render_finding(const Graph& graph, const Finding& finding, const TextOptions& options) {
  std::string out = finding.id + "  " + word(finding.verdict) + "  " + rules::check_id(finding.check) + ": " +
                    rules::catalogue(finding.check).title + "\n";
  out += "  why: " + finding.reason + "\n";
  std::size_t told = 0;
  for (const std::string& line : only_in_source(graph, finding))
    if (options.verbose || ++told <= kSourceLines) out += "  only in the source: " + line + "\n";
  if (!finding.run_reason_code.empty())
    out += std::string("  in each run alone: ") + word(finding.run_verdict) + ": " + finding.run_reason + "\n";
  if (finding.links.empty()) {
    if (!finding.classes.empty()) out += "  lock: " + graph.classes[finding.classes.front()].name + "\n";
    add_scene(graph, finding, options.verbose, out);
  } else {
    out += cycle_text(graph, finding, options.verbose);
    add_links(graph, finding, options.verbose, out);
  }
  return out;
}

std::string render_summary(const Graph& graph, const Suppressions& suppressions) {
  std::array<std::size_t, 6> counts{};
  std::size_t weak = 0;
  for (const Finding& finding : graph.findings) ++(finding.reason_code == kSourceMay ? weak : counts[static_cast<std::size_t>(finding.verdict)]);
  std::string out = graph.findings.empty() ? "no findings" : count_of(graph.findings.size(), "finding") + ":";
  bool first = true;
  for (std::size_t v = counts.size(); v-- > 0;) {
    if (counts[v] == 0) continue;
    out += (first ? " " : ", ") + std::to_string(counts[v]) + " " + word(static_cast<engine::Verdict>(v));
    first = false;
  }
  if (weak != 0) out += (first ? " " : ", ") + std::to_string(weak) + " weak (--verbose shows " + (weak == 1 ? "it)" : "them)");
  if (const std::size_t hidden = suppressions.count(graph); hidden != 0) out += "; " + std::to_string(hidden) + " suppressed";
  std::uint64_t contexts = 0;
  for (const Run& run : graph.runs) contexts += run.contexts;
  // Named operations are no locks, and what stands for the process is there for them only.
  std::size_t classes = 0, dependencies = 0, operations = 0;
  for (const Class& c : graph.classes) {
    if (c.kind == engine::Kind::kOperation) ++operations;
    else if (c.base != "(process)") ++classes;
  }
  for (const Dependency& d : graph.dependencies) dependencies += graph.classes[d.to].kind != engine::Kind::kOperation;
  out += "\nseen: " + std::to_string(classes) + (classes == 1 ? " lock class, " : " lock classes, ") +
         std::to_string(dependencies) + (dependencies == 1 ? " dependency, " : " dependencies, ") +
         (operations == 0 ? "" : count_of(operations, "named operation") + ", ") +
         count_of(graph.requests(), "request") + " by " + count_of(contexts, "context") + " in " +
         count_of(graph.runs.size(), "run") + "\n";
  const engine::Losses lost = graph.losses();
  if (lost.memory != 0) out += "lost: " + count_of(lost.memory, "thing") + " forgotten for want of memory\n";
  if (lost.events != 0) out += "lost: " + count_of(lost.events, "event") + " missing from the input\n";
  if (lost.unmatched != 0) out += "lost: " + count_of(lost.unmatched, "release") + " without an acquisition, where the input began in the middle\n";
  if (lost.contradictions != 0)
    out += "lost: what " + count_of(lost.contradictions, "contradiction") + " of the input " +
           (lost.contradictions == 1 ? "concerns" : "concern") + "; the result is partial\n";
  if (lost.budget != 0) out += "lost: " + std::to_string(lost.budget) + " cycle searches not finished within the budget\n";
  return out;
}

std::string render_text(const Graph& graph, const TextOptions& options) {
  std::string out;
  std::size_t hidden = 0;
  std::vector<const Finding*> shown;
  for (const Finding& finding : graph.findings) {
    if (options.suppressions.suppresses(graph, finding)) continue;
    if (!options.verbose && !reaches(finding, options.policy)) {
      ++hidden;
      continue;
    }
    shown.push_back(&finding);
  }
  for (const auto& [heading, finding] : in_groups(graph, shown)) {
    if (!heading.empty()) out += heading + "\n\n";
    out += render_finding(graph, *finding, options) + "\n";
  }
  out += render_summary(graph, options.suppressions);
  if (hidden != 0) out += count_of(hidden, "finding") + " below the policy (" + word(options.policy) + ") not shown; --verbose shows them\n";
  return out;
}

}  // namespace crossdep::reports
