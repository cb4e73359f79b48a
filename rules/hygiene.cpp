// SPDX-License-Identifier: MIT
//
// See hygiene.h. Orders contradict each other where the steps that they declare lead in a circle: found by a depth-first
// search over classes, each step remembering its rule.
//
// Threading: pure function.  Allocation: the heap.
#include "rules/hygiene.h"

#include <algorithm>
#include <map>

#include "rules/evaluate.h"

namespace crossdep::rules {
namespace {

using reports::Graph;
using reports::Index;

class Hygiene {
 public:
  Hygiene(const RuleSet& rules, const Graph& graph) : rules_(rules), graph_(graph) {}

  std::vector<std::string> look() {
    for (const OrderRule& rule : rules_.orders) order(rule);
    for (const LeafRule& rule : rules_.leaves) classes(rule, rule.classes), classes(rule, rule.except);
    for (const ForbidRule& rule : rules_.forbids) classes(rule, rule.under), classes(rule, rule.except);
    for (const RequireRule& rule : rules_.requires_lock) classes(rule, rule.locks);
    for (const NoLockRule& rule : rules_.no_lock) classes(rule, rule.except);
    for (const MaxHoldRule& rule : rules_.max_holds) classes(rule, rule.classes), classes(rule, rule.except);
    for (const NestingRule& rule : rules_.nestings) classes(rule, rule.classes);
    for (const WaitRule& rule : rules_.waits) classes(rule, rule.classes);
    contradiction();
    return std::move(out_);
  }

 private:
  void tell(std::string line) {
    if (std::find(out_.begin(), out_.end(), line) == out_.end()) out_.push_back(std::move(line));
  }

  bool is_lock(Index c) const { return graph_.classes[c].kind != engine::Kind::kOperation; }

  bool fits_some(const std::string& pattern) const {
    for (Index c = 0; c < graph_.classes.size(); ++c)
      if (is_lock(c) && fits_class({pattern}, graph_.classes[c].name)) return true;
    return false;
  }

  void classes(const Source& rule, const Patterns& patterns) {
    for (const std::string& pattern : patterns)
      if (!fits_some(pattern)) tell(rule.place + ": '" + pattern + "' fits no lock class");
  }

  void order(const OrderRule& rule) {
    for (const Patterns& position : rule.classes) classes(rule, position);
    const std::vector<int> positions = positions_of(rule, graph_);
    for (std::size_t i = 0; i < rule.classes.size(); ++i)
      for (const std::string& pattern : rule.classes[i])
        if (fits_some(pattern) && !has_any(positions, static_cast<int>(i), pattern))
          tell(rule.place + ": '" + pattern + "' fits only classes that stand elsewhere in this order");
    std::map<int, std::vector<Index>> at;
    for (Index c = 0; c < positions.size(); ++c)
      if (positions[c] >= 0) at[positions[c]].push_back(c);
    for (auto here = at.begin(); here != at.end() && std::next(here) != at.end(); ++here)
      for (const Index from : here->second)
        for (const Index to : std::next(here)->second) steps_[from].push_back({to, &rule});
  }

  bool has_any(const std::vector<int>& positions, int position, const std::string& pattern) const {
    for (Index c = 0; c < positions.size(); ++c)
      if (positions[c] == position && fits_class({pattern}, graph_.classes[c].name)) return true;
    return false;
  }

  struct Step {
    Index to;
    const OrderRule* rule;
  };

  // The first circle is told; it is to be mended before others mean much.
  void contradiction() {
    std::vector<std::uint8_t> state(graph_.classes.size(), 0);   // 1: on the way, 2: done
    for (Index root = 0; root < graph_.classes.size(); ++root) {
      if (state[root] != 0) continue;
      struct Frame { Index at; std::size_t next; const OrderRule* by; };
      std::vector<Frame> way = {{root, 0, nullptr}};
      state[root] = 1;
      while (!way.empty()) {
        Frame& frame = way.back();
        if (frame.next == steps_[frame.at].size()) {
          state[frame.at] = 2;
          way.pop_back();
          continue;
        }
        const Step step = steps_[frame.at][frame.next++];
        if (state[step.to] == 1) {
          const auto begin = std::find_if(way.begin(), way.end(), [&](const Frame& f) { return f.at == step.to; });
          std::vector<std::pair<const OrderRule*, std::string>> steps;
          for (auto at = begin; at != way.end(); ++at) {
            const bool last = std::next(at) == way.end();
            const OrderRule* by = last ? step.rule : std::next(at)->by;
            steps.emplace_back(by, graph_.classes[at->at].name + " before " + graph_.classes[last ? step.to : std::next(at)->at].name + " (" + by->place + ")");
          }
          // As the rules stand in the file.
          std::rotate(steps.begin(), std::min_element(steps.begin(), steps.end(), [](const auto& x, const auto& y) { return x.first < y.first; }), steps.end());
          std::string line;
          for (const auto& [by, text] : steps) line += (line.empty() ? "" : ", ") + text;
          return tell("orders contradict each other: " + line);
        }
        if (state[step.to] != 0) continue;
        state[step.to] = 1;
        way.push_back({step.to, 0, step.rule});
      }
    }
  }

  const RuleSet& rules_;
  const Graph& graph_;
  std::map<Index, std::vector<Step>> steps_;
  std::vector<std::string> out_;
};

}  // namespace

std::vector<std::string> idle_rules(const RuleSet& rules, const Graph& graph) { return Hygiene(rules, graph).look(); }

}  // namespace crossdep::rules
