// SPDX-License-Identifier: MIT
//
// A fork child starts anew, when it first does something we see: its own memory arenas, engine, journal. What its one
// thread holds is held in the new engine too. Nothing of the parent's is written to, and of the parent's structures only
// those are read that belong to this thread or are published atomically - other threads, which are not here, may have
// stood in the middle of anything.
//
// What other threads of the parent held stays held for ever here: those locks are made anew as left behind, and the first
// request for one is a finding. The kernel's word is asked before anything of theirs is looked at.
//
// Threading: the child's only thread.  Allocation: anew.
#include <errno.h>
#include <fcntl.h>

#include "core/events.h"
#include "core/finish.h"
#include "core/identity.h"
#include "core/output.h"
#include "core/runtime.h"
#include "core/syscalls.h"
#include "core/hold_time.h"
#include "core/thread_records.h"

namespace crossdep::runtime {

using namespace engine;

namespace {

constexpr unsigned kMostLeft = 256;   // locks left behind; further ones are not judged
constinit Engine::HeldByOther left[kMostLeft];

// The kernel reads eight bytes from each address before it finds that the command makes no sense.
bool readable(const void* begin, std::size_t size) noexcept {
  constexpr std::uint64_t kPage = 4096;
  const auto first = reinterpret_cast<std::uint64_t>(begin);
  if (first == 0 || first % 8 != 0 || size < 8) return size == 0;
  for (std::uint64_t at = first; at < first + size; at = (at / kPage + 1) * kPage)
    if (system_call(SYS_rt_sigprocmask, ~0, static_cast<long>(at), 0, 8) == -EFAULT) return false;
  return true;
}

// Memory shared with the parent: its locks are given up there.
bool shared_with_parent(std::uint64_t address) noexcept {
  const long file = system_open("/proc/self/maps", O_RDONLY);
  if (file < 0) return false;
  bool shared = false, found = false;
  char text[4096];
  std::uint64_t begin = 0, end = 0;
  unsigned field = 0, column = 0;
  for (long size; !found && (size = system_read(static_cast<int>(file), text, sizeof text)) > 0;) {
    for (long i = 0; i < size && !found; ++i) {
      const char c = text[i];
      if (c == '\n') {
        begin = end = 0;
        field = column = 0;
      } else if (field == 0 && c == '-') {
        field = 1;
      } else if (field == 1 && c == ' ') {
        field = 2;
      } else if (field < 2) {
        std::uint64_t& number = field == 0 ? begin : end;
        number = number * 16 + static_cast<std::uint64_t>(c <= '9' ? c - '0' : c - 'a' + 10);
      } else if (field == 2 && ++column == 4) {
        field = 3;
        found = address >= begin && address < end;
        shared = found && c == 's';
      }
    }
  }
  system_close(static_cast<int>(file));
  return shared;
}

void adopt_left(Token inside, const LockInstance* lock, Mode mode, Site site) noexcept {
  const bool known = identity.was_parents(lock->address, lock);
  if (!known || lock->kind > Kind::kRwsem || (lock->flags & kOfProcess) != 0 || shared_with_parent(lock->address)) return;
  const auto flags = static_cast<std::uint8_t>(lock->flags | (mode == Mode::kWrite ? 0 : kLeftRead));
  identity.adopt_left(inside, lock->address, lock->kind, flags, site);
}

}  // namespace

void become_child(ThreadState& self) noexcept {
  const Phase before = self.phase;
  self.phase = Phase::kInside;
  Context* const parents = self.context;
  self.context = nullptr;
  self.stream = nullptr;   // its pages were wiped: closed
  self.watched = false;
  close_hold_times(self);  // of the parent's locks
  self.record = nullptr;
  const bool was_started = runtime.state.load(std::memory_order_relaxed) == State::kStarted;
  unsigned left_count = was_started ? engine_of_process().held_by_others(parents, left, kMostLeft, readable) : 0;
  if (left_count > kMostLeft) left_count = kMostLeft;
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
        if (held->lock == nullptr || held->pseudo || (held->lock->flags & kOfProcess) != 0) continue;
        LockInstance* lock = identity.adopt(inside, held->lock);
        for (std::uint32_t i = 0; i <= held->further(); ++i) acquired(inside, lock, held->mode, held->flags, held->site);
      }
      for (unsigned i = 0; i < left_count; ++i) adopt_left(inside, left[i].lock, left[i].mode, left[i].site);
      identity.each_left_to_parent([&](const LockInstance* lock) noexcept {
        adopt_left(inside, lock, (lock->flags & kLeftRead) != 0 ? Mode::kRead : Mode::kWrite, lock->left_at);
      });
    }
  }
  self.phase = before;
}

}  // namespace crossdep::runtime
