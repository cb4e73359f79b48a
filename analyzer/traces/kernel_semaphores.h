// SPDX-License-Identifier: MIT
//
// Semaphores of a recorded kernel: down*() and up(), told apart by address, shown as `(semaphore)0x…`.
//
// A semaphore is used in two ways, and its events do not say in which:
//   - as a mutex: who gets it by down() gives it back by up(). It is a lock that its task holds in between.
//   - as a signal: one task waits by down(), another one releases it by up(). It is waited for, like a completion.
// So a down() is judged as both, a request for the lock and a wait. An up() by the task that holds it makes it a lock from
// then on; an up() by another one, while somebody waits, releases that wait, and nobody is said to hold it any more.
//
// When a down() that is not blocked was over is told by its return probe; without one by the task's next event, unless that is
// one of the semaphore's own spin lock, or of the scheduler (it is going to sleep).
//
// Threading: one thread.  Allocation: one entry per address.
#pragma once

#include <cstdint>
#include <vector>

#include "traces/address_map.h"
#include "traces/event.h"
#include "traces/kernel_completions.h"

namespace crossdep::traces {

/// What a task does with a semaphore; a member of the task.
struct KernelDown {
  std::uint32_t semaphore = 0xffffffffu;   // none
  bool waits = false;                      // a wait on it is open
  bool asleep = false;                     // switched out inside
  ContextId released_by = kNone;           // an up() by another task ended the wait
  std::uint8_t flags = 0;
  Site site = 0;

  bool open() const { return semaphore != 0xffffffffu; }
};

class KernelSemaphores {
 public:
  KernelSemaphores(EventConsumer& consumer, KernelIds& ids) : consumer_(consumer), ids_(ids) {}

  /// `event` has context, site, flags and position, here and below.
  void down(KernelDown& task, std::uint64_t address, Event event);
  /// It returned, having got it or not.
  void end_down(KernelDown& task, bool got, Event event);
  /// Something else of the task was recorded, at this address (0: none) or of a lock of this name: ends a down() that was not
  /// blocked and whose return is not recorded.
  void passed(KernelDown& task, std::uint64_t address, std::string_view name, Event event);
  /// The task was switched out, not having been preempted.
  void slept(KernelDown& task) { task.asleep = task.open(); }
  void up(std::uint64_t address, Event event);
  /// What the task held or waited for is not known any more.
  void forget(KernelDown& task, ContextId context);

 private:
  struct Semaphore {
    std::uint64_t address;
    InstanceId lock, signal;      // of the same object: as a lock, and as what is waited for
    ContextId holder;             // kNone: nobody, or unknown
    bool is_lock;                 // was given back by its holder
    bool is_signal;               // was released by another one
    std::vector<KernelDown*> waiters;
  };

  Semaphore& find_or_make(KernelDown* task, std::uint64_t address, const Event& event);
  InstanceId define(std::uint64_t address, engine::Kind kind, const Event& event);
  void leave(KernelDown& task);

  EventConsumer& consumer_;
  KernelIds& ids_;
  AddressMap numbers_;
  std::vector<Semaphore> semaphores_;
  bool returns_ = false;          // return probes are recorded
};

}  // namespace crossdep::traces
