// SPDX-License-Identifier: MIT
//
// Stands between every reader and Replay and looks for what cannot have happened as the trace tells it: mutual exclusion
// broken, a release without acquisition, a wait without its monitor, a context that goes on after it was joined, and what
// the readers find themselves (a second fork, time going backwards). Each is named with both events.
//
//   reader -> Validator -> Replay -> engine
//
// What becomes of the trace:
//   exclusion broken, foreign release   the lock is left out from there on, who holds it is taken to have released it
//   wait without its monitor            the condition is left out from there on
//   a context after it was joined       its further events are left out
//   told by a reader                    the reader says what it did (Problem::consequence)
// With `leave_out` off nothing is left out, only named: our own recordings are judged as the live run judged them.
// With `strict` the first contradiction ends the trace.
//
// What is a contradiction depends on the format (ValidatorRules): a kernel's lock maps do not exclude anybody, its records
// begin in the middle; a release of what is not held is a finding in our own recordings and in texts (bad-unlock), and
// impossible where the recorded language forbids it. Where events are missing (kLost), a context ended holding locks, or
// only some readers of a lock are known, nobody is accused.
//
// Cost: one table entry an event. Threading: one thread. Allocation: one entry a lock and a context.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "traces/event.h"
#include "traces/open.h"
#include "traces/status.h"

namespace crossdep::traces {

struct ValidatorRules {
  bool exclusion = true;    // locks (mutex, spin, rwlock, rwsem) exclude each other
  bool releases = false;    // nobody can release what he does not hold
  bool monitors = true;     // a wait that names its mutex holds it
  bool contexts = true;     // who was joined does nothing more
  bool leave_out = true;
  bool strict = false;

  static ValidatorRules of(Format format);
};

class Validator final : public EventConsumer {
 public:
  /// `next` gets what is left. `file` and `unit` are for the messages: what the events' positions count.
  Validator(EventConsumer& next, const ValidatorRules& rules, std::string file, Status::Unit unit);

  /// Called with the line for each contradiction, without `crossdep: warning: `; not in strict mode.
  std::function<void(const std::string&)> on_warning;

  /// Contradictions since the beginning of the case; of all cases.
  std::uint64_t count() const { return count_; }
  std::uint64_t total() const { return total_ + count_; }
  const std::string& file() const { return file_; }
  /// Strict mode met a contradiction: nothing is passed on any more, the status says what it was.
  const bool& stopped() const { return stopped_; }
  void set_hold_limit(std::uint64_t nanoseconds) { hold_limit_ = nanoseconds; }
  std::uint64_t hold_limit() const override { return hold_limit_; }
  Status status() const { return status_; }

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
  void on_problem(const Problem&) override;

 private:
  enum LockFlag : std::uint32_t { kExcludes = 1, kLeftOut = 2, kNamed = 4 };
  struct Lock {
    ContextId writer = kNone;
    std::uint32_t readers = 0;
    ContextId last = kNone;            // the last reader who is not known to have released, or who released last
    std::uint32_t generation = 0;      // of the last acquisition
    std::uint64_t since = 0;           // position of the last acquisition, or release
    std::uint32_t depth = 0;           // of the writer, beyond 1
    std::uint32_t flags = 0;           // LockFlag
  };
  struct LockName {
    std::string name;
    std::uint64_t address = 0;
  };
  struct Context {
    std::uint32_t void_generation = 0; // what it acquired before counts as unknown
    bool unsure = false;               // it began in the middle, or events are missing
    bool joined = false, told = false;
    ContextId joiner = kNone;
    InstanceId mutex = kNone;          // to be got again when its wait ends
    std::uint64_t joined_at = 0;
    std::string name;
  };
  static constexpr std::uint32_t kLargestGap = 1u << 16;   // as Replay: ids are dense

  /// True: pass it on.
  bool look(const Event& event);
  bool look_closer(const Event& event);
  bool acquire(const Event& event, InstanceId id, engine::Mode mode);
  bool release(const Event& event, InstanceId id);
  bool begin_wait(const Event& event);
  bool left_out(const Event& event, Lock& lock);
  void leave_out(InstanceId id, ContextId context);
  void forward(const Event& event);
  void give_pending();
  bool holds(const Lock& lock, ContextId context) const { return lock.writer == context && known(lock); }
  /// The writer's hold is not one of those that count as unknown.
  bool known(const Lock& lock) const {
    return lock.writer != kNone && lock.writer < contexts_.size() && lock.generation >= contexts_[lock.writer].void_generation;
  }
  bool readers_known(const Lock& lock) const { return lock.readers != 0 && lock.generation == generation_; }
  void forget_holds(ContextId id);

  void problem(std::uint64_t position, const std::string& what, const std::string& why, std::uint64_t earlier,
               const std::string& consequence);
  std::string place(std::uint64_t position) const;
  std::string name_of_lock(InstanceId id) const;
  std::string name_of(ContextId id) const;
  std::string leaving_out(const std::string& name) const { return rules_.leave_out ? name + " is left out" : ""; }

  EventConsumer& next_;
  const ValidatorRules rules_;
  const std::string file_;
  const Status::Unit unit_;
  std::vector<Lock> locks_;
  std::vector<LockName> lock_names_;
  std::vector<Context> contexts_;
  std::map<std::pair<InstanceId, ContextId>, std::uint32_t> ignored_;   // acquisitions of left-out locks, not passed on
  std::vector<Event> pending_;                                          // ends of what is left out, to be passed on
  std::uint32_t generation_ = 0;                                        // counts forget_holds()
  const bool passive_;                                                  // the format allows no contradiction seen here
  bool any_left_out_ = false;
  bool stopped_ = false;
  std::uint64_t count_ = 0, total_ = 0;
  Status status_;
  std::uint64_t hold_limit_ = 0;
};

}  // namespace crossdep::traces
