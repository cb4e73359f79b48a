// SPDX-License-Identifier: MIT
//
// See gate.h. An entry by id accepts one finding; patterns (of the baseline, of a suppressions file) are tried in order
// after that.
//
// Threading: pure functions.  Allocation: the heap.
#include "gate/gate.h"

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <set>

#include "reports/format.h"
#include "reports/source_join.h"
#include "rules/catalogue.h"

namespace crossdep::gate {
namespace {

using reports::Finding;
using reports::Graph;
using reports::Listed;

// A pattern that ties down less than this fits nearly every name; one that hides more findings than this hides some that
// nobody has looked at.
constexpr std::size_t kLeastLiteral = 3, kMostHidden = 5;

/// One pattern and what it did.
struct Pattern {
  reports::Suppressions line;
  std::size_t entry = 0;               // of `line`
  std::string name;                    // for messages
  std::string accepted;
  std::size_t hidden = 0;
};

class Judge {
 public:
  Judge(const Graph& graph, const Baseline& baseline, const Options& options, reports::SourcePaths paths)
      : graph_(graph), baseline_(baseline), options_(options) {
    out_.listing.graph = &graph;
    out_.listing.paths = std::move(paths);
    out_.listing.title = "crossdep gate";
    for (const reports::Class& c : graph.classes) seen_.insert(stable_name(c));
  }

  Judgement judge() {
    collect_patterns();
    for (const Finding& finding : graph_.findings) look_at(finding);
    for (const AcceptedFinding& entry : baseline_.findings) look_for(entry);
    for (const Pattern& pattern : patterns_) look_at(pattern);
    look_at_dependencies();
    out_.fails = out_.fresh != 0 || (options_.new_dependencies == NewDependencies::kFail && out_.new_dependencies != 0);
    out_.listing.remarks = out_.warnings;
    return std::move(out_);
  }

 private:
  bool expired(const AcceptedFinding& entry) const { return !entry.until.empty() && entry.until < options_.today; }

  static std::string acceptance(const AcceptedFinding& entry) {
    return entry.reason + (entry.owner.empty() ? "" : " (" + entry.owner + ")") + (entry.until.empty() ? "" : ", until " + entry.until);
  }

  void collect_patterns() {
    for (const AcceptedFinding& entry : baseline_.findings) {
      if (entry.match.empty() || expired(entry)) continue;
      Pattern pattern;
      std::string cause;
      pattern.line.parse(entry.match, "", cause);   // was read once already
      pattern.name = "'" + entry.match + "'";
      pattern.accepted = acceptance(entry);
      patterns_.push_back(std::move(pattern));
    }
    if (options_.suppressions == nullptr) return;
    for (std::size_t i = 0; i < options_.suppressions->size(); ++i) {
      Pattern pattern;
      pattern.line = *options_.suppressions;
      pattern.entry = i;
      pattern.name = options_.suppressions_path + ":" + std::to_string(options_.suppressions->line(i)) + ": '" + options_.suppressions->text(i) + "'";
      pattern.accepted = "suppressed by " + options_.suppressions_path + ":" + std::to_string(options_.suppressions->line(i));
      patterns_.push_back(std::move(pattern));
    }
  }

  const AcceptedFinding* entry_for(const std::string& id) const {
    for (const AcceptedFinding& entry : baseline_.findings)
      if (entry.id == id) return &entry;
    return nullptr;
  }

  void look_at(const Finding& finding) {
    if (finding.verdict == engine::Verdict::kRefuted) return;
    const AcceptedFinding* entry = entry_for(finding.id);
    if (entry != nullptr) met_.insert(entry->id);
    std::string accepted = entry != nullptr && !expired(*entry) ? acceptance(*entry) : std::string();
    for (Pattern& pattern : patterns_) {
      if (!pattern.line.suppresses(pattern.entry, graph_, finding)) continue;
      ++pattern.hidden;
      if (accepted.empty()) accepted = pattern.accepted;
    }
    if (!reports::reaches(finding, options_.policy)) return;
    Listed listed;
    listed.finding = &finding;
    listed.accepted = accepted;
    listed.fails = accepted.empty();
    listed.standing = accepted.empty() ? reports::Standing::kNew : reports::Standing::kKnown;
    if (listed.fails && entry != nullptr) listed.note = "was accepted until " + entry->until + ", which is over: " + entry->reason;
    if (!listed.fails && entry != nullptr) note_rise(finding, *entry);
    blame(finding, listed);
    ++(listed.fails ? out_.fresh : out_.known);
    out_.listing.findings.push_back(std::move(listed));
  }

  // What was accepted as a mere possibility and now has struck is worth a line.
  void note_rise(const Finding& finding, const AcceptedFinding& entry) {
    engine::Verdict then;
    if (!reports::parse(entry.verdict, then) || finding.verdict <= then || finding.verdict < engine::Verdict::kConfirmed) return;
    out_.warnings.push_back("risen: " + entry.id + " was accepted as " + entry.verdict + " and is " + reports::word(finding.verdict) + " now");
  }

  void blame(const Finding& finding, Listed& listed) const {
    if (baseline_.dependencies.empty() || listed.standing != reports::Standing::kNew) return;
    for (std::size_t i = 0; i < finding.links.size(); ++i) {
      const reports::Link& link = finding.links[i];
      if (baseline_.has_dependency(stable_name(graph_.classes[link.from]), stable_name(graph_.classes[link.to]))) continue;
      listed.blamed = i;
      listed.blamed_is_new = true;
      return;
    }
  }

  void look_for(const AcceptedFinding& entry) {
    const std::string what = entry.key() + (entry.classes.empty() ? "" : " " + reports::cycle_of(entry.classes, entry.classes.size() > 1));
    if (expired(entry)) {
      ++out_.expired;
      out_.warnings.push_back("expired: " + what + " was accepted until " + entry.until);
    }
    if (!entry.match.empty() || met_.count(entry.id) != 0) return;
    reports::Gone gone{entry.id, entry.check, entry.classes, "stale", ""};
    std::vector<std::string> missing;
    for (const std::string& name : entry.classes)
      if (seen_.count(name) == 0) missing.push_back(name);
    const Finding* const refuted = graph_.find(entry.id);
    if (refuted != nullptr) {
      gone.state = "fixed";
      gone.note = "cannot happen any more: " + refuted->reason;
    } else if (entry.classes.empty()) {
      gone.note = "nothing matches it, and it does not say which classes it is about";
    } else if (missing.empty()) {
      gone.state = "fixed";
      gone.note = "its lock classes were seen, the finding was not";
    } else {
      gone.note = missing.front() + (missing.size() > 1 ? " and others were" : " was") + " not seen: renamed, removed, or not tested any more";
    }
    ++(gone.state == "fixed" ? out_.fixed : out_.stale);
    out_.listing.gone.push_back(std::move(gone));
  }

  void look_at(const Pattern& pattern) {
    const std::size_t literal = pattern.line.literal_characters(pattern.entry);
    if (pattern.hidden == 0) {
      ++out_.stale;
      out_.warnings.push_back("stale: " + pattern.name + " matches nothing");
    }
    if (literal < kLeastLiteral && !pattern.line.names_one(pattern.entry))
      out_.warnings.push_back("too broad: " + pattern.name + " fits nearly every name; hides " + reports::count_of(pattern.hidden, "finding"));
    else if (pattern.hidden > kMostHidden)
      out_.warnings.push_back("too broad: " + pattern.name + " hides " + reports::count_of(pattern.hidden, "finding"));
  }

  void look_at_dependencies() {
    if (options_.new_dependencies == NewDependencies::kIgnore) return;
    std::set<std::string> told;   // classes of two kinds have one stable name
    for (reports::Index i = 0; i < graph_.dependencies.size(); ++i) {
      const reports::Dependency& d = graph_.dependencies[i];
      const AcceptedDependency entry = as_accepted(graph_, d.from, d.to);
      if (baseline_.has_dependency(entry.from, entry.to) || !told.insert(entry.text()).second) continue;
      ++out_.new_dependencies;
      out_.listing.dependencies.push_back({i, options_.new_dependencies == NewDependencies::kFail});
    }
  }

  const Graph& graph_;
  const Baseline& baseline_;
  const Options& options_;
  Judgement out_;
  std::vector<Pattern> patterns_;
  std::set<std::string> met_;    // ids of entries whose finding is there
  std::set<std::string> seen_;   // classes
};

}  // namespace

Judgement judge(const Graph& graph, const Baseline& baseline, const Options& options, reports::SourcePaths paths) {
  return Judge(graph, baseline, options, std::move(paths)).judge();
}

Baseline make_baseline(const Graph& graph, const Options& options, const std::string& reason, const std::string& owner) {
  Baseline out;
  for (const Finding& finding : graph.findings) {
    if (!reports::reaches(finding, options.policy)) continue;
    if (options.suppressions != nullptr && options.suppressions->suppresses(graph, finding)) continue;
    AcceptedFinding entry = as_accepted(graph, finding);
    entry.reason = reason;
    entry.owner = owner;
    entry.date = options.today;
    out.accept(std::move(entry));
  }
  for (const reports::Dependency& d : graph.dependencies) out.accept(as_accepted(graph, d.from, d.to));
  return out;
}

std::string today() {
  std::time_t now = std::time(nullptr);
  if (const char* epoch = std::getenv("SOURCE_DATE_EPOCH"); epoch != nullptr && *epoch != 0) {
    char* end = nullptr;
    const long long given = std::strtoll(epoch, &end, 10);
    if (*end == 0 && given >= 0) now = static_cast<std::time_t>(given);
  }
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d", &parts);
  return text;
}

}  // namespace crossdep::gate
