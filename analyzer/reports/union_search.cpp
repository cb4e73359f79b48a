// SPDX-License-Identifier: MIT
//
// See union_search.h. Graph indices serve as the engine's numbers for contexts and instances: it only compares them.
//
// Threading: pure function.  Allocation: the heap.
#include "reports/union_search.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "engine/engine.h"
#include "engine/heap_allocator.h"
#include "reports/finding_id.h"
#include "reports/reason.h"
#include "reports/source_join.h"

namespace crossdep::reports {
namespace {

using engine::Mode;

constexpr unsigned kCombinations = 4096;   // tried per cycle

// Notes which cycles the engine finds. Dependencies are imported in the order of the graph, so their numbers are indices.
class CycleNotes final : public engine::Sink {
 public:
  void on_class(const engine::ClassInfo&) override {}
  void on_class_usage(engine::ClassId, std::uint8_t) override {}
  void on_instance(const engine::InstanceInfo&) override {}
  void on_context(const engine::ContextInfo&) override {}
  void on_stack(engine::StackId, const engine::Site*, unsigned) override {}
  void on_dependency(const engine::DependencyInfo& info) override { index_of_[info.id] = importing; }
  void on_witness(const engine::WitnessInfo& info) override {
    modes_[info.dependency].emplace_back(info.from_mode, info.to_mode);
  }
  void on_finding(const engine::FindingInfo& info) override {
    Cycle cycle;
    for (std::uint32_t i = 0; i < info.link_count; ++i) {
      const engine::LinkInfo& link = info.links[i];
      CycleStep step{index_of_[link.dependency]};
      const auto& modes = modes_[link.dependency];
      if (link.witness < modes.size()) {
        step.any_mode = false;
        std::tie(step.from_mode, step.to_mode) = modes[link.witness];
      }
      cycle.push_back(step);
    }
    if (!cycle.empty()) cycles.try_emplace(info.id, std::move(cycle));
  }

  Index importing = 0;
  std::map<engine::FindingId, Cycle> cycles;   // as first found: later calls only say that a verdict rose

 private:
  std::map<engine::DependencyId, Index> index_of_;
  std::map<engine::DependencyId, std::vector<std::pair<Mode, Mode>>> modes_;
};

void import(engine::Engine& engine, const std::vector<engine::ClassId>& class_at, const Dependency& d,
            const DependencyMode& mode, const Witness* w) {
  engine::WitnessInfo info{};
  info.dependency = engine::kNone;
  info.origin = mode.origin;
  info.from_mode = mode.from_mode;
  info.to_mode = mode.to_mode;
  info.flags = mode.timed ? engine::kTimed : 0;
  info.context = info.waiter = info.from = info.to = engine::kNone;
  std::vector<engine::HeldInfo> held;
  if (w != nullptr) {
    info.context = w->context;
    info.from = w->from;
    info.to = w->to;
    for (const Held& h : w->held) held.push_back({h.instance, class_at[h.class_index], h.mode, h.flags, h.pseudo, 0});
  }
  info.held_count = static_cast<std::uint32_t>(held.size());
  info.held = held.data();
  engine.import_dependency(class_at[d.from], class_at[d.to], info, nullptr, 0);
}

DependencyMode mode_of(const Witness& w) {
  return {w.origin, w.from_mode, w.to_mode, (w.flags & engine::kTimed) != 0};
}

std::map<engine::FindingId, Cycle> find_cycles(const Graph& graph) {
  engine::HeapAllocator heap;
  CycleNotes notes;
  engine::Options options;
  options.witnesses = kRunsKept * kWitnessesKept;
  engine::Engine engine(heap, notes, options);
  std::vector<engine::ClassId> class_at;
  for (Index i = 0; i < graph.classes.size(); ++i) {
    // The number is the name: what the classes are called does not matter to a search.
    const std::string name = std::to_string(i);
    engine::Engine::ClassSpec spec;
    spec.kind = graph.classes[i].kind;
    spec.name = name.c_str();
    spec.name_length = static_cast<std::uint32_t>(name.size());
    class_at.push_back(engine.declare_class(spec));
  }
  for (Index i = 0; i < graph.dependencies.size(); ++i) {
    const Dependency& d = graph.dependencies[i];
    notes.importing = i;
    // What is declared was not seen; rules judge it (rules/evaluate.h). Operations lead nowhere.
    if (graph.classes[d.to].kind == engine::Kind::kOperation) continue;
    std::set<DependencyMode> bare(d.modes.begin(), d.modes.end());
    std::erase_if(bare, [](const DependencyMode& mode) { return mode.origin == engine::Origin::kDeclared; });
    for (const Witness& w : d.witnesses) {
      import(engine, class_at, d, mode_of(w), &w);
      bare.erase(mode_of(w));
    }
    for (const DependencyMode& mode : bare) import(engine, class_at, d, mode, nullptr);
  }
  return std::move(notes.cycles);
}

// One object wherever its class is met: a static lock, or an instance that is its own class.
bool single_object(const Class& c) {
  return c.key_kind == engine::ClassKey::kStatic || c.key_kind == engine::ClassKey::kInstance;
}

}  // namespace

bool exclude_each_other(const Graph& graph, const Witness& a, const Witness& b) {
  for (const Held& x : a.held)
    for (const Held& y : b.held) {
      if (x.pseudo || y.pseudo || (x.mode != Mode::kWrite && y.mode != Mode::kWrite)) continue;
      const bool same_instance = x.instance != kNoIndex && x.instance == y.instance;
      const bool same_object = x.class_index == y.class_index && single_object(graph.classes[x.class_index]);
      if (same_instance || same_object) return true;
    }
  return false;
}

namespace {

bool some_exclude_each_other(const Graph& graph, const std::vector<const Witness*>& combination) {
  for (std::size_t i = 0; i < combination.size(); ++i)
    for (std::size_t j = i + 1; j < combination.size(); ++j)
      if (exclude_each_other(graph, *combination[i], *combination[j])) return true;
  return false;
}

bool of_several_runs(const std::vector<const Witness*>& combination) {
  return std::any_of(combination.begin(), combination.end(), [&](const Witness* w) { return w->run != combination.front()->run; });
}

// A cycle of the source alone is judged where its contexts are known (source/graph_output.cpp).
bool some_observed(const std::vector<const Witness*>& combination) {
  return std::any_of(combination.begin(), combination.end(), [](const Witness* w) { return w->origin != engine::Origin::kStatic; });
}

// The first combination of one witness per step that takes in several runs and that no common lock excludes; empty if
// there is none.
std::vector<const Witness*> combine(const Graph& graph, const Cycle& cycle) {
  std::vector<std::vector<const Witness*>> choices;
  for (const CycleStep& step : cycle) {
    std::vector<const Witness*>& fitting = choices.emplace_back();
    for (const Witness& w : graph.dependencies[step.dependency].witnesses)
      if (step.fits(w)) fitting.push_back(&w);
    if (fitting.empty()) return {};
    // What was seen counts more than what the source says.
    std::stable_partition(fitting.begin(), fitting.end(), [](const Witness* w) { return w->origin != engine::Origin::kStatic; });
  }
  std::vector<std::size_t> at(cycle.size(), 0);
  for (unsigned tried = 0; tried < kCombinations; ++tried) {
    std::vector<const Witness*> combination;
    for (std::size_t i = 0; i < at.size(); ++i) combination.push_back(choices[i][at[i]]);
    if (of_several_runs(combination) && some_observed(combination) && !some_exclude_each_other(graph, combination)) return combination;
    std::size_t digit = 0;
    while (digit < at.size() && ++at[digit] == choices[digit].size()) at[digit++] = 0;
    if (digit == at.size()) return {};
  }
  return {};
}

}  // namespace

std::vector<Cycle> cycles_of(const Graph& graph) {
  std::vector<Cycle> out;
  for (auto& [id, cycle] : find_cycles(graph)) out.push_back(std::move(cycle));
  return out;
}

Finding cycle_finding(const Graph& graph, const Cycle& cycle, const std::vector<const Witness*>& combination) {
  Finding f;
  f.check = engine::Check::kLockOrderCycle;
  for (std::size_t i = 0; i < cycle.size(); ++i) {
    const Dependency& d = graph.dependencies[cycle[i].dependency];
    f.links.push_back({d.from, d.to, *combination[i]});
    f.classes.push_back(d.to);
    if (engine::is_crosslock(graph.classes[d.from].kind)) f.check = engine::Check::kCrossReleaseCycle;
  }
  const Witness& closing = f.links.front().witness;
  f.run = closing.run;
  f.context = closing.context;
  f.instance = closing.to;
  f.mode = closing.to_mode;
  f.site = closing.to_site;
  f.stack = closing.to_stack;
  f.held = closing.held;
  f.id = make_finding_id(graph, f);
  return f;
}

namespace {

Finding make_finding(const Graph& graph, const Cycle& cycle, const std::vector<const Witness*>& combination) {
  Finding f = cycle_finding(graph, cycle, combination);
  f.from_union = true;
  f.verdict = engine::Verdict::kPossible;
  f.reason_code = kRunsDiffer;
  f.reason = runs_differ_sentence(graph, f);
  if (std::any_of(combination.begin(), combination.end(), [](const Witness* w) { return w->origin == engine::Origin::kStatic; })) {
    f.reason_code = kHalfObserved;
    f.reason = half_observed_sentence(graph, f);
  }
  return f;
}

// The source has all of the cycle, and knows why its contexts do not meet: a run that shows part of it tells nothing new.
bool excused_by_source(const Graph& graph, const Finding& known, const Finding& found) {
  if (found.reason_code != kHalfObserved || known.verdict >= found.verdict || !known.reason_code.starts_with(kSourcePrefix)) return false;
  return std::all_of(found.links.begin(), found.links.end(), [&](const Link& link) {
    return std::any_of(graph.dependencies.begin(), graph.dependencies.end(),
                       [&](const Dependency& d) { return d.from == link.from && d.to == link.to && in_source(d); });
  });
}

void add_or_raise(Graph& graph, Finding found) {
  const auto known = std::find_if(graph.findings.begin(), graph.findings.end(), [&](const Finding& f) { return f.id == found.id; });
  if (known == graph.findings.end()) {
    graph.findings.push_back(std::move(found));
  } else if (!excused_by_source(graph, *known, found) && (known->verdict < found.verdict || (known->verdict == found.verdict && source_rank(found) < source_rank(*known)))) {
    known->run_verdict = std::exchange(known->verdict, found.verdict);
    known->run_reason_code = std::exchange(known->reason_code, found.reason_code);
    known->run_reason = std::exchange(known->reason, found.reason);
  }
}

}  // namespace

void add_union_findings(Graph& graph) {
  if (graph.runs.size() < 2) return;
  std::vector<Finding> found;
  for (const auto& [id, cycle] : find_cycles(graph)) {
    const std::vector<const Witness*> combination = combine(graph, cycle);
    if (!combination.empty()) found.push_back(make_finding(graph, cycle, combination));
  }
  for (Finding& f : found) add_or_raise(graph, std::move(f));
}

}  // namespace crossdep::reports
