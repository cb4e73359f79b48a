// SPDX-License-Identifier: MIT
//
// See finish.h. A handler registered with on_exit() while the program is being loaded runs after all others and after
// all destructors of libraries (handlers run last in, first out), and is told the exit status. To change the status it
// calls exit() again, which the C library answers by going on with what is left: flushing the streams.
//
// Threading and allocation: see finish.h.
#include "core/finish.h"

#include <stdlib.h>

#include "core/output.h"
#include "core/places.h"
#include "core/runtime.h"
#include "core/syscalls.h"
#include "interpose/primitives.h"
#include "interpose/real.h"

extern "C" int __cxa_at_quick_exit(void (*)(void*), void*);

namespace crossdep::runtime {
namespace {

// Who comes first finishes; a signal or a halt that would end the process meanwhile waits for it.
enum : std::uint32_t { kRunning, kFinishing, kFinished };
std::atomic<std::uint32_t> stage{kRunning};
std::atomic<int> quick_status{0};

// A process that shares our memory (vfork) or was copied from us without being told is not ours to end.
bool is_ours() noexcept {
  return runtime.state.load(std::memory_order_acquire) == State::kStarted && !in_unknown_child() &&
         system_getpid() == runtime.pid;
}

void at_exit(int status, void*) {
  if (!is_ours()) return;
  // No check of what this thread holds: the whole process goes, and with it everybody who could ever ask for the lock.
  close_stream(this_thread());
  finish(Ending::kHandlers);
  const int wanted = final_status(status);
  if (wanted != (status & 0xff)) exit(wanted);
}

void at_quick_exit(void*) {
  if (!is_ours()) return;
  finish(Ending::kImmediate);
  const int status = quick_status.load(std::memory_order_relaxed);
  if (final_status(status) != status) real._exit(final_status(status));
}

bool has_events() noexcept {
  return engine_of_process().request_count() != 0 || engine_of_process().class_count() != 0;
}

void write_totals(Ending how) noexcept {
  // In a signal handler the interrupted thread may hold the engine itself.
  if (how == Ending::kSignal) {
    int tries = 0;
    while (!runtime.serial.try_lock())
      if (++tries == 1000) return;
  } else {
    runtime.serial.lock();
  }
  if (how != Ending::kSignal) engine_of_process().finish();
  const engine::Losses losses = engine_of_process().losses();
  runtime.journal.finish(losses, engine_of_process().request_count());
  runtime.serial.unlock();
}

void write_results(Ending how) noexcept {
  write_totals(how);
  tell_unseen_primitives();
  if (runtime.options.supervised || !runtime.journal.is_open()) return;
  const Places& places = runtime.places;
  const bool wanted = places.graph.length() != 0 && has_events();
  if (!wanted && has_events() && places.rule_count != 0) write_graph(nullptr);   // rules are judged all the same
  const bool written = wanted && write_graph(places.graph.data());
  if (written && runtime.options.verbose) {
    Line line;
    say(line.add("crossdep: graph: ").add(places.graph.data()).add('\n'));
  }
  if (wanted && !written) {
    Line line;
    line.add("crossdep: error: ").add(places.graph.data()).add(": not written; the journal is ").add(places.journal.data());
    say(line.add('\n'));
    return;
  }
  if (!runtime.options.record || places.graph.length() == 0) system_unlink(places.journal.data());
}

}  // namespace

void install_exit_hooks() noexcept {
  on_exit(at_exit, nullptr);
  __cxa_at_quick_exit(at_quick_exit, nullptr);
}

void finish(Ending how) noexcept {
  std::uint32_t expected = kRunning;
  if (how != Ending::kExec && !stage.compare_exchange_strong(expected, kFinishing, std::memory_order_acq_rel)) {
    constexpr int kMostWaits = 300;   // of 100 ms
    const std::int64_t pause[2] = {0, 100'000'000};
    const bool waits = how == Ending::kSignal || how == Ending::kHalt;   // to return would cut the other short
    for (int i = 0; i < kMostWaits && waits && stage.load(std::memory_order_acquire) != kFinished; ++i)
      system_call(SYS_nanosleep, word(pause), 0);
    return;
  }
  const std::uint64_t signals = system_block_signals();
  {
    Quiet quiet;
    if (how != Ending::kSignal) wait_for_recording();
    write_results(how);
  }
  if (how != Ending::kExec) stage.store(kFinished, std::memory_order_release);
  system_restore_signals(signals);
}

int final_status(int status) noexcept {
  status &= 0xff;
  if (status != 0 || runtime.options.supervised) return status;
  if (runtime.places.suppressions.length() != 0) wait_for_printing();
  if (runtime.sink.at_policy() == 0) return status;
  return static_cast<int>(runtime.options.exitcode);
}

int finish_now(int status) noexcept {
  quick_status.store(status, std::memory_order_relaxed);
  if (!is_ours()) return status;
  finish(Ending::kImmediate);
  return final_status(status);
}

void halt() noexcept {
  this_thread().halts = false;
  if (!is_ours()) return;
  close_stream(this_thread());
  finish(Ending::kHalt);
  // No handler of the program runs, as with a sanitizer's halt: they may wait for a lock that this thread holds.
  system_call(SYS_exit_group, static_cast<long>(runtime.options.exitcode));
}

void note_quick_exit(int status) noexcept { quick_status.store(status, std::memory_order_relaxed); }

void finished_in_child() noexcept { stage.store(kRunning, std::memory_order_relaxed); }

}  // namespace crossdep::runtime
