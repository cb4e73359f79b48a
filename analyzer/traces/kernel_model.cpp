// SPDX-License-Identifier: MIT
//
// See kernel_model.h: tasks, the contexts nested in them, work items, completions, losses. Lock maps: kernel_locks.cpp.
#include "traces/kernel_model.h"

#include <cstring>

namespace crossdep::traces {

using engine::ContextKind;

namespace {

constexpr std::uint32_t kMostProcessors = 1u << 16;

// The contexts nested in the task for each letter of the context column, outermost first.
const char* nested(char context) {
  switch (context) {
    case 's': return "s";
    case 'h': return "h";
    case 'H': return "sh";
    default: return "";
  }
}

ContextKind kind_of(char level) {
  switch (level) {
    case 's': return ContextKind::kSoftirq;
    case 'h': return ContextKind::kHardirq;
    case 'n': return ContextKind::kNmi;
    default: return ContextKind::kWorkItem;
  }
}

}  // namespace

Event KernelModel::event(EventKind kind, const Task& task) const {
  Event out;
  out.kind = kind;
  out.context = task.id;
  out.position = position_;
  return out;
}

// --- tasks -----------------------------------------------------------------------------------------------------------

KernelModel::Task& KernelModel::task(std::uint32_t pid, std::uint32_t cpu, std::string_view comm, char context,
                                     std::uint64_t position, std::uint64_t time) {
  position_ = position;
  time_ = time;
  const std::uint64_t key = pid != 0 ? pid : (std::uint64_t{1} << 32) + cpu;   // each processor has its own idle task
  if (key != last_key_ || last_task_->ended) {
    const std::uint32_t number = task_numbers_.find(key);
    if (number == AddressMap::kAbsent) {
      make_task(key, cpu, comm, kNone);
    } else {
      last_task_ = tasks_[number].get();
      if (last_task_->ended) begin_task(*last_task_, pid, comm, kNone);
    }
    last_key_ = key;
  }
  Task& task = *last_task_;
  if (cpu < dying_.size() && dying_[cpu] != nullptr && dying_[cpu] != &task) {
    if (!dying_[cpu]->ended) end_task(*dying_[cpu]);
    dying_[cpu] = nullptr;
  }
  task.cpu = cpu;
  if (cpu < running_.size()) running_[cpu] = &task;
  else if (cpu < kMostProcessors) running_.resize(cpu + 1, nullptr), running_[cpu] = &task;
  if (pid != 0 && !comm.empty() && comm != task.comm) {
    task.comm = comm;
    consumer_.on_context_name(task.id, comm);
  }
  if (context != '\0' && context != task.context) set_context(task, context);
  return task;
}

KernelModel::Task& KernelModel::make_task(std::uint64_t key, std::uint32_t cpu, std::string_view comm, ContextId parent) {
  task_numbers_.insert(key, static_cast<std::uint32_t>(tasks_.size()));
  tasks_.push_back(std::make_unique<Task>());
  last_task_ = tasks_.back().get();
  last_key_ = key;
  last_task_->cpu = cpu;
  const bool idle = key >> 32 != 0;
  begin_task(*last_task_, idle ? 0 : static_cast<std::uint32_t>(key),
             idle ? "swapper/" + std::to_string(cpu) : std::string(comm), parent);
  return *last_task_;
}

void KernelModel::begin_task(Task& task, std::uint32_t pid, std::string_view comm, ContextId parent) {
  const std::uint32_t cpu = task.cpu;
  task = Task{};
  task.cpu = cpu;
  task.id = ids_.next_context++;
  task.serial = ++serials_;
  task.comm = comm.empty() ? std::string_view("<...>") : comm;   // as the kernel calls it
  task.levels.resize(1);
  ContextDefinition definition;
  definition.id = task.id;
  definition.parent = parent;
  definition.kind = ContextKind::kTask;
  definition.tid = pid;
  definition.name = task.comm;
  definition.position = position_;
  consumer_.on_context(definition);
}

void KernelModel::end_task(Task& task) {
  while (task.levels.size() > 1) pop_level(task);
  for (const Held& held : task.levels[0].held) --locks_[held.lock].holders;
  if (task.levels[0].pending) --locks_[task.levels[0].request.lock].holders;
  semaphores_.forget(task.down, task.id);
  Event out = event(EventKind::kContextEnd, task);
  out.flags = kUnjoined;
  consumer_.on_event(out);
  task.levels[0] = Level{};
  task.ended = true;
}

void KernelModel::fork(Task& parent, std::uint32_t child_pid, std::string_view child_comm) {
  if (child_pid == 0) return;
  Task* const known_last = last_task_;
  const std::uint64_t known_key = last_key_;
  const std::uint32_t number = task_numbers_.find(child_pid);
  if (number == AddressMap::kAbsent) {
    make_task(child_pid, parent.cpu, child_comm, parent.id);
  } else {
    Task& before = *tasks_[number];
    if (&before == &parent) return;
    if (!before.ended) end_task(before);   // its end was not recorded
    begin_task(before, child_pid, child_comm, parent.id);
  }
  last_task_ = known_last;
  last_key_ = known_key;
}

void KernelModel::die(Task& task) {
  if (task.cpu >= kMostProcessors) return;
  if (task.cpu >= dying_.size()) dying_.resize(task.cpu + 1, nullptr);
  dying_[task.cpu] = &task;
}

// --- nested contexts -------------------------------------------------------------------------------------------------

void KernelModel::set_context(Task& task, char context) {
  task.context = context;
  const std::size_t base = task.levels.size() > 1 && task.levels[1].kind == 'w' ? 2 : 1;
  if (context == 'z' || context == 'Z') {   // an NMI lies over whatever was there
    if (task.levels.back().kind != 'n') push_level(task, 'n', kNone);
    return;
  }
  const char* const wanted = nested(context);
  const std::size_t count = std::strlen(wanted);
  std::size_t same = 0;
  while (same < count && base + same < task.levels.size() && task.levels[base + same].kind == wanted[same]) ++same;
  while (task.levels.size() > base + same) pop_level(task);
  for (; same < count; ++same) push_level(task, wanted[same], kNone);
}

void KernelModel::push_level(Task& task, char kind, InstanceId work) {
  task.levels.emplace_back();
  task.levels.back().kind = kind;
  Event out = event(EventKind::kEnter, task);
  out.nested = kind_of(kind);
  out.lock = work;
  consumer_.on_event(out);
}

void KernelModel::pop_level(Task& task) {
  Level& level = task.levels.back();
  if (level.pending) {
    Held& request = level.request;
    consumer_.on_event(held_event(EventKind::kFailed, task, request));
    --locks_[request.lock].holders;
  }
  // What an interrupt still seems to hold was released where the record does not show it.
  for (std::size_t i = level.held.size(); i-- > 0;) {
    consumer_.on_event(held_event(EventKind::kRelease, task, level.held[i]));
    --locks_[level.held[i].lock].holders;
  }
  consumer_.on_event(event(EventKind::kLeave, task));
  task.levels.pop_back();

  Level& below = task.levels.back();
  for (std::size_t i = below.held.size(); i-- > 0;) {
    if (!below.held[i].released) continue;
    consumer_.on_event(held_event(EventKind::kRelease, task, below.held[i]));
    --locks_[below.held[i].lock].holders;
    below.held.erase(below.held.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

// --- work items ------------------------------------------------------------------------------------------------------

InstanceId KernelModel::work_item(std::uint64_t work, std::string_view function) {
  bool fresh = false;
  const std::uint32_t number = work_functions_.add(function, fresh);
  if (fresh) {
    const std::string name = "(work)" + std::string(function);
    ClassDefinition its_class;
    its_class.id = ids_.next_class++;
    its_class.kind = engine::Kind::kWork;
    its_class.name = name;
    work_classes_.push_back(its_class.id);
    consumer_.on_class(its_class);
  }
  const std::uint64_t key = work * 31 + number;   // a work_struct may be given another function
  const std::uint32_t known = work_numbers_.find(key);
  if (known != AddressMap::kAbsent) return known;
  LockDefinition definition;
  definition.id = ids_.next_lock++;
  definition.class_id = work_classes_[number];
  definition.kind = engine::Kind::kWork;
  definition.address = work;
  definition.position = position_;
  work_numbers_.insert(key, definition.id);
  consumer_.on_lock(definition);
  return definition.id;
}

void KernelModel::begin_work(Task& task, std::uint64_t work, std::string_view function) {
  if (task.levels.size() > 1) {
    if (task.levels[1].kind != 'w' || task.levels.size() > 2) return;
    end_work(task);   // the end of the one before was not recorded
  }
  Level& outer = task.levels[0];
  grant(task, outer);
  // Held here are the lock maps of the work queue and the work item, where the kernel has them: they say more than a
  // crosslock of our own would.
  std::vector<Held> carried = outer.held;
  for (std::size_t i = carried.size(); i-- > 0;)
    consumer_.on_event(held_event(EventKind::kRelease, task, carried[i]));
  push_level(task, 'w', carried.empty() ? work_item(work, function) : kNone);
  for (const Held& held : carried) consumer_.on_event(held_event(EventKind::kAcquired, task, held));
  task.levels.back().carried = static_cast<std::uint32_t>(carried.size());
  task.levels.back().held = std::move(carried);
  task.levels[0].held.clear();
}

void KernelModel::end_work(Task& task) {
  if (task.levels.size() < 2 || task.levels[1].kind != 'w') return;
  while (task.levels.size() > 2) pop_level(task);
  Level& level = task.levels[1];
  grant(task, level);
  std::vector<Held> carried(level.held.begin(), level.held.begin() + level.carried);
  for (std::size_t i = level.carried; i-- > 0;)
    consumer_.on_event(held_event(EventKind::kRelease, task, carried[i]));
  for (std::size_t i = level.carried; i < level.held.size(); ++i) --locks_[level.held[i].lock].holders;
  // A lock taken by the work item itself and still held is the engine's to judge.
  consumer_.on_event(event(EventKind::kLeave, task));
  task.levels.pop_back();
  for (const Held& held : carried) consumer_.on_event(held_event(EventKind::kAcquired, task, held));
  task.levels[0].held = std::move(carried);
}

// --- completions -----------------------------------------------------------------------------------------------------

void KernelModel::begin_wait(Task& task, std::uint64_t completion, std::uint8_t flags, Site site) {
  grant(task, task.levels.back());
  if (task.waits_for != KernelCompletions::kNoCompletion) end_wait(task, true, 0);   // its return was not recorded
  Event out = event(EventKind::kWaitBegin, task);
  out.flags = flags;
  out.site = site;
  task.waits_for = completions_.begin_wait(completion, out);
}

void KernelModel::end_wait(Task& task, bool matched, Site site) {
  if (task.waits_for == KernelCompletions::kNoCompletion) return;   // began before the recording
  grant(task, task.levels.back());
  Event out = event(EventKind::kWaitEnd, task);
  out.site = site;
  completions_.end_wait(task.waits_for, matched, out);
  task.waits_for = KernelCompletions::kNoCompletion;
}

void KernelModel::begin_try_wait(Task& task, std::uint64_t completion) { task.tries = completion; }

void KernelModel::end_try_wait(Task& task, bool matched, Site site) {
  if (task.tries != 0 && matched) {
    grant(task, task.levels.back());
    Event out = event(EventKind::kWaitBegin, task);
    out.site = site;
    completions_.try_wait(task.tries, out);
  }
  task.tries = 0;
  task.synchronizes = 0;
  task.rcu_reads.clear();
}

void KernelModel::complete(Task& task, std::uint64_t completion, bool all, Site site) {
  grant(task, task.levels.back());
  Event out = event(EventKind::kSignal, task);
  out.site = site;
  completions_.complete(completion, all, out);
}

void KernelModel::initialise_completion(Task& task, std::uint64_t completion) {
  completions_.initialise(completion, event(EventKind::kReinit, task));
}

// --- wait queues and semaphores --------------------------------------------------------------------------------------

void KernelModel::begin_queue_wait(Task& task, std::uint64_t queue, Site site) {
  if (task.queue_waited != KernelCompletions::kNoCompletion) {
    if (task.queue == queue && !queues_.signalled(task.queue_waited)) return;   // it looks at its condition again
    end_queue_wait(task, task.queue, site);
  }
  grant(task, task.levels.back());
  Event out = event(EventKind::kWaitBegin, task);
  out.site = site;
  task.queue = queue;
  task.queue_waited = queues_.begin_wait(queue, out);
}

void KernelModel::end_queue_wait(Task& task, std::uint64_t queue, Site site) {
  if (task.queue_waited == KernelCompletions::kNoCompletion || task.queue != queue) return;
  grant(task, task.levels.back());
  Event out = event(EventKind::kWaitEnd, task);
  out.site = site;
  queues_.end_wait(task.queue_waited, queues_.signalled(task.queue_waited), out);
  task.queue_waited = KernelCompletions::kNoCompletion;
}

void KernelModel::wake_queue(Task& task, std::uint64_t queue, Site site) {
  grant(task, task.levels.back());
  Event out = event(EventKind::kSignal, task);
  out.site = site;
  queues_.wake_all(queue, out);
}

void KernelModel::down(Task& task, std::uint64_t semaphore, std::uint8_t flags, Site site) {
  grant(task, task.levels.back());
  Event out = event(EventKind::kRequest, task);
  semaphores_.passed(task.down, 0, {}, out);
  if (task.down.open()) semaphores_.end_down(task.down, false, out);
  out.flags = flags;
  out.site = site;
  semaphores_.down(task.down, semaphore, out);
}

void KernelModel::end_down(Task& task, bool got) {
  grant(task, task.levels.back());
  semaphores_.end_down(task.down, got, event(EventKind::kRequest, task));
}

void KernelModel::up(Task& task, std::uint64_t semaphore, Site site) {
  grant(task, task.levels.back());
  Event out = event(EventKind::kRelease, task);
  semaphores_.passed(task.down, 0, {}, out);
  out.site = site;
  semaphores_.up(semaphore, out);
}

// --- losses ----------------------------------------------------------------------------------------------------------

// Nothing is known of what the task holds.
void KernelModel::forget(Task& task, std::uint64_t count) {
  while (task.levels.size() > 1) pop_level(task);
  Event out = event(EventKind::kLost, task);
  out.number = count;
  consumer_.on_event(out);
  Level& level = task.levels[0];
  for (const Held& held : level.held) --locks_[held.lock].holders;
  if (level.pending) --locks_[level.request.lock].holders;
  level = Level{};
  task.context = '.';
  task.serial = ++serials_;
  task.waits_for = task.queue_waited = KernelCompletions::kNoCompletion;
  task.tries = 0;
  task.acquires = task.releases = KernelPairs{};
  semaphores_.forget(task.down, task.id);
}

// What runs on another processor now was not on the one with the hole; any other task may have been there since its last record.
bool KernelModel::concerned(const Task& task, std::uint32_t cpu) const {
  return cpu == kNoCpu || task.cpu == cpu || task.cpu >= running_.size() || running_[task.cpu] != &task;
}

void KernelModel::lose(std::uint32_t cpu, std::uint64_t count, std::uint64_t position) {
  position_ = position;
  lost_ += count;
  std::uint64_t left = count;   // counted once, on the first task concerned
  for (const auto& task : tasks_) {
    if (task->ended || !concerned(*task, cpu)) continue;
    forget(*task, left);
    left = 0;
  }
  if (left != 0) {
    Event out;
    out.kind = EventKind::kLost;
    out.number = left;
    out.position = position_;
    consumer_.on_event(out);
  }
  completions_.forget_signals();
  queues_.forget_signals();
}

void KernelModel::lose_beginning(std::uint64_t count) {
  lost_ += count;
  Event out;
  out.kind = EventKind::kLost;
  out.number = count;
  consumer_.on_event(out);
}

Site KernelModel::site(std::string_view text) {
  if (text.empty()) return 0;
  bool fresh = false;
  const Site number = Site{sites_.add(text, fresh)} + 1;
  if (fresh) consumer_.on_site(number, text);
  return number;
}

void KernelModel::finish() {
  if (by_name_)
    consumer_.on_note("classes are known by name only: the recording has no lock keys, subclasses or kinds of readers, so "
                      "locks of one name count as one class, and nesting within it is not judged");
  if (missed_ != 0)
    consumer_.on_note(std::to_string(missed_) + " acquisitions have their stock event only, their probe was not hit (an interrupt came "
                      "while another probe was handled): of these class and kind of reader are those the lock is known by");
  if (unmatched_ != 0)
    consumer_.on_note(std::to_string(unmatched_) + " releases of locks taken before the recording began were passed over");
  if (lost_ != 0) consumer_.on_note(std::to_string(lost_) + " events are missing from the recording");
}

}  // namespace crossdep::traces
