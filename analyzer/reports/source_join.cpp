// SPDX-License-Identifier: MIT
//
// See source_join.h. A wrapper's line acquires many classes; the frames around it narrow them down: from the innermost
// outwards, the sets of classes of those frames that are in the map are intersected until one is left.
//
// Threading: pure functions.  Allocation: the heap.
#include "reports/source_join.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <map>
#include <set>

#include "reports/canonical.h"
#include "reports/finding_id.h"
#include "reports/reason.h"

namespace crossdep::reports {
namespace {

using Classes = std::set<Index>;

std::string file_name(const std::string& path) { return std::filesystem::path(path).filename().string(); }

/// "file.c:name[].m" and "name[3].m (file.c)" both name the static object `name[].m`.
std::string object_name(const std::string& name) {
  std::string out = without_indices(name);
  if (const auto at = out.find(" ("); at != std::string::npos) out.resize(at);
  const auto colon = out.find(':');
  if (colon != std::string::npos && colon + 1 < out.size() && out[colon + 1] != ':' && out.find('.') < colon) out.erase(0, colon + 1);
  return out;
}

class Join {
 public:
  explicit Join(Graph& graph) : g_(graph), of_source_(graph.classes.size()), votes_(graph.classes.size()) {}

  const std::map<std::string, std::string>& ids() const { return ids_; }

  std::vector<std::string> run() {
    for (const LockSite& s : g_.lock_sites) {
      of_source_[s.class_index] = true;
      sites_[{file_name(s.file), s.line}].insert(s.class_index);
    }
    for (const Dependency& d : g_.dependencies) {
      if (in_source(d)) of_source_[d.from] = of_source_[d.to] = true;
      for (const Witness& w : d.witnesses)
        if (w.origin != engine::Origin::kStatic) vote(d, w);
    }
    for (const Finding& f : g_.findings)
      for (const Link& link : f.links)
        if (link.witness.origin != engine::Origin::kStatic) {
          Dependency of;
          of.from = link.from;
          of.to = link.to;
          vote(of, link.witness);
        }
    std::map<std::string, Classes> by_object;
    for (Index i = 0; i < g_.classes.size(); ++i)
      if (of_source_[i]) by_object[object_name(g_.classes[i].base)].insert(i);
    std::vector<std::string> notes;
    for (Index i = 0; i < g_.classes.size(); ++i) {
      if (of_source_[i] || g_.classes[i].key_kind == engine::ClassKey::kNamed) continue;
      Classes candidates;
      if (g_.classes[i].key_kind == engine::ClassKey::kStatic) {
        if (const auto at = by_object.find(object_name(g_.classes[i].base)); at != by_object.end()) candidates = at->second;
      }
      if (candidates.size() != 1 && !votes_[i].empty()) candidates = votes_[i];
      if (candidates.size() == 1) rename(i, *candidates.begin());
      else if (candidates.size() > 1) notes.push_back(clash(i, candidates));
    }
    if (renamed_)
      for (Finding& f : g_.findings) {
        std::string id = make_finding_id(g_, f);
        if (id != f.id) ids_[f.id] = id;
        f.id = std::move(id);
      }
    return notes;
  }

 private:
  // One class if the frames agree on one, else nothing.
  void vote_at(Index lock, Index stack) {
    if (lock >= votes_.size() || stack >= g_.stacks.size()) return;
    Classes left;
    for (const Index frame : g_.stacks[stack]) {
      const Frame& f = g_.frames[frame];
      if (f.file.empty() || f.line == 0) continue;
      const auto at = sites_.find({file_name(f.file), f.line});
      if (at == sites_.end()) continue;
      if (left.empty()) {
        left = at->second;
      } else {
        Classes both;
        std::set_intersection(left.begin(), left.end(), at->second.begin(), at->second.end(), std::inserter(both, both.begin()));
        if (!both.empty()) left = std::move(both);
      }
      if (left.size() == 1) break;
    }
    std::erase_if(left, [&](Index c) { return engine::is_crosslock(g_.classes[c].kind) != engine::is_crosslock(g_.classes[lock].kind); });
    if (left.size() == 1) votes_[lock].insert(*left.begin());
  }

  void vote(const Dependency& d, const Witness& w) {
    if (!engine::is_crosslock(g_.classes[d.from].kind)) vote_at(d.from, w.from_site);
    vote_at(d.to, w.to_stack != kNoIndex ? w.to_stack : w.to_site);
    if (engine::is_crosslock(g_.classes[d.from].kind)) vote_at(d.from, w.wait_stack != kNoIndex ? w.wait_stack : w.wait_site);
    for (const Held& held : w.held)
      if (!held.pseudo) vote_at(held.class_index, held.site);
  }

  void rename(Index i, Index source) {
    Class& c = g_.classes[i];
    const Class& s = g_.classes[source];
    c.base = s.base;
    c.kind = s.kind;
    c.subclass = s.subclass;
    c.key_kind = s.key_kind;
    c.name = s.name;
    renamed_ = true;
  }

  std::string clash(Index i, const Classes& candidates) const {
    std::string names;
    for (const Index c : candidates) names += (names.empty() ? "" : ", ") + g_.classes[c].name;
    return g_.classes[i].name + " stands for several classes of the source (" + names + "); it keeps its name";
  }

  Graph& g_;
  std::vector<bool> of_source_;
  std::vector<Classes> votes_;
  std::map<std::pair<std::string, std::uint32_t>, Classes> sites_;
  bool renamed_ = false;
  std::map<std::string, std::string> ids_;   // of findings: before and after
};

}  // namespace

bool observed(const Dependency& d) {
  return std::any_of(d.modes.begin(), d.modes.end(), [](const DependencyMode& m) { return m.origin != engine::Origin::kStatic && m.origin != engine::Origin::kDeclared; });
}

bool in_source(const Dependency& d) {
  return std::any_of(d.modes.begin(), d.modes.end(), [](const DependencyMode& m) { return m.origin == engine::Origin::kStatic; });
}

bool reaches(const Finding& finding, engine::Verdict policy) {
  return finding.verdict >= policy && !(finding.reason_code == kSourceMay && policy >= engine::Verdict::kPossible);
}

unsigned source_rank(const Finding& finding) {
  if (finding.reason_code == kHalfObserved) return 1;
  if (finding.check == engine::Check::kDeclaredOrder) return finding.reason_code == "observed" ? 0 : 2;
  if (finding.reason_code == kSourceMay) return 4;
  return finding.reason.starts_with("source only") ? 3 : 0;
}

unsigned report_rank(const Finding& finding) {
  // A wait that others end too, or locks that were not the same ones, may never meet: what nothing excuses is read first, even if
  // one side of it is known from the source only.
  static constexpr engine::Reason kDoubts[] = {engine::Reason::kTimed, engine::Reason::kHistoryOnly, engine::Reason::kOtherReleasers,
                                               engine::Reason::kInstancesDiffer, engine::Reason::kBudgetSpent};
  constexpr unsigned kHalf = 1, kFirstDoubt = 2;
  const unsigned rank = source_rank(finding);
  if (rank == kHalf) return kHalf;
  if (rank > kHalf) return kFirstDoubt + static_cast<unsigned>(std::size(kDoubts)) + rank;
  for (unsigned i = 0; i < std::size(kDoubts); ++i)
    if (finding.reason_code == code(kDoubts[i])) return kFirstDoubt + i;
  return 0;
}

std::vector<std::string> join_source(Graph& graph) {
  if (graph.lock_sites.empty()) return {};
  return Join(graph).run();
}

std::vector<std::string> name_by_source(Graph& graph, const Graph& source, std::map<std::string, std::string>& ids) {
  const std::size_t classes = graph.classes.size();
  Graph names;
  names.classes = source.classes;
  names.lock_sites = source.lock_sites;
  append(graph, std::move(names));
  Join join(graph);
  std::vector<std::string> notes = join.run();
  ids = join.ids();
  // Only the lock sites speak of the source's own classes.
  graph.lock_sites.clear();
  graph.classes.resize(classes);
  canonicalise(graph);
  return notes;
}

}  // namespace crossdep::reports
