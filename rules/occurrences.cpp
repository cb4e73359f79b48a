// SPDX-License-Identifier: MIT
//
// Operations in a graph. A named one is the far end of a dependency (engine/operations.cpp). A call is seen in the stack
// of any request made inside it; which of the locks held there were taken before the call is told by where they were
// taken: in a function that is still active outside the call, or inside it.
//
// Threading: pure functions.  Allocation: the heap.
#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "rules/evaluate.h"
#include "rules/needs.h"
#include "rules/pattern.h"

namespace crossdep::rules {
namespace {

using reports::Dependency;
using reports::Graph;
using reports::Held;
using reports::Index;
using reports::kNoIndex;
using reports::Stack;
using reports::Witness;

constexpr std::string_view kPrefix = "(op)";

bool is_operation(const Graph& graph, Index class_index) { return graph.classes[class_index].kind == engine::Kind::kOperation; }

// Where locks were acquired, by class and place: the stacks of requests there.
class Acquisitions {
 public:
  explicit Acquisitions(const Graph& graph) {
    for (const Dependency& d : graph.dependencies)
      for (const Witness& w : d.witnesses) {
        if (w.to_site != kNoIndex && w.to_stack != kNoIndex && !is_operation(graph, d.to)) add(d.to, w.to_site, w, w.to_stack);
        if (w.from_site != kNoIndex && w.wait_stack != kNoIndex && is_operation(graph, d.to)) add(d.from, w.from_site, w, w.wait_stack);
      }
  }
  // One by this context if there is one, else any.
  Index stack_of(const Held& held, Index context) const {
    const auto at = known_.find({held.class_index, held.site});
    if (at == known_.end()) return kNoIndex;
    for (const auto& [who, stack] : at->second)
      if (who == context) return stack;
    return at->second.front().second;
  }

 private:
  void add(Index class_index, Index site, const Witness& w, Index stack) {
    known_[{class_index, site}].emplace_back(w.context, stack);
  }
  std::map<std::pair<Index, Index>, std::vector<std::pair<Index, Index>>> known_;
};

class Finder {
 public:
  Finder(const Performed& performed, Graph& graph) : performed_(performed), graph_(graph), acquisitions_(graph) {}

  std::vector<Occurrence> find() {
    for (const Dependency& d : graph_.dependencies) {
      if (is_operation(graph_, d.to)) named(d);
      if (!performed_.calls.empty())
        for (const Witness& w : d.witnesses) called(d, w);
    }
    return std::move(found_);
  }

 private:
  void named(const Dependency& d) {
    std::string name = graph_.classes[d.to].base;
    if (name.starts_with(kPrefix)) name.erase(0, kPrefix.size());
    // How long a lock was held is told as an operation, but only those who ask for just that mean it.
    const bool held = name.starts_with(kHeldOperation);
    const auto asked = [&](const std::string& p) { return is(p, name) && p.starts_with(kHeldOperation) == held; };
    const bool operation = std::any_of(performed_.operations.begin(), performed_.operations.end(), asked);
    const bool call = std::any_of(performed_.calls.begin(), performed_.calls.end(), [&](const std::string& p) { return is_function(p, name); });
    for (const Witness& w : d.witnesses) {
      // A source analysis knows every call by its name, whatever happens inside it.
      if (!operation && !(call && w.origin == engine::Origin::kStatic)) continue;
      Occurrence o = begin(w, name);
      o.site = w.to_site;
      o.stack = w.to_stack != kNoIndex ? w.to_stack : w.to_site;
      for (const Held& held : w.held)
        if (!held.pseudo) add_held(o, held);
      add(std::move(o));
    }
  }

  // The outermost frame of a call that is asked for.
  void called(const Dependency& d, const Witness& w) {
    if (w.to_stack == kNoIndex || w.origin == engine::Origin::kStatic) return;
    const Stack stack = graph_.stacks[w.to_stack];
    for (std::size_t i = stack.size(); i-- > 0;) {
      const std::string& function = graph_.frames[stack[i]].function;
      if (function.empty()) continue;
      if (std::none_of(performed_.calls.begin(), performed_.calls.end(), [&](const std::string& p) { return is_function(p, function); })) continue;
      Occurrence o = begin(w, function.substr(0, function.find('(', 1)));
      // What is held is witnessed by the dependency itself where the recording kept no held stack.
      std::vector<Held> held = w.held;
      if (held.empty() && w.origin == engine::Origin::kHeld) held.push_back({w.from, d.from, w.from_mode, 0, false, w.from_site});
      for (const Held& h : held) {
        if (h.pseudo) continue;
        switch (taken(h, w.context, stack, i)) {
          case Taken::kBefore: add_held(o, h); break;
          case Taken::kInside: break;
          case Taken::kUnknown:
            add_held(o, h);
            o.certain = false;
            break;
        }
      }
      Stack outside(stack.begin() + static_cast<std::ptrdiff_t>(i) + 1, stack.end());
      if (outside.empty()) outside = stack;   // the recording's stacks end there
      o.stack = stack_index(outside);
      o.site = stack_index({outside.front()});
      add(std::move(o));
      return;
    }
  }

  enum class Taken { kBefore, kInside, kUnknown };
  Taken taken(const Held& held, Index context, const Stack& stack, std::size_t call) const {
    if (held.site != kNoIndex) {
      const Stack& site = graph_.stacks[held.site];
      const std::string& function = graph_.frames[site.back()].function;   // not the inlined ones in it
      for (std::size_t i = stack.size(); i-- > 0 && !function.empty();)
        if (graph_.frames[stack[i]].function == function) return i > call ? Taken::kBefore : Taken::kInside;
    }
    const Index acquired = acquisitions_.stack_of(held, context);
    if (acquired == kNoIndex) return Taken::kUnknown;
    const std::string& name = graph_.frames[stack[call]].function;
    for (const Index frame : graph_.stacks[acquired])
      if (graph_.frames[frame].function == name) return Taken::kInside;
    return Taken::kBefore;
  }

  static Occurrence begin(const Witness& w, std::string operation) {
    Occurrence o;
    o.run = w.run;
    o.context = w.context;
    o.operation = std::move(operation);
    o.source = w.origin == engine::Origin::kStatic;
    return o;
  }

  void add_held(Occurrence& o, const Held& held) {
    o.held.push_back(held);
    Index stack = acquisitions_.stack_of(held, o.context);
    if (stack == kNoIndex) stack = held.site;
    o.held_stacks.push_back(stack);
  }

  // A dependency per held lock, or per request made in a call: one occurrence.
  void add(Occurrence o) {
    const auto key = std::tuple(o.run, o.context, o.site, o.operation, o.held);
    if (known_.insert(key).second) found_.push_back(std::move(o));
  }

  Index stack_index(const Stack& wanted) {
    if (made_.empty())
      for (Index i = 0; i < graph_.stacks.size(); ++i) made_.try_emplace(graph_.stacks[i], i);
    const auto [at, fresh] = made_.try_emplace(wanted, static_cast<Index>(graph_.stacks.size()));
    if (fresh) graph_.stacks.push_back(wanted);
    return at->second;
  }

  const Performed& performed_;
  Graph& graph_;
  Acquisitions acquisitions_;
  std::map<Stack, Index> made_;
  std::set<std::tuple<Index, Index, Index, std::string, std::vector<Held>>> known_;
  std::vector<Occurrence> found_;
};

}  // namespace

std::vector<Occurrence> occurrences_of(const Performed& performed, Graph& graph) { return Finder(performed, graph).find(); }

}  // namespace crossdep::rules
