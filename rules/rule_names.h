// SPDX-License-Identifier: MIT
//
// The names that rule files give to lock classes, for whoever makes a graph of engine output. Two classes of one new name
// stay two: the second is told apart by ":2", as always (reports/names.h).
//
// Threading: const functions.  Allocation: the heap.
#pragma once

#include "reports/names.h"
#include "rules/rule_set.h"

namespace crossdep::rules {

class RuleNames final : public reports::NameRules {
 public:
  /// `rules` must outlive it.
  explicit RuleNames(const RuleSet& rules) : rules_(rules) {}
  std::string rename(const std::string& name, engine::Kind kind, const std::vector<reports::Frame>& frames) const override;
  bool is_wrapper(const reports::Frame& frame) const override;

 private:
  const RuleSet& rules_;
};

}  // namespace crossdep::rules
