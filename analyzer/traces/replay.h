// SPDX-License-Identifier: MIT
//
// Drives the engine with a recorded trace: events in, the engine's findings out through the Sink it was given. There is
// one engine; what the runtime does with live calls, Replay does with recorded ones, so that both find the same.
//
//   reader -> Replay -> engine::Engine -> engine::Sink (the graph builder)
//
// What lies beside the events (texts of sites, modules, notes) is kept for whoever prints the result.
//
// A trace may hold many independent cases (`%case`): each gets a fresh engine, and `on_case_begin` says where its results
// go. A damaged trace may name contexts, locks or classes it never defined: such events are counted and skipped.
//
// Threading: one thread.  Allocation: the heap; O(classes + dependencies + living locks + contexts), not O(events).
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "engine/engine.h"
#include "traces/event.h"
#include "engine/heap_allocator.h"

namespace crossdep::traces {

class Replay final : public EventConsumer {
 public:
  explicit Replay(engine::Sink& sink, const engine::Options& options = {});
  ~Replay() override;

  /// Called when a case begins, after `on_case_end` of the one before (if it held any event): gives its sink. Without it
  /// all cases write to the first sink, which only fits a trace of one case.
  std::function<engine::Sink&(std::string_view name)> on_case_begin;
  /// Called at the end of each case, the engine still there; also by finish().
  std::function<void(std::string_view name, const engine::Engine&)> on_case_end;
  /// Called with the text of each `%expect` line.
  std::function<void(std::string_view)> on_case_expect;

  /// The trace is over.
  void finish();

  engine::Engine& engine() { return *engine_; }

  /// What this case held so far.
  std::uint64_t event_count() const { return events_; }
  std::uint64_t lock_event_count() const { return lock_events_; }   // requests, waits, signals: 0 = nothing to judge
  /// Over all cases.
  std::uint64_t total_event_count() const { return total_events_ + events_; }
  std::uint64_t total_lock_event_count() const { return total_lock_events_ + lock_events_; }
  /// Events that named something never defined; events said to be missing (the engine's losses() know only those of a
  /// context that was named).
  std::uint64_t undefined_count() const { return undefined_; }
  std::uint64_t lost_count() const { return lost_; }

  /// The text of a numbered site, empty for one that is an address.
  std::string_view site_text(Site site) const;
  struct Module {
    std::uint64_t begin, end, offset, bias;
    std::string path, build_id;
  };
  const std::vector<Module>& modules() const { return modules_; }
  struct Process {
    std::uint64_t pid = 0;
    std::string executable, arguments;
  };
  const Process& process() const { return process_; }
  const std::vector<std::string>& notes() const { return notes_; }

  void on_class(const ClassDefinition&) override;
  void on_lock(const LockDefinition&) override;
  void on_context(const ContextDefinition&) override;
  void on_event(const Event&) override;
  void on_events(const Event* events, std::size_t count) override;
  void on_context_name(ContextId, std::string_view) override;
  void on_name(NameId, std::string_view) override;
  void on_site(Site, std::string_view) override;
  void on_module(const ModuleDefinition&) override;
  void on_process(const ProcessDefinition&) override;
  void on_case(std::string_view) override;
  void on_expect(std::string_view) override;
  void on_note(std::string_view) override;

 private:
  struct Lock {
    engine::LockInstance* instance = nullptr;
    ClassId class_id = kNone;              // the engine's number
    std::uint64_t address = 0;
  };
  struct Class {
    ClassId id = kNone;                    // the engine's number
    std::uint8_t flags = 0;
  };

  /// Numbers are dense, so one far beyond the end is damage, not a reason to allocate gigabytes.
  static constexpr std::uint32_t kLargestGap = 1u << 16;
  template <class T>
  static bool make_room(std::vector<T>& table, std::uint32_t id);

  void apply(const Event&);
  void destroy(const Event&);
  void free_range(const Event&);
  void reset(engine::Sink& sink);
  engine::Context* context(ContextId id) const { return id < contexts_.size() ? contexts_[id] : nullptr; }
  engine::Context* peer(ContextId id) const { return id < peers_.size() ? peers_[id] : nullptr; }
  const Lock& lock(InstanceId id) const { return id < locks_.size() ? locks_[id] : no_lock_; }
  /// The class an event names, if it is another than the lock's own; else kNone.
  ClassId other_class(const Event& event, const Lock& lock) const;

  engine::HeapAllocator memory_;
  engine::Options options_;
  engine::Sink* sink_;
  std::unique_ptr<engine::Engine> engine_;
  Lock no_lock_;
  std::vector<Lock> locks_;
  std::vector<Class> classes_;
  std::vector<std::string> names_;                        // of operations and variables
  std::vector<engine::Context*> contexts_;                // living ones; nullptr once ended
  std::vector<engine::Context*> peers_;                   // ended ones too: their ends are still joined
  std::multimap<std::uint64_t, InstanceId> by_address_;   // living locks, kept once a kFree was seen
  bool indexed_ = false;
  std::unordered_map<Site, std::string> sites_;
  std::vector<Module> modules_;
  Process process_;
  std::vector<std::string> notes_;
  std::unordered_set<std::string> notes_given_;
  std::string case_name_;
  bool case_open_ = true;
  std::uint64_t events_ = 0, lock_events_ = 0, total_events_ = 0, total_lock_events_ = 0;
  std::uint64_t undefined_ = 0, lost_ = 0;
};

}  // namespace crossdep::traces
