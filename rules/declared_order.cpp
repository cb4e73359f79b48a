// SPDX-License-Identifier: MIT
//
// See declared_order.h. For each class of an order a breadth-first search looks for the shortest way back to it from the
// classes that come after it, over observed dependencies that violate no order themselves and over what orders declare;
// states are (class, how it was reached), as in engine/cycles.h: a recursive reader does not wait for a reader.
//
// Threading: pure functions.  Allocation: the heap.
#include "rules/declared_order.h"

#include <algorithm>
#include <map>
#include <queue>
#include <set>

#include "reports/finding_id.h"
#include "reports/format.h"
#include "rules/evaluate.h"

namespace crossdep::rules {

using engine::Mode;
using engine::Origin;
using reports::Dependency;
using reports::DependencyMode;
using reports::Finding;
using reports::Graph;
using reports::Index;
using reports::kNoIndex;
using reports::Link;
using reports::Witness;

std::vector<int> positions_of(const OrderRule& rule, const Graph& graph) {
  std::vector<int> out(graph.classes.size(), -1);
  for (Index c = 0; c < graph.classes.size(); ++c) {
    if (graph.classes[c].kind == engine::Kind::kOperation) continue;
    const std::string& name = graph.classes[c].name;
    for (std::size_t i = 0; i < rule.classes.size() && out[c] < 0; ++i)
      if (std::find(rule.classes[i].begin(), rule.classes[i].end(), name) != rule.classes[i].end()) out[c] = static_cast<int>(i);
    for (std::size_t i = 0; i < rule.classes.size() && out[c] < 0; ++i)
      if (fits_any(rule.classes[i], name)) out[c] = static_cast<int>(i);
    // Last, so that a rule for one of several of a name keeps it.
    for (std::size_t i = 0; i < rule.classes.size() && out[c] < 0; ++i)
      if (fits_class(rule.classes[i], name)) out[c] = static_cast<int>(i);
  }
  return out;
}

namespace {

bool observed(const Dependency& d) {
  return std::any_of(d.modes.begin(), d.modes.end(), [](const DependencyMode& mode) { return mode.origin != Origin::kDeclared; });
}

std::string by(const OrderRule& rule) { return " (" + rule.place + (rule.reason.empty() ? "" : ": " + rule.reason) + ")"; }

// An edge of the search: an observed dependency, or what a rule declares (dependency == kNoIndex).
struct Edge {
  Index to;
  Index dependency;
  const OrderRule* rule;
};

class Orders {
 public:
  Orders(const std::vector<OrderRule>& rules, Graph& graph) : rules_(rules), graph_(graph), out_(graph.classes.size()) {}

  void judge() {
    for (const OrderRule& rule : rules_) positions_.push_back(positions_of(rule, graph_));
    std::vector<Finding> found;
    for (Index i = 0; i < graph_.dependencies.size(); ++i) {
      const Dependency& d = graph_.dependencies[i];
      if (!observed(d)) continue;
      const OrderRule* violated = rule_against(d.from, d.to);
      if (violated == nullptr) out_[d.from].push_back({d.to, i, nullptr});
      else found.push_back(direct(d, *violated));
    }
    for (std::size_t r = 0; r < rules_.size(); ++r) declare(rules_[r], positions_[r]);
    for (std::size_t r = 0; r < rules_.size(); ++r)
      for (Index c = 0; c < graph_.classes.size(); ++c)
        if (positions_[r][c] >= 0) search(r, c, found);
    for (Finding& f : found) {
      f.id = reports::make_finding_id(graph_, f);
      graph_.findings.push_back(std::move(f));
    }
    for (const auto& [from, to] : declared_) {
      Dependency& d = graph_.dependencies.emplace_back();
      d.from = from;
      d.to = to;
      d.modes = {{Origin::kDeclared, Mode::kWrite, Mode::kWrite, false}};
    }
  }

 private:
  const OrderRule* rule_against(Index from, Index to) const {
    for (std::size_t r = 0; r < rules_.size(); ++r) {
      const int held = positions_[r][from], wanted = positions_[r][to];
      if (held >= 0 && wanted >= 0 && wanted < held) return &rules_[r];
    }
    return nullptr;
  }

  // From each position to the next one that any class has.
  void declare(const OrderRule& rule, const std::vector<int>& positions) {
    std::map<int, std::vector<Index>> at;
    for (Index c = 0; c < positions.size(); ++c)
      if (positions[c] >= 0) at[positions[c]].push_back(c);
    for (auto here = at.begin(); here != at.end(); ++here) {
      const auto next = std::next(here);
      if (next == at.end()) return;
      for (const Index from : here->second)
        for (const Index to : next->second) {
          out_[from].push_back({to, kNoIndex, &rule});
          declared_.insert({from, to});
        }
    }
  }

  static Witness declared_witness() {
    Witness w;
    w.origin = Origin::kDeclared;
    return w;
  }

  // The witness that says most: held before waited for.
  static Witness best_witness(const Dependency& d) {
    for (const Origin origin : {Origin::kHeld, Origin::kOverlap, Origin::kHistory, Origin::kStatic})
      for (const Witness& w : d.witnesses)
        if (w.origin == origin) return w;
    Witness none;
    for (const DependencyMode& mode : d.modes)
      if (mode.origin != Origin::kDeclared) none.origin = mode.origin;
    return none;
  }

  void closing(Finding& f, const Link& link) const {
    const Witness& w = link.witness;
    f.run = w.run;
    f.context = w.context;
    f.instance = w.to;
    f.mode = w.to_mode;
    f.site = w.to_site;
    f.stack = w.to_stack;
    f.other = w.from;
    f.held = w.held;
  }

  Finding direct(const Dependency& d, const OrderRule& rule) const {
    Finding f;
    f.check = engine::Check::kDeclaredOrder;
    const Witness w = best_witness(d);
    f.verdict = w.origin == Origin::kHeld ? engine::Verdict::kConfirmed : engine::Verdict::kPossible;
    f.reason_code = w.origin == Origin::kHeld ? "observed" : "declared";
    f.links = {{d.from, d.to, w}, {d.to, d.from, declared_witness()}};
    f.classes = {d.to, d.from};
    closing(f, f.links.front());
    f.other_stack = w.origin == Origin::kHeld ? acquisition_of(graph_, d.from, w) : kNoIndex;
    const std::string who = w.context == kNoIndex ? "a context" : reports::context_name(graph_, w.context);
    const std::string from = graph_.classes[d.from].name, to = graph_.classes[d.to].name;
    f.reason = who + (engine::is_crosslock(graph_.classes[d.from].kind) ? " requested " + to + " before it released " + from
                                                                         : " requested " + to + " while it held " + from) +
               ", but " + to + " comes first" + by(rule);
    return f;
  }

  // The modes in which a step can be gone: reached recursively only exclusive holders block.
  bool passes(const Edge& edge, bool reached_recursively, bool& recursive) const {
    recursive = false;
    if (edge.dependency == kNoIndex) return true;
    bool any = false, normal = false;
    for (const DependencyMode& mode : graph_.dependencies[edge.dependency].modes) {
      if (mode.origin == Origin::kDeclared || (reached_recursively && mode.from_mode != Mode::kWrite)) continue;
      any = true;
      normal = normal || mode.to_mode != Mode::kRecursiveRead;
    }
    recursive = any && !normal;
    return any;
  }

  // From the classes after `target` in the order back to it.
  void search(std::size_t r, Index target, std::vector<Finding>& found) {
    struct Step { int parent; Index at; Edge by; };
    std::vector<Step> steps;
    std::vector<std::uint8_t> seen(graph_.classes.size(), 0);   // 1: recursively, 3: normally
    std::queue<std::size_t> todo;
    const auto enter = [&](Index c, bool recursive, int parent, const Edge& by) {
      const std::uint8_t mark = recursive ? 1 : 3;
      if ((seen[c] & mark) == mark) return;
      seen[c] |= mark;
      todo.push(steps.size());
      steps.push_back({recursive ? -parent - 2 : parent, c, by});   // negative below -1: reached recursively
    };
    for (Index c = 0; c < positions_[r].size(); ++c)
      if (positions_[r][c] > positions_[r][target]) enter(c, false, -1, {});
    while (!todo.empty()) {
      const std::size_t at = todo.front();
      todo.pop();
      const bool recursive_here = steps[at].parent < -1;
      for (const Edge& edge : out_[steps[at].at]) {
        bool recursive = false;
        if (!passes(edge, recursive_here, recursive)) continue;
        if (edge.to != target) {
          enter(edge.to, recursive, static_cast<int>(at), edge);
          continue;
        }
        std::vector<std::pair<Index, Edge>> way = {{steps[at].at, edge}};   // from, edge
        for (int i = static_cast<int>(at); i >= 0;) {
          const Step& step = steps[static_cast<std::size_t>(i)];
          const int parent = step.parent < -1 ? -step.parent - 2 : step.parent;
          if (parent < 0) break;
          way.push_back({steps[static_cast<std::size_t>(parent)].at, step.by});
          i = parent;
        }
        std::reverse(way.begin(), way.end());
        circle(rules_[r], target, way, found);
        return;
      }
    }
  }

  void circle(const OrderRule& rule, Index first, const std::vector<std::pair<Index, Edge>>& way, std::vector<Finding>& found) {
    if (std::all_of(way.begin(), way.end(), [](const auto& step) { return step.second.dependency == kNoIndex; })) return;
    std::vector<Link> links = {{first, way.front().first, declared_witness()}};
    for (const auto& [from, edge] : way)
      links.push_back({from, edge.to, edge.dependency == kNoIndex ? declared_witness() : best_witness(graph_.dependencies[edge.dependency])});
    // An observed link closes it: there is something to show of it.
    auto closing_link = std::find_if(links.begin(), links.end(), [](const Link& l) { return l.witness.origin != Origin::kDeclared; });
    std::rotate(links.begin(), closing_link, links.end());
    Finding f;
    f.check = engine::Check::kDeclaredOrder;
    f.verdict = engine::Verdict::kPossible;
    f.reason_code = "declared";
    for (const Link& link : links) f.classes.push_back(link.to);
    f.links = std::move(links);
    closing(f, f.links.front());
    f.reason = "what was seen leads from " + graph_.classes[way.front().first].name + " to " + graph_.classes[first].name +
               ", but " + graph_.classes[first].name + " comes first" + by(rule);
    std::set<Index> members(f.classes.begin(), f.classes.end());
    if (circles_.insert(members).second) found.push_back(std::move(f));
  }

  const std::vector<OrderRule>& rules_;
  Graph& graph_;
  std::vector<std::vector<int>> positions_;
  std::vector<std::vector<Edge>> out_;
  std::set<std::pair<Index, Index>> declared_;
  std::set<std::set<Index>> circles_;   // reported, by their classes
};

}  // namespace

void forget_declared(Graph& graph) {
  for (Dependency& d : graph.dependencies)
    std::erase_if(d.modes, [](const DependencyMode& mode) { return mode.origin == Origin::kDeclared; });
  std::erase_if(graph.dependencies, [](const Dependency& d) { return d.modes.empty() && d.witnesses.empty(); });
}

std::vector<OrderRule> orders_of_source(const Graph& graph) {
  std::vector<OrderRule> out;
  for (const Dependency& d : graph.dependencies)
    for (const Witness& w : d.witnesses) {
      if (w.origin != Origin::kDeclared || w.to_site == kNoIndex) continue;
      OrderRule& rule = out.emplace_back();
      rule.place = reports::short_place(graph, w.to_site);
      rule.reason = "declared there";
      rule.classes = {{"^" + graph.classes[d.from].name + "$"}, {"^" + graph.classes[d.to].name + "$"}};
      break;
    }
  return out;
}

void judge_orders(const std::vector<OrderRule>& rules, Graph& graph) {
  if (!rules.empty()) Orders(rules, graph).judge();
}

}  // namespace crossdep::rules
