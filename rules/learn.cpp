// SPDX-License-Identifier: MIT
//
// See learn.h. Strongly connected components by Tarjan's algorithm (1972), written without recursion; the level of a
// component is the length of the longest way to it, so one order with all levels in it declares every observed pair. What
// is waited for has its place on these ways, or a level would promise an order that a wait turns round; but only locks are
// written down: they are what people keep an order of. A class without any dependency is not in it.
//
// Threading: pure function.  Allocation: the heap.
#include "rules/learn.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "reports/format.h"

namespace crossdep::rules {
namespace {

using reports::Dependency;
using reports::Graph;
using reports::Index;

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// What a pattern takes for special is not in names, but for these two at the ends and the star: a name is tied to both.
std::string exactly(const std::string& name) { return quoted("^" + name + "$"); }

// Operations are no locks, interrupts take none.
bool counts(const Graph& graph, const Dependency& d) {
  const auto has_place = [&](Index c) {
    const engine::Kind kind = graph.classes[c].kind;
    return kind != engine::Kind::kInterrupt && kind != engine::Kind::kOperation;
  };
  const auto seen = [](const reports::DependencyMode& mode) { return mode.origin != engine::Origin::kDeclared; };
  return has_place(d.from) && has_place(d.to) && std::any_of(d.modes.begin(), d.modes.end(), seen);
}

class Components {
 public:
  explicit Components(const std::vector<std::vector<Index>>& out) : out_(out), number_(out.size(), 0), low_(out.size(), 0), of_(out.size(), -1) {
    for (Index c = 0; c < out.size(); ++c)
      if (number_[c] == 0) visit(c);
  }
  /// Numbered so that a component comes after all that it leads to.
  int of(Index c) const { return of_[c]; }
  int count() const { return count_; }

 private:
  void visit(Index root) {
    struct Frame { Index at; std::size_t next; };
    std::vector<Frame> frames = {{root, 0}};
    enter(root);
    while (!frames.empty()) {
      Frame& frame = frames.back();
      if (frame.next < out_[frame.at].size()) {
        const Index to = out_[frame.at][frame.next++];
        if (number_[to] == 0) {
          enter(to);
          frames.push_back({to, 0});
        } else if (of_[to] < 0) {
          low_[frame.at] = std::min(low_[frame.at], number_[to]);
        }
        continue;
      }
      const Index done = frame.at;
      frames.pop_back();
      if (!frames.empty()) low_[frames.back().at] = std::min(low_[frames.back().at], low_[done]);
      if (low_[done] != number_[done]) continue;
      for (Index member = done + 1; member != done;) {
        member = stack_.back();
        stack_.pop_back();
        of_[member] = count_;
      }
      ++count_;
    }
  }
  void enter(Index c) {
    number_[c] = low_[c] = ++last_;
    stack_.push_back(c);
  }

  const std::vector<std::vector<Index>>& out_;
  std::vector<unsigned> number_, low_;
  std::vector<int> of_;
  std::vector<Index> stack_;
  unsigned last_ = 0;
  int count_ = 0;
};

std::string comment(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ') c = '?';
  return "    // " + text + "\n";
}

}  // namespace

std::string learn(const Graph& graph, const std::string& source) {
  std::vector<std::vector<Index>> out(graph.classes.size());
  std::vector<bool> used(graph.classes.size(), false);
  for (const Dependency& d : graph.dependencies) {
    if (!counts(graph, d)) continue;
    out[d.from].push_back(d.to);
    used[d.from] = used[d.to] = true;
  }
  const Components components(out);
  const auto count = static_cast<std::size_t>(components.count());
  std::vector<std::vector<Index>> members(count);
  for (Index c = 0; c < graph.classes.size(); ++c)
    if (used[c]) members[static_cast<std::size_t>(components.of(c))].push_back(c);
  std::vector<unsigned> level(count, 0);
  for (std::size_t i = count; i-- > 0;)   // sources first
    for (const Index c : members[i])
      for (const Index to : out[c]) {
        const auto other = static_cast<std::size_t>(components.of(to));
        if (other != i) level[other] = std::max(level[other], level[i] + 1);
      }
  std::map<unsigned, std::vector<std::string>> names;
  std::string circles;
  for (std::size_t i = 0; i < count; ++i) {
    std::string circle;
    for (const Index c : members[i]) {
      if (!engine::is_crosslock(graph.classes[c].kind)) names[level[i]].push_back(graph.classes[c].name);
      circle += (circle.empty() ? "" : ", ") + graph.classes[c].name;
    }
    if (members[i].size() > 1) circles += comment("in a circle, so no order among them is declared: " + circle);
  }

  std::string text = "// The order in which locks were taken, learnt from " + source + ". To be reviewed: what was seen is not\n"
                     "// yet what is meant. Level 0 is taken first; a lock may be taken while locks of lower levels are held.\n{\n"
                     "  \"schema\": 1,\n  \"description\": " + quoted("lock hierarchy learnt from " + source) + ",\n  \"order\": [\n";
  text += circles;
  if (names.size() > 1) {
    text += "    { \"classes\": [\n";
    std::size_t left = names.size(), number = 0;
    for (auto& [length, list] : names) {
      std::sort(list.begin(), list.end());
      text += "      // level " + std::to_string(number++) + "\n      [";
      for (std::size_t i = 0; i < list.size(); ++i) text += (i == 0 ? "" : ",\n       ") + exactly(list[i]);
      text += --left == 0 ? "]\n" : "],\n";
    }
    text += "    ] }\n";
  }
  return text + "  ]\n}\n";
}

}  // namespace crossdep::rules
