// SPDX-License-Identifier: MIT
//
// What the merge of native_trace.cpp has told its consumer about: classes, locks, contexts. Most come from the journal
// and from init, fork and begin events; what a damaged or cut file does not define is made up at its first use, so that
// a consumer never meets a number it was not told.
//
// Threading: one thread.  Allocation: the heap; O(classes + contexts + announced instances + locks alive).
#pragma once

#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "engine/sink.h"
#include "traces/event.h"
#include "traces/native_locks.h"

namespace crossdep::traces {

/// Reads the journal as its Sink; then serves the merge.
class NativeDefinitions final : public engine::Sink {
 public:
  /// What a thread says of itself at its begin.
  struct Beginning {
    std::uint64_t tid;
    InstanceId end;
    engine::ContextKind kind;
    bool middle;
  };

  explicit NativeDefinitions(EventConsumer& consumer) : consumer_(consumer) {}

  void on_class(const engine::ClassInfo& info) override;
  void on_class_usage(engine::ClassId, std::uint8_t) override {}
  void on_instance(const engine::InstanceInfo& info) override;
  void on_context(const engine::ContextInfo& info) override;
  void on_stack(engine::StackId, const engine::Site*, unsigned) override {}
  void on_dependency(const engine::DependencyInfo&) override {}
  void on_witness(const engine::WitnessInfo&) override {}
  void on_finding(const engine::FindingInfo&) override {}

  // --- classes -------------------------------------------------------------------------------------------------------
  /// `id`, or another if it is none; defined either way. `lock` names what is a class of its own.
  ClassId need_class(ClassId id, InstanceId lock);

  // --- locks ---------------------------------------------------------------------------------------------------------
  LockTable& locks() { return locks_; }
  /// The consumer's number of this lock, which is defined if need be.
  InstanceId number_of(InstanceId id);
  /// The lock that lives at this address, kNone if none does.
  InstanceId at(std::uint64_t address) const;
  /// Defines the lock; `definition` has everything but its number.
  void begin_lock(InstanceId id, LockState& lock, LockDefinition& definition);
  /// `old` goes on as `id`, under the same number.
  void continue_lock(InstanceId old, InstanceId id, LockState& lock, std::uint64_t address);
  /// Another lock under the number of one that lives, whose end is missing.
  void replace_lock(InstanceId id, LockState& lock, LockDefinition& definition);
  void end_lock(InstanceId id);
  /// Addresses where a lock began to live; whoever cares takes them away.
  std::vector<std::uint64_t> settled;

  // --- contexts --------------------------------------------------------------------------------------------------------
  void expect_context(ContextId id, const Beginning& beginning) { beginnings_[id] = beginning; }
  /// Defines it unless it was; `parent` and `end` as far as the caller knows.
  void need_context(ContextId id) {
    if (!contexts_.contains(id)) begin_context(id, kNone, kNone, false);
  }
  /// The same for one that begins here (at its fork or first event), also if one of this number has ended.
  void fork_context(ContextId id, ContextId parent, InstanceId end) {
    if (!contexts_.contains(id)) begin_context(id, parent, end, true);
  }
  void start_context(ContextId id, ContextId parent, InstanceId end) {
    const auto known = contexts_.find(id);
    if (known == contexts_.end() || known->second) begin_context(id, parent, end, true);
  }
  void end_context(ContextId id) { contexts_[id] = true; }

 private:
  struct Context {
    ContextId parent = kNone;
    engine::ContextKind kind = engine::ContextKind::kThread;
    std::uint64_t tid = 0;
    std::string name;
  };

  void define_class(const ClassDefinition& definition);
  void begin_context(ContextId id, ContextId parent, InstanceId end, bool here);
  void settle(InstanceId id, LockState& lock, std::uint64_t address);

  EventConsumer& consumer_;
  std::unordered_set<ClassId> classes_;
  ClassId next_class_ = 0;
  std::unordered_map<InstanceId, engine::InstanceInfo> instances_;   // as the journal knows them
  LockTable locks_;
  std::unordered_map<std::uint64_t, InstanceId> by_address_;         // living ones
  std::unordered_map<ContextId, Context> known_;                     // as the journal knows them
  std::unordered_map<ContextId, Beginning> beginnings_;
  std::unordered_map<ContextId, bool> contexts_;                     // defined; true: ended (it may still be joined)
};

}  // namespace crossdep::traces
