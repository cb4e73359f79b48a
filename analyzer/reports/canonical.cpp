// SPDX-License-Identifier: MIT
//
// See canonical.h. Tables are unified bottom up (frames, stacks, runs, classes, contexts, instances, witnesses,
// dependencies, findings): once what an entry refers to is sorted and renumbered, comparing indices compares values.
//
// Threading: pure functions.  Allocation: the heap.
#include "reports/canonical.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>

#include "reports/names.h"
#include "reports/source_join.h"

namespace crossdep::reports {
namespace {

using Map = std::vector<Index>;   // old index -> new index

// Which table each index of the graph's entries is renumbered by; nullptr leaves it alone.
struct Renumbering {
  const Map* runs = nullptr;
  const Map* stacks = nullptr;
  const Map* classes = nullptr;
  const Map* contexts = nullptr;
  const Map* instances = nullptr;

  static void one(const Map* map, Index& index) {
    if (map != nullptr && index != kNoIndex) index = (*map)[index];
  }
  void apply(Held& held) const {
    one(instances, held.instance);
    one(classes, held.class_index);
    one(stacks, held.site);
  }
  void apply(Witness& w) const {
    one(runs, w.run);
    one(contexts, w.context);
    one(contexts, w.waiter);
    one(instances, w.from);
    one(instances, w.to);
    for (Index* site : {&w.from_site, &w.to_site, &w.to_stack, &w.wait_site, &w.wait_stack, &w.release_stack}) one(stacks, *site);
    for (Held& held : w.held) apply(held);
  }
  void apply(Dependency& d) const {
    one(classes, d.from);
    one(classes, d.to);
    for (Index& run : d.runs) one(runs, run);
    for (Witness& w : d.witnesses) apply(w);
  }
  void apply(Finding& f) const {
    for (Index& c : f.classes) one(classes, c);
    for (Link& link : f.links) {
      one(classes, link.from);
      one(classes, link.to);
      apply(link.witness);
    }
    one(runs, f.run);
    one(contexts, f.context);
    one(instances, f.instance);
    one(instances, f.other);
    one(stacks, f.site);
    one(stacks, f.stack);
    one(stacks, f.other_stack);
    for (Held& held : f.held) apply(held);
  }
  void apply(Graph& g) const {
    for (Context& c : g.contexts) one(runs, c.run);
    for (Instance& i : g.instances) {
      one(runs, i.run);
      one(classes, i.class_index);
    }
    for (Dependency& d : g.dependencies) apply(d);
    for (Finding& f : g.findings) apply(f);
    for (LockSite& s : g.lock_sites) one(classes, s.class_index);
  }
};

// Sorts a table and folds equal neighbours into the first; returns where each entry went.
template <typename Entry, typename Less, typename Fold>
Map unify(std::vector<Entry>& table, Less less, Fold fold) {
  std::vector<Index> order(table.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&](Index a, Index b) { return less(table[a], table[b]); });
  Map map(table.size());
  std::vector<Entry> out;
  for (const Index old : order) {
    if (out.empty() || less(out.back(), table[old])) {
      out.push_back(std::move(table[old]));
    } else {
      fold(out.back(), table[old]);
    }
    map[old] = static_cast<Index>(out.size() - 1);
  }
  table = std::move(out);
  return map;
}

template <typename Entry>
Map unify(std::vector<Entry>& table) {
  return unify(table, std::less<>(), [](Entry&, const Entry&) {});
}

auto order_of(const Run& r) {
  return std::tie(r.ended, r.requests, r.contexts, r.instances, r.losses.memory, r.losses.events, r.losses.unmatched,
                  r.losses.budget, r.losses.contradictions, r.tool, r.source, r.pid, r.parent_pid, r.executable, r.arguments,
                  r.started_ns, r.exit_status);
}

Map unify_runs(std::vector<Run>& runs) {
  return unify(runs, [](const Run& a, const Run& b) { return a.id < b.id; },
               // The same run written twice: the later writing says more.
               [](Run& kept, const Run& other) { if (order_of(kept) < order_of(other)) kept = other; });
}

Map unify_classes(std::vector<Class>& classes) {
  const auto identity = [](const Class& c) { return std::tie(c.base, c.kind, c.subclass); };
  const Map map = unify(classes, [&](const Class& a, const Class& b) { return identity(a) < identity(b); },
                        [](Class& kept, const Class& other) {
                          kept.usage |= other.usage;
                          kept.wait_outer = std::max(kept.wait_outer, other.wait_outer);
                          kept.wait_inner = std::max(kept.wait_inner, other.wait_inner);
                          kept.key_kind = std::min(kept.key_kind, other.key_kind);
                        });
  std::map<std::string, unsigned> uses;
  for (Class& c : classes) ++uses[c.name = display_name(c.base, c.subclass)];
  for (Class& c : classes)
    if (uses[c.name] > 1) c.name += " (" + std::string(word(c.kind)) + ")";
  return map;
}

template <typename Value>
void sort_unique(std::vector<Value>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

void unify_dependencies(std::vector<Dependency>& dependencies, const std::vector<Class>& classes) {
  unify(dependencies,
        [](const Dependency& a, const Dependency& b) { return std::tie(a.from, a.to) < std::tie(b.from, b.to); },
        [](Dependency& kept, Dependency& other) {
          kept.modes.insert(kept.modes.end(), other.modes.begin(), other.modes.end());
          kept.runs.insert(kept.runs.end(), other.runs.begin(), other.runs.end());
          std::move(other.witnesses.begin(), other.witnesses.end(), std::back_inserter(kept.witnesses));
        });
  for (Dependency& d : dependencies) {
    sort_unique(d.modes);
    sort_unique(d.runs);
    if (d.runs.size() > kRunsKept) d.runs.resize(kRunsKept);
    sort_unique(d.witnesses);   // run first: the order is by run
    std::vector<Witness> kept;
    const std::size_t most = classes[d.to].kind == engine::Kind::kOperation ? kOperationWitnessesKept : kWitnessesKept;
    std::size_t of_run = 0;
    for (Witness& w : d.witnesses) {
      of_run = !kept.empty() && kept.back().run == w.run ? of_run + 1 : 1;
      const bool run_kept = w.run == kNoIndex || std::binary_search(d.runs.begin(), d.runs.end(), w.run);
      if (run_kept && of_run <= most) kept.push_back(std::move(w));
    }
    d.witnesses = std::move(kept);
  }
}

// Of two occurrences of one finding the more certain one stays, then the smaller by value.
bool better(const Finding& a, const Finding& b) { return a.verdict != b.verdict ? a.verdict > b.verdict : a < b; }

void unify_findings(std::vector<Finding>& findings) {
  unify(findings, [](const Finding& a, const Finding& b) { return a.id < b.id; },
        [](Finding& kept, Finding& other) { if (better(other, kept)) kept = std::move(other); });
  // For readers: the most certain first.
  std::stable_sort(findings.begin(), findings.end(), [](const Finding& a, const Finding& b) {
    return a.verdict != b.verdict ? a.verdict > b.verdict : report_rank(a) < report_rank(b);
  });
}

// Marks what the evidence refers to.
struct Marks {
  std::vector<bool> stacks, contexts, instances, frames;

  explicit Marks(const Graph& g)
      : stacks(g.stacks.size()), contexts(g.contexts.size()), instances(g.instances.size()), frames(g.frames.size()) {
    for (const Dependency& d : g.dependencies)
      for (const Witness& w : d.witnesses) mark(w);
    for (const Finding& f : g.findings) mark(f);
    for (std::size_t i = 0; i < g.stacks.size(); ++i)
      if (stacks[i])
        for (const Index frame : g.stacks[i]) frames[frame] = true;
  }

 private:
  static void one(std::vector<bool>& marks, Index index) {
    if (index != kNoIndex) marks[index] = true;
  }
  void mark(const std::vector<Held>& held) {
    for (const Held& h : held) {
      one(instances, h.instance);
      one(stacks, h.site);
    }
  }
  void mark(const Witness& w) {
    one(contexts, w.context);
    one(contexts, w.waiter);
    one(instances, w.from);
    one(instances, w.to);
    for (const Index site : {w.from_site, w.to_site, w.to_stack, w.wait_site, w.wait_stack, w.release_stack}) one(stacks, site);
    mark(w.held);
  }
  void mark(const Finding& f) {
    for (const Link& link : f.links) mark(link.witness);
    one(contexts, f.context);
    one(instances, f.instance);
    one(instances, f.other);
    one(stacks, f.site);
    one(stacks, f.stack);
    one(stacks, f.other_stack);
    mark(f.held);
  }
};

template <typename Entry>
Map drop_unmarked(std::vector<Entry>& table, const std::vector<bool>& marks) {
  Map map(table.size(), kNoIndex);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < table.size(); ++i) {
    if (!marks[i]) continue;
    map[i] = static_cast<Index>(kept);
    if (kept != i) table[kept] = std::move(table[i]);
    ++kept;
  }
  table.resize(kept);
  return map;
}

void renumber_frames(Graph& g, const Map& frames) {
  for (Stack& stack : g.stacks)
    for (Index& frame : stack) Renumbering::one(&frames, frame);
}

template <typename Entry>
void concatenate(std::vector<Entry>& to, std::vector<Entry>& from) {
  if (to.empty()) to.swap(from);
  else to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

Map shifted(std::size_t size, std::size_t by) {
  Map map(size);
  std::iota(map.begin(), map.end(), static_cast<Index>(by));
  return map;
}

}  // namespace

void drop_unused(Graph& g) {
  const Marks marks(g);
  const Map stacks = drop_unmarked(g.stacks, marks.stacks);
  const Map contexts = drop_unmarked(g.contexts, marks.contexts);
  const Map instances = drop_unmarked(g.instances, marks.instances);
  renumber_frames(g, drop_unmarked(g.frames, marks.frames));
  Renumbering{nullptr, &stacks, nullptr, &contexts, &instances}.apply(g);
}

void canonicalise(Graph& g) {
  renumber_frames(g, unify(g.frames));
  const Map stacks = unify(g.stacks);
  const Map runs = unify_runs(g.runs);
  const Map classes = unify_classes(g.classes);
  Renumbering{&runs, &stacks, &classes, nullptr, nullptr}.apply(g);
  const Map contexts = unify(g.contexts);
  const Map instances = unify(g.instances);
  Renumbering{nullptr, nullptr, nullptr, &contexts, &instances}.apply(g);
  unify_dependencies(g.dependencies, g.classes);
  unify_findings(g.findings);
  sort_unique(g.lock_sites);
  drop_unused(g);
}

void append(Graph& graph, Graph copy) {
  renumber_frames(copy, shifted(copy.frames.size(), graph.frames.size()));
  const Map runs = shifted(copy.runs.size(), graph.runs.size());
  const Map stacks = shifted(copy.stacks.size(), graph.stacks.size());
  const Map classes = shifted(copy.classes.size(), graph.classes.size());
  const Map contexts = shifted(copy.contexts.size(), graph.contexts.size());
  const Map instances = shifted(copy.instances.size(), graph.instances.size());
  Renumbering{&runs, &stacks, &classes, &contexts, &instances}.apply(copy);
  concatenate(graph.runs, copy.runs);
  concatenate(graph.frames, copy.frames);
  concatenate(graph.stacks, copy.stacks);
  concatenate(graph.classes, copy.classes);
  concatenate(graph.contexts, copy.contexts);
  concatenate(graph.instances, copy.instances);
  concatenate(graph.dependencies, copy.dependencies);
  concatenate(graph.findings, copy.findings);
  concatenate(graph.lock_sites, copy.lock_sites);
  if (graph.tool.empty()) graph.tool = copy.tool;
}

std::size_t table_size(const Graph& g) {
  return g.runs.size() + g.frames.size() + g.stacks.size() + g.classes.size() + g.contexts.size() + g.instances.size() +
         g.dependencies.size() + g.findings.size() + g.lock_sites.size();
}

}  // namespace crossdep::reports
