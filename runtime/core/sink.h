// SPDX-License-Identifier: MIT
//
// Between the engine and the journal: passes every call on, sees to it that the module of each address is in the journal
// before the address is, fills in what the engine cannot know (a new thread's number), and notes the findings that have
// to be printed.
//
// Threading: with the engine's Serialiser held, but for at_policy().  Allocation: Memory (one block per 256 contexts).
#pragma once

#include <atomic>
#include <utility>

#include "engine/sink.h"
#include "record/journal.h"

namespace crossdep::runtime {

/// Findings that wait to be printed by the thread that made them.
struct Pending {
  static constexpr unsigned kMost = 32;
  engine::FindingInfo findings[kMost] = {};   // ids, checks and verdicts only; no pointers
  bool counted[kMost] = {};                   // at_policy() went up by it
  unsigned count = 0;
};

class Sink final : public engine::Sink {
 public:
  constexpr Sink() = default;
  void begin(record::Journal& journal, engine::Verdict policy) noexcept;

  void on_class(const engine::ClassInfo&) noexcept override;
  void on_class_usage(engine::ClassId, std::uint8_t usage) noexcept override;
  void on_instance(const engine::InstanceInfo&) noexcept override;
  void on_context(const engine::ContextInfo&) noexcept override;
  void on_stack(engine::StackId, const engine::Site* frames, unsigned count) noexcept override;
  void on_dependency(const engine::DependencyInfo&) noexcept override;
  void on_witness(const engine::WitnessInfo&) noexcept override;
  void on_finding(const engine::FindingInfo&) noexcept override;

  /// A context announced before its thread ran: its number and name are known now.
  void thread_known(const engine::ContextInfo&) noexcept;
  /// Takes what waits to be printed; returns how many.
  unsigned take(Pending& out) noexcept;
  /// A finding taken turned out to be suppressed: it does not count.
  void discount() noexcept { at_policy_.fetch_sub(1, std::memory_order_relaxed); }
  /// Rules found something that counts, when the whole was judged.
  void count_rule_findings() noexcept { at_policy_.fetch_add(1, std::memory_order_relaxed); }
  bool has_pending() const noexcept { return pending_.count != 0; }
  /// Whether there is evidence that no one asked about yet: rules may find something.
  bool take_news() noexcept { return std::exchange(news_, false); }
  /// Findings at or above the policy so far, but for those known to be suppressed.
  std::uint64_t at_policy() const noexcept { return at_policy_.load(std::memory_order_relaxed); }

 private:
  void note(engine::Site site) noexcept;

  record::Journal* journal_ = nullptr;
  engine::Verdict policy_ = engine::Verdict::kPossible;
  std::atomic<std::uint64_t> at_policy_{0};
  Pending pending_;
  bool news_ = false;
  std::uint8_t* worst_ = nullptr;          // highest verdict printed per finding, + 1
  std::uint32_t worst_capacity_ = 0;
};

}  // namespace crossdep::runtime
