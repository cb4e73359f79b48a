// SPDX-License-Identifier: MIT
//
// See kernel_events.h. Here: which source tells of locks, the stock events, tasks, interrupts and call chains. The detailed
// sources (lockx_*, probes) are read in kernel_details.cpp.
#include "traces/kernel_events.h"

namespace crossdep::traces {

using engine::Mode;

namespace {

constexpr std::size_t kHeldBack = 256;

// The context of a task one interrupt deeper, or out of one again.
char deeper(char context, char kind) {
  if (kind == 's') return context == '.' ? 's' : context;
  return context == 's' || context == 'H' ? 'H' : 'h';
}
char shallower(char context, char kind) {
  if (kind == 's') return context == 's' ? '.' : context;
  return context == 'H' ? 's' : context == 'h' ? '.' : context;
}

// One of the kernel's own lock events, not a probe of a like name, whose body begins with its place in parentheses.
bool is_stock(const KernelRecord& record) {
  const std::string_view event = record.event, body = record.body;
  if (event != "lock_acquire" && event != "lock_release" && event != "lock_acquired" && event != "lock_contended") return false;
  return !body.starts_with("(") || body.starts_with("(_") || body.starts_with("(ptrval") || body.starts_with("(n");
}

}  // namespace

void KernelEvents::unreadable() {
  if (unreadable_++ == 0) first_unreadable_ = position_;
}

KernelEvents::Task& KernelEvents::task_of(const KernelRecord& record, char context) {
  return model_.task(record.pid, record.cpu, record.comm, context, position_, record.time);
}

// A probe on lock_acquire: its place says so, or its fields.
bool KernelEvents::looks_like_acquire(const KernelRecord& record) {
  if (!record.body.starts_with("(")) return false;
  if (record.body.starts_with("(lock_acquire+")) return true;
  return record.body.find(" map=") != std::string_view::npos && record.body.find(" key=") != std::string_view::npos &&
         record.body.find(" nest=") != std::string_view::npos;
}

void KernelEvents::record(const KernelRecord& record) {
  ++events_;
  position_ = record.position;
  if (source_ == Source::kUnknown) decide(record);
  else event(record);
}

// The source is not known yet: judges the record at once if that does not matter to it, else holds it back.
void KernelEvents::decide(const KernelRecord& record) {
  Source found = Source::kUnknown;
  if (record.event.starts_with("lockx_")) found = Source::kLockx;
  if (looks_like_acquire(record)) found = Source::kProbes;
  if (found == Source::kUnknown && (record.event.starts_with("lock_") || !held_back_.empty())) {
    held_back_.push_back(keep(record));
    if (held_back_.size() >= kHeldBack) choose(Source::kStock);
    return;
  }
  if (found != Source::kUnknown) choose(found);
  event(record);
}

KernelEvents::HeldBack KernelEvents::keep(const KernelRecord& record) {
  HeldBack held;
  held.record = record;
  held.text.reserve(record.comm.size() + record.event.size() + record.body.size());
  held.text.append(record.comm).append(record.event).append(record.body);
  held.frames.assign(record.frames, record.frames + record.frame_count);
  return held;
}

KernelRecord KernelEvents::record_of(const HeldBack& held) {
  KernelRecord record = held.record;
  const std::string_view text = held.text;
  record.comm = text.substr(0, held.record.comm.size());
  record.event = text.substr(record.comm.size(), held.record.event.size());
  record.body = text.substr(record.comm.size() + record.event.size());
  record.frames = held.frames.data();
  return record;
}

void KernelEvents::choose(Source source) {
  source_ = source;
  const std::uint64_t position = position_;
  std::vector<HeldBack> held_back;
  held_back.swap(held_back_);
  for (const HeldBack& held : held_back) {
    position_ = held.record.position;
    if (held.loss) {
      model_.lose(held.record.cpu, held.lost, position_);
      continue;
    }
    event(record_of(held));
  }
  position_ = position;
}

void KernelEvents::lose(std::uint32_t cpu, std::uint64_t count, std::uint64_t position) {
  trapped_.clear();   // what would tell of them may be among what is lost
  if (held_back_.empty()) {
    model_.lose(cpu, count, position);
    return;
  }
  HeldBack& held = held_back_.emplace_back();
  held.record.cpu = cpu;
  held.record.position = position;
  held.loss = true;
  held.lost = count;
}

void KernelEvents::event(const KernelRecord& record) {
  if (hidden(record)) {
    trap(record);
    return;
  }
  if (!trapped_.empty()) tell_trapped(record);
  bool readable = true;
  const char context = record.context != '\0' || record.frame_count == 0 ? record.context : chain_context(record);
  if (is_stock(record)) {
    stock_seen_ = true;
    if (source_ != Source::kLockx || record.event == "lock_acquired") readable = stock_lock(record);
  } else if (record.event.starts_with("lockx_")) {
    source_ = Source::kLockx;
    readable = lockx(task_of(record, context), record);
  } else if (record.event.starts_with("contention_")) {
    ++contentions_;
  } else if (record.body.starts_with("(")) {
    readable = probe(record);
  } else if (record.event == "workqueue_execute_start") {
    readable = work_begins(task_of(record, context), record.body);
  } else if (record.event == "workqueue_execute_end") {
    model_.end_work(task_of(record, context));
  } else if (record.event.starts_with("sched_")) {
    readable = scheduling(record);
  } else if (record.context == '\0') {
    readable = interrupt(record);
  }
  if (!readable) unreadable();
}

bool KernelEvents::scheduling(const KernelRecord& record) {
  if (record.event == "sched_switch") {
    Task& task = task_of(record, '\0');
    // `prev_comm=… prev_state=X ==> next_comm=…`, or from libtraceevent `comm:pid [prio] X ==> comm:pid [prio]`.
    const std::string_view before = record.body.substr(0, record.body.rfind(" ==> "));
    std::string_view state = last_field(before, "prev_state=");
    if (state.empty()) state = before.substr(before.rfind(' ') + 1);
    if (!state.empty() && (state.front() == 'X' || state.front() == 'Z') && record.pid != 0) model_.die(task);
    else if (state.find('R') == std::string_view::npos && state.find('+') == std::string_view::npos) model_.sleep(task);
  } else if (record.event == "sched_process_fork") {
    Task& task = task_of(record, '\0');
    std::string_view pid = last_field(record.body, "child_pid=");
    const std::size_t comm = record.body.rfind("child_comm=");
    std::uint64_t child = 0;
    if (comm == std::string_view::npos || !take_decimal(pid, child) || child > 0x7fffffff) return false;
    std::string_view name = record.body.substr(comm + 11);
    name = name.substr(0, name.rfind(" child_pid="));
    model_.fork(task, static_cast<std::uint32_t>(child), name);
  }
  return true;
}

// Where records have no column for it, the events at the beginning and end of interrupts tell the context.
bool KernelEvents::interrupt(const KernelRecord& record) {
  const std::string_view event = record.event;
  const bool entry = event.ends_with("_entry"), exit = event.ends_with("_exit");
  if (!entry && !exit) return true;
  const std::string_view what = event.substr(0, event.rfind('_'));
  char kind = '\0';
  if (what == "softirq" || what == "tasklet" || what == "timer_expire") kind = 's';
  else if (what == "irq_handler" || what == "hrtimer_expire" || what == "ipi" || what == "local_timer" || what == "reschedule" ||
           what == "call_function" || what == "call_function_single" || what == "irq_work" || what == "x86_platform_ipi" ||
           what == "thermal_apic" || what == "threshold_apic" || what == "deferred_error_apic" || what == "error_apic" ||
           what == "spurious_apic")
    kind = 'h';
  if (kind == '\0' || (record.pid == 0 && record.cpu == KernelRecord::kNoCpu)) return true;
  Task& task = task_of(record, '\0');
  // An event inside of what has been told already: a timer in its softirq or in its interrupt.
  const bool inner = what == "tasklet" || what == "timer_expire" || what == "hrtimer_expire";
  if (inner && entry && task.context != '.') {
    ++task.inner_interrupts;
    return true;
  }
  if (inner && exit && task.inner_interrupts > 0) {
    --task.inner_interrupts;
    return true;
  }
  if (entry && kind == 'h' && (task.context == 'h' || task.context == 'H')) {
    ++task.inner_interrupts;
    return true;
  }
  if (exit && kind == 'h' && task.inner_interrupts > 0) {
    --task.inner_interrupts;
    return true;
  }
  task_of(record, entry ? deeper(task.context, kind) : shallower(task.context, kind));
  return true;
}

// --- call chains -----------------------------------------------------------------------------------------------------

KernelFunction kernel_function(std::string_view place) {
  const std::string_view name = place.substr(0, place.find_first_of("+ ["));
  const auto begins = [&](std::initializer_list<std::string_view> words) {
    for (const std::string_view word : words)
      if (name.starts_with(word)) return true;
    return false;
  };
  const auto is = [&](std::initializer_list<std::string_view> words) {
    for (const std::string_view word : words)
      if (name == word) return true;
    return false;
  };
  if (begins({"__do_softirq", "handle_softirqs", "__softirqentry_text_start", "do_softirq", "run_ksoftirqd"}))
    return KernelFunction::kSoftirq;
  if (begins({"asm_sysvec_", "sysvec_", "asm_common_interrupt", "__handle_irq_event_percpu", "generic_handle_",
              "handle_irq_event", "handle_domain_irq", "hrtimer_interrupt", "gic_handle_irq", "smp_apic_timer_interrupt",
              "smp_call_function_"}) ||
      is({"common_interrupt", "__common_interrupt", "do_IRQ", "apic_timer_interrupt", "el1_irq", "el0_irq", "el1_interrupt",
          "el0_interrupt", "el1h_64_irq_handler", "el0t_64_irq_handler", "__irq_svc", "__irq_usr", "ret_from_intr",
          "do_interrupt_handler", "__el1_irq"}))
    return name.starts_with("smp_call_function_") && !name.ends_with("interrupt") ? KernelFunction::kOther
                                                                                  : KernelFunction::kHardirq;
  if (begins({"irqentry_exit", "preempt_schedule_irq", "exit_to_user_mode", "prepare_exit_to_usermode", "__schedule",
              "schedule", "do_notify_resume", "arm64_preempt_schedule_irq"}))
    return KernelFunction::kTask;
  if (begins({"trace_event_", "perf_trace_", "__traceiter_", "__ftrace_trace_stack", "kprobe_", "kretprobe_", "fprobe_", "eprobe_",
              "ftrace_", "perf_", "__trace_stack", "__perf_", "bpf_", "aggr_pre_handler", "optimized_callback", "opt_pre_handler",
              "rethook_", "event_triggers_", "trace_buffer_", "trace_call_bpf"}))
    return KernelFunction::kTracing;
  if (begins({"lock_acquire", "lock_release", "lock_contended", "_raw_", "__raw_", "mutex_", "__mutex_", "rt_mutex_",
              "__rt_mutex_", "ww_mutex_", "__ww_mutex_", "down_", "__down_", "up_", "__up_", "rwsem_", "rt_spin_", "rt_read_",
              "rt_write_", "rtlock_", "queued_", "do_raw_", "wait_for_completion", "__wait_for_common", "do_wait_for_common",
              "percpu_down_", "percpu_up_", "__percpu_", "_down_write", "complete_with_flags"}) ||
      is({"down", "up", "complete", "complete_all", "__lock_acquire", "__lock_release", "try_wait_for_completion",
          "wait_for_common", "prepare_to_wait_event", "finish_wait", "__wake_up", "__wake_up_common_lock"}))
    return KernelFunction::kLocking;
  return KernelFunction::kOther;
}

Site KernelEvents::site(std::string_view text) {
  const Site number = model_.site(text);
  if (number >= frame_kinds_.size()) frame_kinds_.resize(number + 1, kUnclassified);
  if (frame_kinds_[number] == kUnclassified) frame_kinds_[number] = static_cast<std::uint8_t>(kernel_function(text));
  return number;
}

// What the innermost frame that belongs to an interrupt or to the task's own scheduling says.
char KernelEvents::chain_context(const KernelRecord& record) const {
  bool hard = false;
  for (std::size_t i = 0; i < record.frame_count; ++i) {
    switch (kind_of(record.frames[i])) {
      case KernelFunction::kSoftirq: return hard ? 'H' : 's';
      case KernelFunction::kHardirq: hard = true; break;
      case KernelFunction::kTask: return hard ? 'h' : '.';
      default: break;
    }
  }
  return hard ? 'h' : '.';
}

Site KernelEvents::stack(const Task& task, const KernelRecord& record) {
  std::size_t first = 0;
  while (first < record.frame_count) {
    const KernelFunction kind = kind_of(record.frames[first]);
    if (kind != KernelFunction::kLocking && kind != KernelFunction::kTracing) break;
    ++first;
  }
  if (first == record.frame_count) return 0;
  Event out;
  out.kind = EventKind::kSetStack;
  out.context = task.id;
  out.frames = record.frames + first;
  out.number = record.frame_count - first;
  out.position = position_;
  consumer_.on_event(out);
  return record.frames[first];
}

// --- the kernel's own tracepoints --------------------------------------------------------------------------------------

bool KernelEvents::stock_lock(const KernelRecord& record) {
  const std::string_view what = record.event.substr(5);
  const bool acquire = what == "acquire";
  if (!acquire && what != "release" && what != "acquired") return true;   // lock_contended
  std::string_view body = record.body;
  if (body.starts_with("(")) {   // (____ptrval____), (ptrval), (null)
    ++hashed_;
    return true;
  }
  std::uint64_t map = 0;
  if (!take_hex(body, map)) return false;
  if (what == "acquired") {
    stock_acquired(record, map);
    return true;
  }
  if (!acquire) {
    stock_release(record, map);
    return true;
  }
  StockAcquire stock;
  stock.map = map;
  if (!body.starts_with(" ")) return false;
  body.remove_prefix(1);
  if (body.starts_with("try ")) {
    stock.try_lock = true;
    body.remove_prefix(4);
  }
  if (body.starts_with("read ")) {
    stock.read = true;
    body.remove_prefix(5);
  }
  if (body.empty()) return false;
  stock.name = body;
  stock_acquire(record, stock);
  return true;
}

KernelEvents::Task* KernelEvents::lock_task(const KernelRecord& record) {
  position_ = record.position;
  if (record.pid == 0 && record.cpu == KernelRecord::kNoCpu) {
    ++idle_;   // one of the idle tasks, but which?
    return nullptr;
  }
  return &task_of(record, record.context != '\0' || record.frame_count == 0 ? record.context : chain_context(record));
}

// A pointer as the stock events print it, as the probes do.
std::uint64_t KernelEvents::unhashed(std::uint64_t map) const {
  if (unhashed_.empty()) return map;
  const std::uint32_t number = hashed_numbers_.find(map);
  return number == AddressMap::kAbsent ? map : unhashed_[number];
}

void KernelEvents::stock_acquire(const KernelRecord& record, const StockAcquire& stock) {
  Task* const task = lock_task(record);
  if (task == nullptr) return;
  ++lock_events_;
  if (source_ == Source::kProbes) {
    // Where the probe of the same acquisition told of it in more detail, its pointer may be hashed here (32 bits).
    if (task->acquires.take(unhashed(stock.map))) return;
    if (stock.map >> 32 == 0 && !task->acquires.empty() && task->acquires.newest() >> 32 != 0) {
      const std::uint64_t probed = task->acquires.newest();
      task->acquires.take(probed);
      if (const std::uint32_t known = hashed_numbers_.find(stock.map); known != AddressMap::kAbsent) {
        unhashed_[known] = probed;
      } else {
        hashed_numbers_.insert(stock.map, static_cast<std::uint32_t>(unhashed_.size()));
        unhashed_.push_back(probed);
      }
      return;
    }
  }
  KernelAcquire acquire;
  acquire.map = unhashed(stock.map);
  acquire.missed = source_ == Source::kProbes;
  acquire.try_lock = stock.try_lock;
  // Which kind of reader is not recorded: the one that blocks least.
  if (stock.read) acquire.mode = Mode::kRecursiveRead;
  acquire.name = stock.name;
  acquire.site = stack(*task, record);
  model_.acquire(*task, acquire);
}

void KernelEvents::stock_acquired(const KernelRecord& record, std::uint64_t map) {
  if (Task* const task = lock_task(record)) model_.acquired(*task, unhashed(map));
}

void KernelEvents::stock_release(const KernelRecord& record, std::uint64_t map) {
  if (source_ == Source::kLockx) return;   // told in more detail
  Task* const task = lock_task(record);
  if (task == nullptr) return;
  const std::uint64_t unhashed_map = unhashed(map);
  if (task->releases.take(unhashed_map)) return;
  if (releases_probed_ && unhashed_map >> 32 == 0) return;   // of a lock not seen acquired
  model_.release(*task, unhashed_map, 0);
}

// --- the end -----------------------------------------------------------------------------------------------------------

void KernelEvents::finish(std::string_view unit) {
  if (source_ == Source::kUnknown) choose(Source::kStock);
  while (!trapped_.empty()) tell_trapped(0, '\0');
  model_.finish();
  if (unreadable_ != 0)
    consumer_.on_note(std::to_string(unreadable_) + " events could not be read and were passed over, the first in " + std::string(unit) +
                      " " + std::to_string(first_unreadable_));
  if (hashed_ != 0)
    consumer_.on_note(std::to_string(hashed_) + " events name locks by (____ptrval____), which tells none apart, and were passed "
                      "over: record with the kernel option no_hash_pointers, or later after boot");
  if (idle_ != 0)
    consumer_.on_note(std::to_string(idle_) + " events of idle tasks were passed over: without a processor these cannot be told apart");
  if (contentions_ != 0 && lock_events_ == 0 && source_ != Source::kLockx && source_ != Source::kProbes)
    consumer_.on_note("contention_begin and contention_end alone tell no lock order: a kernel with CONFIG_LOCKDEP has lock_acquire");
}

}  // namespace crossdep::traces
