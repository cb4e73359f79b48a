// SPDX-License-Identifier: MIT
//
// Coming to life: options, paths, exit hooks (prepare), then engine, journal and module table (start).
//
// Threading: both steps under one lock, any thread first.  Allocation: none before the engine.
#include "core/runtime.h"

#include <elf.h>
#include <errno.h>
#include <sys/auxv.h>

#include <new>

#include "core/finish.h"
#include "core/identity.h"
#include "core/modules.h"
#include "core/output.h"
#include "core/places.h"
#include "core/stacks.h"
#include "core/watchdog.h"
#include "interpose/primitives.h"
#include "interpose/real.h"
#include "interpose/signal.h"

extern "C" char** environ;

namespace crossdep::runtime {

constinit Runtime runtime;
thread_local constinit ThreadState thread_state_block{};

namespace {

// Zeroed by the kernel in a child made by fork or clone, however it was made.
std::atomic<std::uint32_t>* own_process = nullptr;

void tell(const char* line, std::size_t length) { say(line, length); }

bool make_process_mark() noexcept {
  void* page = system_pages(4096);
  if (page == nullptr) return false;
  constexpr int kWipeOnFork = 18;   // MADV_WIPEONFORK, Linux 4.14
  if (system_call(SYS_madvise, word(page), 4096, kWipeOnFork) != 0) return false;
  own_process = static_cast<std::atomic<std::uint32_t>*>(page);
  own_process->store(1, std::memory_order_relaxed);
  return true;
}

// The value of `name` in the environment; libc's pointer to it may not be set up yet.
const char* variable(const char* name, char* buffer, std::size_t size) noexcept {
  const std::size_t n = length(name);
  for (char** at = environ; at != nullptr && *at != nullptr; ++at)
    if (begins_with(*at, name) && (*at)[n] == '=') return *at + n + 1;
  if (environ != nullptr) return nullptr;
  const long fd = system_open("/proc/self/environ", O_RDONLY);
  if (fd < 0) return nullptr;
  std::size_t used = 0;
  for (long got; used + 1 < size && (got = system_read(static_cast<int>(fd), buffer + used, size - 1 - used)) > 0;)
    used += static_cast<std::size_t>(got);
  system_close(static_cast<int>(fd));
  buffer[used] = 0;
  for (std::size_t at = 0; at < used; at += length(buffer + at) + 1)
    if (begins_with(buffer + at, name) && buffer[at + n] == '=') return buffer + at + n + 1;
  return nullptr;
}

// Under `crossdep run` nobody may take silence for success.
bool refuse() noexcept {
  if (runtime.options.supervised && runtime.options.strict) system_call(SYS_exit_group, 125);
  return false;
}

bool read_options() noexcept {
  static char buffer[16 * 1024];
  const char* text = variable("CROSSDEP_OPTIONS", buffer, sizeof buffer);
  Text<128> where;
  const OptionError error = text == nullptr ? OptionError::kNone : parse_options(text, runtime.options, where);
  find_places(runtime.options, runtime.places);
  if (runtime.options.help) list_options(tell);
  Line line;
  if (error == OptionError::kNone) {
    if (runtime.places.suppressions.length() == 0) return true;
    const long fd = system_open(runtime.places.suppressions.data(), O_RDONLY);
    if (fd >= 0) {
      system_close(static_cast<int>(fd));
      return true;
    }
    const char* const name = record::error_name(static_cast<int>(-fd));
    line.add("crossdep: error: CROSSDEP_OPTIONS: suppressions: ").add(runtime.places.suppressions.data()).add(": ");
    say(line.add(name != nullptr ? name : "cannot be read").add("; the program runs unobserved\n"));
    return refuse();
  }
  line.add("crossdep: error: CROSSDEP_OPTIONS: ").add(error == OptionError::kUnknown ? "unknown option" : "bad value");
  line.add(" in `").add(where.data()).add("`; the program runs unobserved (help=1 lists the options)\n");
  say(line);
  return refuse();
}

void load() noexcept {
  runtime.pid = system_getpid();
  runtime.secure = getauxval(AT_SECURE) != 0;
  remember_standard_error();
  if (runtime.secure) return turn_off("a privileged program (setuid, setgid or capabilities)");
  if (!read_options() || !runtime.options.enabled) return runtime.state.store(State::kOff);
  if (!make_process_mark()) return turn_off("the kernel is too old (MADV_WIPEONFORK, Linux 4.14)");
  install_exit_hooks();
  prepare_thread_ends();
  runtime.state.store(State::kLoaded, std::memory_order_release);
  load_primitives();
}

bool open_journal() noexcept {
  static char arguments[4096];
  record::ProcessInfo process{};
  process.pid = static_cast<std::uint32_t>(runtime.pid);
  process.parent_pid = static_cast<std::uint32_t>(system_call(SYS_getppid));
  process.executable = runtime.places.executable.data();
  process.arguments = arguments;
  if (const long fd = system_open("/proc/self/cmdline", O_RDONLY); fd >= 0) {
    const long got = system_read(static_cast<int>(fd), arguments, sizeof arguments);
    if (got > 0) process.arguments_length = static_cast<std::uint32_t>(got);
    system_close(static_cast<int>(fd));
  }
  choose_files(runtime.options, static_cast<unsigned>(runtime.pid), runtime.places);
  if (runtime.journal.open(runtime.places.journal.data(), process, tell)) return true;
  // The verdicts can still be printed: they need a journal only while the process lives.
  system_unlink(runtime.places.journal.data());   // what there may be of it is ours, and no use
  constexpr char kLine[] = "crossdep: findings are printed all the same, but no graph will be written\n";
  say(kLine, sizeof kLine - 1);
  choose_fallback(static_cast<unsigned>(runtime.pid), runtime.places);
  return runtime.journal.open(runtime.places.journal.data(), process, tell);
}

}  // namespace

void turn_off(const char* why) noexcept {
  runtime.state.store(State::kOff, std::memory_order_release);
  Line line;
  line.add("crossdep: not observing this program: ").add(why).add('\n');
  say(line);
}

void prepare() noexcept {
  find_real_functions();
  if (runtime.state.load(std::memory_order_acquire) != State::kUnloaded) return;
  Quiet quiet;
  FutexHold hold(runtime.start_lock);
  if (runtime.state.load(std::memory_order_relaxed) == State::kUnloaded) load();
}

bool start() noexcept {
  if (runtime.state.load(std::memory_order_acquire) == State::kStarted) return true;
  FutexHold hold(runtime.start_lock);
  const State state = runtime.state.load(std::memory_order_relaxed);
  if (state != State::kLoaded) return state == State::kStarted;
  engine::Options options;
  options.history = runtime.options.history;
  options.serialiser = &runtime.serial;
  options.stacks = &stacks;
  runtime.sink.begin(runtime.journal, runtime.options.fail_on);
  new (runtime.engine_storage) engine::Engine(memory, runtime.sink, options);
  modules.restart();
  if (open_journal()) modules.announce_all(runtime.journal);
  if (!runtime.options.supervised) watch_signals();
  if (runtime.options.verbose) {
    Line line;
    say(line.add("crossdep: observing process ").number(static_cast<unsigned>(runtime.pid)).add(", journal ")
            .add(runtime.journal.path()).add('\n'));
  }
  runtime.state.store(State::kStarted, std::memory_order_release);
  start_watchdog();
  return true;
}

bool in_unknown_child() noexcept { return own_process != nullptr && own_process->load(std::memory_order_relaxed) == 0; }

void mark_own_process() noexcept { own_process->store(1, std::memory_order_relaxed); }

void Serial::lock() noexcept {
  const std::uint64_t signals = system_block_signals();
  // A child made behind our back has a copy of a lock whose holder may not be here.
  if (in_unknown_child()) {
    lock_.free_in_child();
    this_thread().resting = Phase::kForking;
  }
  lock_.lock();
  this_thread().saved_signals = signals;
}

bool Serial::try_lock() noexcept {
  const std::uint64_t signals = system_block_signals();
  if (lock_.try_lock()) {
    this_thread().saved_signals = signals;
    return true;
  }
  system_restore_signals(signals);
  return false;
}

void Serial::unlock() noexcept {
  const std::uint64_t signals = this_thread().saved_signals;
  Pending pending;
  const bool found = runtime.sink.has_pending() && runtime.sink.take(pending) != 0;
  const bool news = runtime.sink.take_news() && runtime.places.rule_count != 0;
  lock_.unlock();
  system_restore_signals(signals);
  if (found) print_findings(pending);
  if (news) [[unlikely]] judge_by_rules();
}

}  // namespace crossdep::runtime

namespace {

__attribute__((constructor)) void loaded() {
  using namespace crossdep::runtime;
  prepare();
  // Under `crossdep run` a process without any lock event leaves a file too: seen, and nothing there.
  if (runtime.state.load(std::memory_order_acquire) == State::kLoaded && runtime.options.supervised) {
    Quiet quiet;
    start();
  }
}

}  // namespace
