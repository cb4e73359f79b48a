// SPDX-License-Identifier: MIT
//
// Breadth-first search for the shortest strong cycle; see cycles.h.
#include "engine/cycles.h"

namespace crossdep::engine {

bool CycleSearch::prepare() noexcept {
  const std::uint32_t classes = graph_->class_count();
  return states_.resize(2 * classes) && on_path_.resize(classes);
}

CycleSearch::Found CycleSearch::shortest(DependencyId closing, std::uint8_t mode, std::uint64_t budget) noexcept {
  if (!prepare()) return Found::kNoMemory;
  const OrderGraph& order = graph_->order();
  const Dependency& last = graph_->dependency(closing);
  const bool closing_shared = (mode & (mode_bit(true, false) | mode_bit(true, true))) != 0;
  ++stamp_;
  queue_.clear();
  const auto enter = [&](ClassId to, bool recursive, std::uint32_t parent, DependencyId by) noexcept {
    const std::uint32_t state = 2 * to + (recursive ? 1 : 0);
    // What was reached normally can do all that what was reached recursively can.
    if (states_[2 * to].stamp == stamp_ || states_[state].stamp == stamp_) return true;
    states_[state] = {stamp_, parent, by};
    return queue_.push(state);
  };
  if (!enter(last.to, (mode & kRecursive) != 0, kNone, closing)) return Found::kNoMemory;
  for (std::uint32_t next = 0; next < queue_.size(); ++next) {
    if (budget-- == 0) return Found::kBudget;
    const std::uint32_t state = queue_[next];
    const ClassId here = state / 2;
    for (std::uint32_t e = order.first_out(here); e != kNone; e = order.next_out(e)) {
      const Dependency& dependency = graph_->dependency(e);
      const std::uint8_t usable = strong((state & 1) != 0, dependency.modes);
      if (usable == 0 || !order.same_component(dependency.to, last.to)) continue;
      const bool normal = (usable & kNormal) != 0;
      if (dependency.to == last.from && (normal || !closing_shared)) {
        path_.clear();
        std::uint32_t walk = state;
        if (!path_.push(e)) return Found::kNoMemory;
        while (states_[walk].parent != kNone) {
          if (!path_.push(states_[walk].by)) return Found::kNoMemory;
          walk = states_[walk].parent;
        }
        if (!path_.push(closing)) return Found::kNoMemory;
        for (std::uint32_t i = 0, j = path_.size() - 1; i < j; ++i, --j) {
          const DependencyId swap = path_[i];
          path_[i] = path_[j];
          path_[j] = swap;
        }
        return Found::kCycle;
      }
      if (dependency.to == last.from) continue;  // reached, but weakly: going on from there closes nothing shorter
      if (!enter(dependency.to, !normal, state, e)) return Found::kNoMemory;
    }
  }
  return Found::kNone;
}

}  // namespace crossdep::engine
