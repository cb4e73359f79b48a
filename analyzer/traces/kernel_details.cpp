// SPDX-License-Identifier: MIT
//
// The detailed sources of KernelEvents: lockx_* tracepoints, probes (kprobe, fprobe, perf probe), work items.
#include <cctype>

#include "traces/kernel_events.h"

namespace crossdep::traces {

using engine::Mode;

namespace {

Mode mode_of(std::uint64_t read) {
  return read == 0 ? Mode::kWrite : read == 1 ? Mode::kRead : Mode::kRecursiveRead;
}

// The place `SYM+0xOFF/0xLEN [module]` that begins at `value`; a blank and a bracket continue it.
std::string_view with_module(std::string_view value, std::string_view rest) {
  if (rest.size() < 3 || rest[0] != ' ' || rest[1] != '[') return value;
  const std::size_t close = rest.find(']');
  if (close == std::string_view::npos) return value;
  return {value.data(), static_cast<std::size_t>(rest.data() + close + 1 - value.data())};
}

// A probe's function. Where the place is an address only (perf, trace-cmd), the event's name has to tell: that of the function,
// as `perf probe` and `crossdep kernel-probes` name them, behind it what says that it is the return.
std::string_view function_of(std::string_view event, const FtraceProbe& probe) {
  if (!probe.function.starts_with("0x") && !(std::isxdigit(static_cast<unsigned char>(probe.function.front())) != 0 && probe.function.size() >= 8 &&
                                             probe.function.find_first_not_of("0123456789abcdef") == std::string_view::npos))
    return probe.function;
  for (const std::string_view tail : {"__return", "_return", "_ret", "__entry", "_entry"})
    if (event.ends_with(tail)) return event.substr(0, event.size() - tail.size());
  return event;
}

}  // namespace

// --- lockx_* -----------------------------------------------------------------------------------------------------------

bool KernelEvents::lockx(Task& task, const KernelRecord& record) {
  const std::string_view what = record.event.substr(6);
  if (what == "acquire") return lockx_acquire(task, record);
  if (what == "release") return lockx_release(task, record.body);
  if (what == "downgrade") {
    std::string_view rest = record.body, key, value, place;
    std::uint64_t map = 0;
    while (take_field(rest, key, value)) {
      if (key == "map" && !take_hex(value, map)) return false;
      if (key == "ip") place = value;
    }
    if (map == 0) return false;
    model_.downgrade(task, map, model_.site(place));
  }
  return true;   // lockx_class, lockx_usage, lockx_edge, lockx_off: what lockdep made of it
}

bool KernelEvents::lockx_acquire(Task& task, const KernelRecord& record) {
  const std::string_view body = record.body;
  KernelAcquire acquire;
  acquire.keyed = true;
  std::uint64_t number = 0;
  bool judged = true;
  std::string_view key, value, place;
  std::string_view rest = body;
  while (take_field(rest, key, value)) {
    if (key == "map") {
      if (!take_hex(value, acquire.map)) return false;
    } else if (key == "key") {
      if (!take_hex(value, acquire.key)) return false;
    } else if (key == "sub") {
      if (!take_decimal(value, number) || number > 255) return false;
      acquire.subclass = static_cast<std::uint8_t>(number);
    } else if (key == "try") {
      acquire.try_lock = value != "0";
    } else if (key == "read") {
      if (!take_decimal(value, number)) return false;
      acquire.mode = mode_of(number);
    } else if (key == "check") {
      acquire.unchecked = value == "0";
    } else if (key == "sync") {
      acquire.sync = value != "0";
    } else if (key == "on") {
      if (value == "0") judged = false;   // lockdep itself left it out: inside its own work
    } else if (key == "hoff") {
      acquire.hardirqs_off = value != "0";
    } else if (key == "se") {
      acquire.softirqs_off = value == "0";
    } else if (key == "nest") {
      if (!take_hex(value, acquire.nest)) return false;
    } else if (key == "wait") {
      std::uint64_t inner = 0;
      if (take_decimal(value, number) && !value.empty() && value.front() == ':') {
        value.remove_prefix(1);
        take_decimal(value, inner);
        acquire.wait_outer = static_cast<std::uint8_t>(number);
        acquire.wait_inner = static_cast<std::uint8_t>(inner);
      }
    } else if (key == "ip") {
      place = with_module(value, rest);
      rest.remove_prefix(place.size() - value.size());
    } else if (key == "name") {   // the last field, and it may hold blanks
      acquire.name = {value.data(), static_cast<std::size_t>(body.data() + body.size() - value.data())};
      break;
    }
  }
  if (acquire.map == 0 || acquire.name.empty()) return false;
  if (!judged) {
    model_.pass_over(acquire.map);
    return true;
  }
  acquire.site = model_.site(place);
  const Site called = stack(task, record);
  if (acquire.site == 0) acquire.site = called;
  acquire.unchecked ? model_.unchecked(task, acquire) : model_.acquire(task, acquire);
  return true;
}

bool KernelEvents::lockx_release(Task& task, std::string_view body) {
  std::uint64_t map = 0;
  std::string_view key, value, place;
  std::string_view rest = body;
  while (take_field(rest, key, value)) {
    if (key == "map" && !take_hex(value, map)) return false;
    if (key == "ip") {
      place = with_module(value, rest);
      break;
    }
  }
  if (map == 0) return false;
  model_.release(task, map, model_.site(place));
  return true;
}

// --- probes ------------------------------------------------------------------------------------------------------------

bool KernelEvents::probe(const KernelRecord& record) {
  FtraceProbe probe;
  if (!parse_ftrace_probe(record.body, probe)) return true;   // an event whose text begins with a parenthesis
  const std::string_view function = function_of(record.event, probe);
  const bool sync = function == "lock_sync";
  const bool acquire = sync || looks_like_acquire(record);
  const bool srcu = function.starts_with("synchronize_srcu");
  const bool rcu = function == "synchronize_rcu" || function == "synchronize_rcu_expedited" || function == "synchronize_net";
  const bool wait = function.starts_with("wait_for_completion");
  const bool try_wait = function == "try_wait_for_completion";
  const bool signal = function == "complete" || function == "complete_all" || function == "complete_on_current_cpu";
  const bool init = function == "__init_swait_queue_head";
  const bool release = function == "lock_release" || record.event == "lock_release_args", downgrade = function == "lock_downgrade";
  const bool semaphore = function == "up" || function == "down" || function.starts_with("down_trylock") || function == "down_timeout" ||
                         function == "down_interruptible" || function == "down_killable";
  const bool queue = function == "prepare_to_wait_event" || function == "prepare_to_wait" || function == "prepare_to_wait_exclusive" ||
                     function == "finish_wait" || function == "__wake_up" || record.event == "wake_up";
  if (!acquire && !srcu && !rcu && !wait && !try_wait && !signal && !init && !release && !downgrade && !semaphore && !queue) return true;
  if (record.pid == 0 && record.cpu == KernelRecord::kNoCpu) return true;

  // A probe's trap is printed as an NMI: the context is that of the code it interrupted.
  const char column = record.context != '\0' || record.frame_count == 0 ? record.context : chain_context(record);
  Task& task = task_of(record, column == 'z' || column == 'Z' ? '\0' : column);
  if (acquire) {
    return probe.is_return || source_ == Source::kLockx || probed_acquire(task, record, probe);
  }

  if (rcu) {
    if (!probe.is_return) model_.synchronize_rcu(task, called_at(task, record, probe));
    return true;
  }

  std::string_view fields = probe.fields, key, value;
  std::uint64_t number = 0;
  const bool has_field = take_field(fields, key, value) && take_hex(value, number);
  if (srcu && probe.is_return) {
    model_.synchronized(task);
    return true;
  }
  if (srcu) {
    if (has_field && number != 0) model_.synchronize_srcu(task, number, called_at(task, record, probe));
    return has_field && number != 0;
  }
  if (semaphore || queue) return semaphore_or_queue(task, record, probe, function, has_field, number);
  if (release || downgrade) {
    if (probe.is_return || source_ == Source::kLockx) return true;
    if (!has_field || number == 0) return false;
    std::string_view place;
    if (take_field(fields, key, value) && key == "ip") place = with_module(value, fields);
    if (downgrade) {
      model_.downgrade(task, number, model_.site(place));
    } else {
      releases_probed_ = true;
      task.releases.probed(number);
      model_.release(task, number, model_.site(place));
    }
    return true;
  }
  if (probe.is_return) {
    const Site place = model_.site(probe.place);
    if (try_wait) {
      model_.end_try_wait(task, has_field && number != 0, place);
    } else if (wait) {
      // The plain form always gets its signal; the interruptible forms return 0 for it, those with a time what is left of it.
      const bool timed = function.find("timeout") != std::string_view::npos;
      const bool interruptible = function.find("interruptible") != std::string_view::npos ||
                                 function.find("killable") != std::string_view::npos;
      const bool negative = number >> 63 != 0;
      const bool matched = !has_field || (timed ? number != 0 && !negative : !interruptible || number == 0);
      model_.end_wait(task, matched, place);
    }
    return true;
  }
  if (!has_field || number == 0) return false;
  const Site called = wait || signal ? stack(task, record) : 0;
  const Site place = called != 0 ? called : model_.site(probe.place);
  if (wait) {
    const bool timed = function.find("timeout") != std::string_view::npos;
    model_.begin_wait(task, number, timed ? engine::kTimed : 0, place);
  } else if (try_wait) {
    model_.begin_try_wait(task, number);
  } else if (signal) {
    model_.complete(task, number, function == "complete_all", place);
  } else if (init && number > 8) {
    model_.initialise_completion(task, number - 8);   // the queue lies behind `done`
  }
  return true;
}

// The caller by the call chain, else the probed function.
Site KernelEvents::called_at(const Task& task, const KernelRecord& record, const FtraceProbe& probe) {
  const Site called = stack(task, record);
  return called != 0 ? called : model_.site(probe.place);
}

bool KernelEvents::semaphore_or_queue(Task& task, const KernelRecord& record, const FtraceProbe& probe, std::string_view function,
                                      bool has_field, std::uint64_t number) {
  if (probe.is_return) {
    // 0 is success, for the plain form too, which returns nothing.
    if (function.starts_with("down")) model_.end_down(task, function == "down" || !has_field || static_cast<std::uint32_t>(number) == 0);
    return true;
  }
  if (!has_field || number == 0) return false;
  const Site place = called_at(task, record, probe);
  if (function == "up") model_.up(task, number, place);
  else if (function == "down_trylock") model_.down(task, number, engine::kTry, place);
  else if (function.starts_with("down")) model_.down(task, number, function == "down_timeout" ? engine::kTimed : 0, place);
  else if (function == "finish_wait") model_.end_queue_wait(task, number, place);
  else if (function.starts_with("prepare_to_wait")) model_.begin_queue_wait(task, number, place);
  else model_.wake_queue(task, number, place);
  return true;
}

bool KernelEvents::probed_acquire(Task& task, const KernelRecord& record, const FtraceProbe& probe) {
  source_ = Source::kProbes;
  KernelAcquire acquire;
  std::string_view fields = probe.fields, key, value, place;
  std::uint64_t number = 0;
  acquire.sync = record.event.starts_with("lock_sync") || probe.function == "lock_sync";
  while (take_field(fields, key, value)) {
    if (key == "map") {
      if (!take_hex(value, acquire.map)) return false;
    } else if (key == "key") {
      if (!take_hex(value, acquire.key)) return false;
      acquire.keyed = true;
    } else if (key == "name") {
      acquire.name = value;
    } else if (key == "ip") {
      place = with_module(value, fields);
      fields.remove_prefix(place.size() - value.size());
    } else if (key == "nest") {
      take_hex(value, acquire.nest);
    } else if (key == "sub" || key == "try" || key == "read" || key == "check") {
      const bool hex = value.starts_with("0x");
      if (!(hex ? take_hex(value, number) : take_decimal(value, number))) return false;
      if (key == "sub") acquire.subclass = static_cast<std::uint8_t>(number);
      if (key == "try") acquire.try_lock = number != 0;
      if (key == "read") acquire.mode = mode_of(number);
      if (key == "check") acquire.unchecked = number == 0;
    }
  }
  if (acquire.map == 0) return false;
  if (!acquire.sync) task.acquires.probed(acquire.map);   // of a sync there is no stock event
  if (acquire.name.empty() || acquire.name == "(fault)") acquire.name = "?";
  acquire.site = stack(task, record);
  if (!place.empty()) acquire.site = model_.site(place);
  if (acquire.site == 0) acquire.site = model_.site(probe.place);
  acquire.unchecked ? model_.unchecked(task, acquire) : model_.acquire(task, acquire);
  return true;
}

// --- work items ----------------------------------------------------------------------------------------------------------

// `work struct ffffffff81cc7a60: function process_srcu [module]`
bool KernelEvents::work_begins(Task& task, std::string_view body) {
  constexpr std::string_view kHead = "work struct ", kFunction = ": function ";
  if (!body.starts_with(kHead)) return false;
  body.remove_prefix(kHead.size());
  std::uint64_t work = 0;
  if (!take_hex(body, work)) return false;
  if (body.starts_with(kFunction)) body.remove_prefix(kFunction.size());
  else body = "?";
  model_.begin_work(task, work, body);
  return true;
}

}  // namespace crossdep::traces
