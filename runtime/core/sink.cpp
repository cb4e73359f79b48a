// SPDX-License-Identifier: MIT
//
// See sink.h. A finding is printed when it first reaches the policy, and again if it becomes a deadlock.
//
// Threading: see sink.h.  Allocation: a byte per finding, doubled as needed; without memory a finding may print twice.
#include "core/sink.h"

#include "core/memory.h"
#include "core/modules.h"

namespace crossdep::runtime {

using namespace engine;

void Sink::begin(record::Journal& journal, Verdict policy) noexcept {
  journal_ = &journal;
  policy_ = policy;
  at_policy_.store(0, std::memory_order_relaxed);
  pending_.count = 0;
  worst_ = nullptr;
  worst_capacity_ = 0;
}

void Sink::note(Site site) noexcept {
  if (site != 0) modules.announce(site, *journal_);
}

void Sink::on_class(const ClassInfo& info) noexcept {
  if (info.key_kind == ClassKey::kStatic || info.key_kind == ClassKey::kInitSite ||
      info.key_kind == ClassKey::kFirstSite || info.key_kind == ClassKey::kFunction || info.key_kind == ClassKey::kHeap ||
      info.key_kind == ClassKey::kStack)
    note(info.key);
  for (std::uint32_t i = 0; i < info.caller_count; ++i) note(info.callers[i]);
  journal_->on_class(info);
}

void Sink::on_class_usage(ClassId id, std::uint8_t usage) noexcept { journal_->on_class_usage(id, usage); }
void Sink::on_instance(const InstanceInfo& info) noexcept { journal_->on_instance(info); }
void Sink::on_context(const ContextInfo& info) noexcept { journal_->on_context(info); }
void Sink::on_dependency(const DependencyInfo& info) noexcept { journal_->on_dependency(info); }
void Sink::thread_known(const ContextInfo& info) noexcept { journal_->on_context(info); }

void Sink::on_stack(StackId id, const Site* frames, unsigned count) noexcept {
  for (unsigned i = 0; i < count; ++i) note(frames[i]);
  journal_->on_stack(id, frames, count);
}

void Sink::on_witness(const WitnessInfo& info) noexcept {
  news_ = true;
  note(info.from_site);
  note(info.to_site);
  note(info.wait_site);
  for (std::uint32_t i = 0; i < info.held_count; ++i) note(info.held[i].site);
  journal_->on_witness(info);
}

void Sink::on_finding(const FindingInfo& info) noexcept {
  note(info.site);
  for (std::uint32_t i = 0; i < info.held_count; ++i) note(info.held[i].site);
  journal_->on_finding(info);
  if (info.verdict < policy_) return;
  if (info.id >= worst_capacity_) {
    std::uint32_t capacity = worst_capacity_ == 0 ? 64 : worst_capacity_;
    while (capacity <= info.id) capacity *= 2;
    auto* grown = static_cast<std::uint8_t*>(memory.allocate(capacity));
    if (grown != nullptr) {
      for (std::uint32_t i = 0; i < worst_capacity_; ++i) grown[i] = worst_[i];
      memory.deallocate(worst_, worst_capacity_);
      worst_ = grown;
      worst_capacity_ = capacity;
    }
  }
  const bool stored = info.id < worst_capacity_;
  const std::uint8_t before = stored ? worst_[info.id] : 0;
  const auto now = static_cast<std::uint8_t>(static_cast<unsigned>(info.verdict) + 1);
  if (stored && now > before) worst_[info.id] = now;
  if (before == 0) at_policy_.fetch_add(1, std::memory_order_relaxed);
  if (before != 0 && (now <= before || info.verdict != Verdict::kDeadlock)) return;
  if (pending_.count == Pending::kMost) return;   // in the graph all the same
  pending_.counted[pending_.count] = before == 0;
  FindingInfo& kept = pending_.findings[pending_.count++];
  kept = info;
  kept.held = nullptr;
  kept.links = nullptr;
}

unsigned Sink::take(Pending& out) noexcept {
  out.count = pending_.count;
  for (unsigned i = 0; i < pending_.count; ++i) out.findings[i] = pending_.findings[i], out.counted[i] = pending_.counted[i];
  pending_.count = 0;
  return out.count;
}

}  // namespace crossdep::runtime
