// SPDX-License-Identifier: MIT
//
// A fork child starts anew, when it first does something we see: its own memory arenas, engine, journal. What its one
// thread holds is held in the new engine too. Nothing of the parent's is written to, and of the parent's structures only
// those are read that belong to this thread or are published atomically - other threads, which are not here, may have
// stood in the middle of anything.
//
// Threading: the child's only thread.  Allocation: anew.
#include "core/events.h"
#include "core/finish.h"
#include "core/identity.h"
#include "core/output.h"
#include "core/runtime.h"
#include "core/syscalls.h"
#include "core/thread_records.h"

namespace crossdep::runtime {

using namespace engine;

void become_child(ThreadState& self) noexcept {
  const Phase before = self.phase;
  self.phase = Phase::kInside;
  Context* const parents = self.context;
  self.context = nullptr;
  self.stream = nullptr;   // its pages were wiped: closed
  self.record = nullptr;
  memory.restart();
  runtime.serial.free_in_child();
  runtime.start_lock.free_in_child();
  restart_output();
  restart_streams();
  identity.become_child();
  forget_threads();
  finished_in_child();
  mark_own_process();
  runtime.pid = system_getpid();
  const bool was_started = runtime.state.load(std::memory_order_relaxed) == State::kStarted;
  if (was_started) runtime.state.store(State::kLoaded, std::memory_order_relaxed);
  if (!start() || !attach_thread(self)) {
    self.phase = self.resting = Phase::kOff;
    return;
  }
  self.resting = Phase::kReady;
  self.phase = Phase::kReady;
  if (parents != nullptr && was_started) {
    if (Inside inside = Inside::enter()) {
      for (const Held* held = parents->held_begin(); held != parents->held_end(); ++held) {
        if (held->lock == nullptr || held->pseudo) continue;
        LockInstance* lock = identity.adopt(inside, held->lock);
        for (std::uint32_t i = 0; i <= held->depth; ++i) acquired(inside, lock, held->mode, held->flags, held->site);
      }
    }
  }
  self.phase = before;
}

}  // namespace crossdep::runtime
