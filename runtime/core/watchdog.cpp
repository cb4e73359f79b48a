// SPDX-License-Identifier: MIT
//
// See watchdog.h. The thread is made by clone() alone: the C library does not count it, so a process whose last other
// thread ends still ends; nothing is allocated, so it can begin inside any lock operation. It has every signal blocked
// and touches no thread-local data (core/clone.h). exec and exit end it. A fork child has none until its runtime starts
// again, at its first lock event, and gets its own then. A change of user ids by the C library does not reach it.
//
// Threading: see watchdog.h.  Allocation: see watchdog.h.
#include "core/watchdog.h"

#include <sched.h>

#include "core/clone.h"
#include "core/output.h"
#include "core/runtime.h"

namespace crossdep::runtime {

namespace {

constexpr std::size_t kStack = 64 * 1024;
constexpr unsigned kMost = 64;   // blocked threads that are listed

// What `crossdep render --blocked` takes: context:class:w|r:all holders:holder+holder;...
using List = Text<8192>;

void describe(const engine::Engine::Blocked& entry, List& list) noexcept {
  list.number(entry.context).add(':').number(entry.class_id).add(entry.waits ? ":w:" : ":r:").number(entry.holder_count).add(':');
  for (unsigned i = 0; i < entry.holder_count && i < engine::Engine::Blocked::kMostHolders; ++i) {
    if (i != 0) list.add('+');
    list.number(entry.holders[i]);
  }
  list.add(';');
}

void print(const engine::Engine::Blocked* blocked, unsigned count, unsigned seconds) noexcept {
  List list;
  for (unsigned i = 0; i < count && i < kMost; ++i) describe(blocked[i], list);
  print_blocked(list.data(), count, seconds);
}

int watch(void*) noexcept {
  system_call(SYS_prctl, 15 /* PR_SET_NAME */, word("crossdep-watch"));
  const std::uint64_t timeout = std::uint64_t{runtime.options.hang_timeout} * 1000;
  constexpr std::uint64_t kStep = 250;   // ms
  const std::int64_t step[2] = {0, kStep * 1'000'000};
  std::uint64_t before = 0, still = 0;
  while (true) {
    system_call(SYS_nanosleep, word(step), 0);
    engine::Engine::Blocked blocked[kMost];
    unsigned count = 0;
    runtime.serial.lock_alone();
    const std::uint64_t now = engine_of_process().progress();
    still = now == before ? still + kStep : 0;
    before = now;
    if (still >= timeout) count = engine_of_process().blocked(blocked, kMost);
    runtime.serial.unlock_alone();
    if (count == 0) continue;
    print(blocked, count, runtime.options.hang_timeout);
    return 0;   // once
  }
}

}  // namespace

void start_watchdog() noexcept {
  if (runtime.options.hang_timeout == 0) return;
  auto* stack = static_cast<char*>(system_pages(kStack));
  if (stack == nullptr) return;
  constexpr long kThread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
  const std::uint64_t signals = system_block_signals();   // and the thread inherits that
  if (start_clone(watch, stack + kStack - 64, nullptr, kThread) < 0) system_release_pages(stack, kStack);
  system_restore_signals(signals);
}

void report_blocked_now() noexcept {
  if (runtime.state.load(std::memory_order_acquire) != State::kStarted) return;
  // The interrupted thread never holds the engine (signals are blocked meanwhile), but another may for long.
  int tries = 0;
  while (!runtime.serial.try_lock())
    if (++tries == 1000) return;
  engine::Engine::Blocked blocked[kMost];
  const unsigned count = engine_of_process().blocked(blocked, kMost);
  runtime.serial.unlock();
  if (count != 0) print(blocked, count, 0);
}

}  // namespace crossdep::runtime
