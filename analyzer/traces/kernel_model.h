// SPDX-License-Identifier: MIT
//
// What a recorded kernel did, rebuilt from its trace events: tasks with nested interrupts and work items, lock maps with
// their classes, completions. Readers of the kernel's formats call it once per record; it speaks to an EventConsumer.
//
// Where a kernel's records differ from our events:
//   - `lock_acquire` is the request; `lock_acquired` follows only for some primitives (and needs LOCK_STAT). A request is
//     taken for granted by the task's next lock event in the same context, or by `lock_acquired`, whichever is first.
//   - interrupts have no begin and end: they follow from the context column of the records of the task they run on.
//   - a recording begins in the middle: a release by a task that was not seen to acquire is passed over and counted. A
//     second release of what was seen acquired and released is handed on (it is a finding).
//   - lock maps of work queues are acquired around a work item, outside it: they are carried into its nested context.
//   - how long a lock was held follows from the records' times: from `lock_acquired`, or else from the task's next lock event, on.
//   - a map's address may come back with another class: a new lock, unless it is held.
//
// Threading: one thread.  Allocation: O(tasks + lock addresses + classes).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "traces/address_map.h"
#include "traces/event.h"
#include "traces/kernel_completions.h"
#include "traces/kernel_pairs.h"
#include "traces/kernel_semaphores.h"
#include "traces/name_table.h"

namespace crossdep::traces {

/// One `lock_acquire`, as far as the record tells.
struct KernelAcquire {
  std::uint64_t map = 0;
  bool missed = false;            // its probe was not hit: subclass and kind of reader are unknown, those of other calls are not
  std::uint64_t key = 0;          // 0 with `keyed`: a static lock's first acquire, its map is its key
  bool keyed = false;             // false: the name stands for the class
  std::string_view name;
  std::uint8_t subclass = 0;
  bool try_lock = false;
  bool sync = false;              // waits for all holders, holds nothing
  bool unchecked = false;         // lockdep itself only counts it: RCU and, before 6.4, SRCU
  engine::Mode mode = engine::Mode::kWrite;
  std::uint64_t nest = 0;         // map of the nest lock, 0 = none
  std::uint8_t wait_outer = 0, wait_inner = 0;
  /// Interrupts off, as far as the record tells: what it does not tell is taken for off, which accuses nobody.
  bool hardirqs_off = true, softirqs_off = true;
  Site site = 0;
};

class KernelModel {
 public:
  struct Task;   // below

  static constexpr std::uint32_t kNoCpu = 0xffffffffu;

  explicit KernelModel(EventConsumer& consumer) : consumer_(consumer), completions_(consumer, ids_, engine::Kind::kCompletion, "(completion)"),
                                                queues_(consumer, ids_, engine::Kind::kCond, "(wait queue)"), semaphores_(consumer, ids_), hold_limit_(consumer.hold_limit()) {}

  /// The task a record is of; an empty `comm` and kNoCpu are not recorded; `context` is the context column (see FtraceLine::context), '\0' leaves it as it is.
  /// `time` in nanoseconds, 0 if it is not recorded.
  Task& task(std::uint32_t pid, std::uint32_t cpu, std::string_view comm, char context, std::uint64_t position, std::uint64_t time = 0);

  void acquire(Task& task, const KernelAcquire& acquire);
  void acquired(Task& task, std::uint64_t map);
  void release(Task& task, std::uint64_t map, Site site);
  void downgrade(Task& task, std::uint64_t map, Site site);
  /// An acquisition that lockdep does not check: judged if it is a read section of SRCU, remembered if it is one of RCU.
  void unchecked(Task& task, const KernelAcquire& acquire);
  /// An acquisition that is not to be judged (the kernel's own validator left it out): its release means nothing.
  void pass_over(std::uint64_t map);

  void begin_work(Task& task, std::uint64_t work, std::string_view function);
  void end_work(Task& task);

  void begin_wait(Task& task, std::uint64_t completion, std::uint8_t flags, Site site);
  void end_wait(Task& task, bool matched, Site site);
  /// A try_wait_for_completion() begins and ends.
  void begin_try_wait(Task& task, std::uint64_t completion);
  void end_try_wait(Task& task, bool matched, Site site);
  void complete(Task& task, std::uint64_t completion, bool all, Site site);
  void initialise_completion(Task& task, std::uint64_t completion);

  /// A wait on a wait queue begins (or goes on: woken, but its condition was not met) and ends; all who wait are woken.
  void begin_queue_wait(Task& task, std::uint64_t queue, Site site);
  void end_queue_wait(Task& task, std::uint64_t queue, Site site);
  void wake_queue(Task& task, std::uint64_t queue, Site site);

  /// All readers are waited for: of the srcu_struct at this address, which has ended with `synchronized`; of RCU.
  void synchronize_srcu(Task& task, std::uint64_t domain, Site site);
  void synchronized(Task& task) { task.synchronizes = 0; }
  void synchronize_rcu(Task& task, Site site);

  void down(Task& task, std::uint64_t semaphore, std::uint8_t flags, Site site);
  void end_down(Task& task, bool got);
  void up(Task& task, std::uint64_t semaphore, Site site);
  /// The task was switched out without having been preempted.
  void sleep(Task& task) {
    semaphores_.slept(task.down);
    task.rcu_reads.clear();   // a reader does not sleep: its end was not recorded
  }

  void fork(Task& parent, std::uint32_t child_pid, std::string_view child_comm);
  /// Its last switch: it is ended as soon as its processor does something else.
  void die(Task& task);

  /// `count` records of this processor are missing (kNoCpu: of an unknown one).
  void lose(std::uint32_t cpu, std::uint64_t count, std::uint64_t position);
  /// `count` records are missing before the first.
  void lose_beginning(std::uint64_t count);

  /// The number of a place given as text.
  Site site(std::string_view text);
  /// The last record was given: says what should be known of the whole.
  void finish();

 private:
  struct Lock {
    std::uint64_t map = 0, key = 0;
    InstanceId id = kNone;
    ClassId class_id = kNone;
    std::uint32_t name = 0;             // in names_
    std::uint8_t subclass = 0;
    bool keyed = false;
    std::uint32_t holders = 0;          // holding or asking
    bool read_first = false;            // its first acquisition was a recursive reader's
    std::uint32_t passed_over = 0;      // acquisitions not judged and not released yet
    std::uint64_t last_holder = 0;      // Task::serial of who acquired it last
  };
  struct Held {
    std::uint32_t lock;                 // in locks_
    ClassId class_id;                   // kNone: the lock's own
    InstanceId nest;                    // kNone: taken under no nest lock
    engine::Mode mode;
    std::uint8_t flags;
    bool released;                      // by a record that came in another context: told when this one is back
    Site site;
    std::uint64_t since;                // when it was granted, 0: unknown
  };
  struct Level {                        // the task itself, or a context nested in it
    char kind = '.';                    // . task, w work item, s softirq, h hardirq, n NMI
    std::vector<Held> held;
    bool pending = false;               // the last request is not known to have been granted
    Held request{};
    std::uint32_t carried = 0;          // of held: lock maps that were held before the work item began
  };

 public:
  struct Task {
    ContextId id = kNone;
    std::uint32_t cpu = 0;
    char context = '.';                 // of the last record
    std::uint32_t inner_interrupts = 0; // begun inside of an interrupt that was told before them (kernel_events.cpp)
    bool ended = false;
    std::uint64_t serial = 0;           // changes when events were lost
    std::string comm;
    std::vector<Level> levels;          // [0] the task itself
    std::uint32_t waits_for = KernelCompletions::kNoCompletion;
    std::uint64_t tries = 0;            // completion of a try_wait not ended
    std::uint32_t queue_waited = KernelCompletions::kNoCompletion;
    std::uint64_t queue = 0;            // its address
    KernelDown down;
    std::uint64_t synchronizes = 0;     // the srcu_struct whose readers it waits for
    Site synchronizes_at = 0;
    std::vector<std::pair<std::uint64_t, Site>> rcu_reads;   // its RCU read sections: the map, and where
    KernelPairs acquires, releases;     // told by probes, for KernelEvents
    bool hardirqs_off = false, softirqs_off = false;   // as last told to the consumer
  };

 private:
  Task& make_task(std::uint64_t key, std::uint32_t cpu, std::string_view comm, ContextId parent);
  void begin_task(Task& task, std::uint32_t pid, std::string_view comm, ContextId parent);
  void end_task(Task& task);
  void set_context(Task& task, char context);
  void push_level(Task& task, char kind, InstanceId work);
  void pop_level(Task& task);
  void grant(Task& task, Level& level);
  void tell_hold(const Task& task, const Level& level, std::size_t number);
  void mask(Task& task, bool hardirqs_off, bool softirqs_off);
  void forget(Task& task, std::uint64_t count);
  bool concerned(const Task& task, std::uint32_t cpu) const;
  Event event(EventKind kind, const Task& task) const;
  Event held_event(EventKind kind, const Task& task, const Held& held) const;
  InstanceId work_item(std::uint64_t work, std::string_view function);

  void tell_sync(Task& task, std::uint32_t lock, Site site);
  void bind_srcu(const KernelAcquire& acquire);
  std::uint32_t srcu_lock(std::uint64_t domain) const;
  ClassId class_of(const KernelAcquire& acquire);
  std::uint32_t lock_of(const Task& task, const KernelAcquire& acquire, ClassId& other_class);
  void define_lock(Lock& lock, ClassId class_id, const KernelAcquire& acquire, const Task& task);

  EventConsumer& consumer_;
  KernelIds ids_;
  KernelCompletions completions_, queues_;
  KernelSemaphores semaphores_;
  AddressMap task_numbers_, lock_numbers_, work_numbers_;
  std::vector<std::unique_ptr<Task>> tasks_;
  std::vector<Lock> locks_;
  std::vector<InstanceId> works_;
  NameTable work_functions_;                           // the class of a work item is its function
  std::vector<ClassId> work_classes_;
  std::unordered_map<std::string, ClassId> classes_;   // by key and subclass, or by name
  std::map<std::uint64_t, std::uint32_t> srcu_unread_; // srcu_structs waited for before any reader was seen: their locks
  std::uint64_t srcu_offset_ = 0;                      // of the lock map in an srcu_struct, 0: not learnt yet
  std::vector<Task*> dying_, running_;                 // by processor
  NameTable sites_, names_, holds_;                    // holds_: operations that tell of long times
  Task* last_task_ = nullptr;
  std::uint64_t last_key_ = ~std::uint64_t{0};
  std::uint64_t position_ = 0, time_ = 0;              // of the record
  const std::uint64_t hold_limit_;
  std::uint64_t serials_ = 0;
  std::uint64_t unmatched_ = 0, lost_ = 0;
  std::uint64_t missed_ = 0;                           // acquisitions with KernelAcquire::missed
  bool by_name_ = false;                               // some class is a name only
};

}  // namespace crossdep::traces
