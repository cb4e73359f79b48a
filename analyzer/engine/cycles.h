// SPDX-License-Identifier: MIT
//
// The typed cycle search: a closed walk of dependencies every step of which can block (a strong path).
//
// A context that waits as a recursive reader (*R) is not blocked by one that holds as a reader (S*): X -(*R)-> Y -(S*)-> Z
// is no strong path. The search therefore goes over states (class, how it was reached), breadth first: from (Y, reached
// as R) only exclusive holdings go on. lockdep marks classes, not states, and so loses a path that reaches a class weakly
// first and strongly later.
//
// Source: Boqun Feng, "lockdep: Support deadlock detection for recursive read locks" (Linux 5.10), and its BFS on
// strong dependency paths; the states are ours.
// Complexity: O(states + dependencies) of one component, at most `budget` states.  No recursion.
// Threading: serialised by the engine.
#pragma once

#include "engine/graph.h"

namespace crossdep::engine {

class CycleSearch {
 public:
  CycleSearch(Allocator& memory, const Graph& graph) noexcept
      : graph_(&graph), states_(memory), queue_(memory), path_(memory), on_path_(memory) {}

  enum class Found : std::uint8_t { kNone, kCycle, kBudget, kNoMemory };

  /// The shortest strong cycle that begins with `closing` seen in the mode combination `mode`; its dependencies, closing
  /// first, are in path() afterwards.
  Found shortest(DependencyId closing, std::uint8_t mode, std::uint64_t budget) noexcept;

  /// Every simple strong cycle through `closing`, shortest lengths first, up to `max_length` dependencies: visit(path)
  /// returns false to stop. At most `budget` steps.
  template <class Visit>
  Found enumerate(DependencyId closing, std::uint8_t mode, unsigned max_length, std::uint64_t budget, Visit&& visit) noexcept;

  const Vec<DependencyId>& path() const noexcept { return path_; }

  /// True if a walk that reached a class in the combinations `arrived` can go on by one of `leaving`, where a bit of
  /// each counts; the first such leaving combinations are those returned.
  static std::uint8_t strong(bool reached_recursively, std::uint8_t leaving) noexcept {
    constexpr std::uint8_t kExclusive = mode_bit(false, false) | mode_bit(false, true);
    return reached_recursively ? static_cast<std::uint8_t>(leaving & kExclusive) : leaving;
  }
  static constexpr std::uint8_t kNormal = mode_bit(false, false) | mode_bit(true, false);
  static constexpr std::uint8_t kRecursive = mode_bit(false, true) | mode_bit(true, true);

 private:
  struct State {
    std::uint32_t stamp;
    std::uint32_t parent;       // state
    DependencyId by;
  };
  bool prepare() noexcept;

  const Graph* graph_;
  Vec<State> states_;           // 2 per class: reached normally, reached recursively
  Vec<std::uint32_t> queue_;
  Vec<DependencyId> path_;
  Vec<std::uint32_t> on_path_;  // per class: stamp
  std::uint32_t stamp_ = 0;
};

template <class Visit>
CycleSearch::Found CycleSearch::enumerate(DependencyId closing, std::uint8_t mode, unsigned max_length,
                                          std::uint64_t budget, Visit&& visit) noexcept {
  const OrderGraph& order = graph_->order();
  const Dependency& last = graph_->dependency(closing);
  const bool closing_shared = (mode & (mode_bit(true, false) | mode_bit(true, true))) != 0;
  struct Step {
    DependencyId edge;        // next to try from here
    bool recursive;           // how this class was reached
  };
  constexpr unsigned kDeepest = 16;
  Step steps[kDeepest];
  if (max_length > kDeepest) max_length = kDeepest;
  if (!prepare()) return Found::kNoMemory;
  for (unsigned length = 2; length <= max_length; ++length) {  // iterative deepening: exactly `length` dependencies
    path_.clear();
    if (!path_.push(closing)) return Found::kNoMemory;
    ++stamp_;
    on_path_[last.to] = stamp_;
    unsigned depth = 0;
    steps[0] = {order.first_out(last.to), (mode & kRecursive) != 0};
    for (;;) {
      Step& step = steps[depth];
      if (step.edge == kNone) {
        if (depth == 0) break;
        on_path_[graph_->dependency(path_.back()).to] = 0;
        path_.pop();
        --depth;
        continue;
      }
      const DependencyId edge = step.edge;
      step.edge = order.next_out(edge);
      if (budget-- == 0) return Found::kBudget;
      const Dependency& next = graph_->dependency(edge);
      const std::uint8_t usable = strong(step.recursive, next.modes);
      if (usable == 0 || !order.same_component(next.to, last.to)) continue;
      const bool normal = (usable & kNormal) != 0;
      if (next.to == last.from) {
        if (depth + 2 != length || (!normal && closing_shared)) continue;
        if (!path_.push(edge)) return Found::kNoMemory;
        if (!visit(path_)) return Found::kCycle;
        path_.pop();
        continue;
      }
      if (depth + 2 >= length || on_path_[next.to] == stamp_) continue;
      if (!path_.push(edge)) return Found::kNoMemory;
      on_path_[next.to] = stamp_;
      steps[++depth] = {order.first_out(next.to), !normal};
    }
  }
  return Found::kNone;
}

}  // namespace crossdep::engine
