// SPDX-License-Identifier: MIT
//
// See kernel_semaphores.h. A request is judged when it is made and taken back at once, and made again when it is granted: in
// between the task's own spin locks are on the record.
#include "traces/kernel_semaphores.h"

#include <algorithm>
#include <cstdio>

namespace crossdep::traces {
namespace {

constexpr std::uint64_t kSize = 128;   // struct semaphore with its debug fields; its spin lock lies inside

bool of_the_scheduler(std::string_view name) {
  return name == "&rq->__lock" || name == "&rq->lock" || name == "&p->pi_lock" || name == "&cfs_b->lock" || name == "rcu_read_lock";
}

}  // namespace

InstanceId KernelSemaphores::define(std::uint64_t address, engine::Kind kind, const Event& event) {
  char name[48];
  const int length = std::snprintf(name, sizeof name, "(semaphore)0x%llx", static_cast<unsigned long long>(address));
  ClassDefinition its_class;
  its_class.id = ids_.next_class++;
  its_class.key_kind = engine::ClassKey::kInstance;
  its_class.kind = kind;
  its_class.key = address;
  its_class.ordinal = kind == engine::Kind::kSemaphore ? 1 : 0;
  its_class.name = std::string_view(name, static_cast<std::size_t>(length));
  consumer_.on_class(its_class);
  LockDefinition lock;
  lock.id = ids_.next_lock++;
  lock.class_id = its_class.id;
  lock.kind = kind;
  lock.address = address;
  lock.context = event.context;
  lock.position = event.position;
  consumer_.on_lock(lock);
  return lock.id;
}

KernelSemaphores::Semaphore& KernelSemaphores::find_or_make(KernelDown* task, std::uint64_t address, const Event& event) {
  std::uint32_t number = numbers_.find(address);
  if (number == AddressMap::kAbsent) {
    number = static_cast<std::uint32_t>(semaphores_.size());
    semaphores_.push_back({address, kNone, kNone, kNone, false, false, {}});
    numbers_.insert(address, number);
  }
  Semaphore& semaphore = semaphores_[number];
  if (task != nullptr) task->semaphore = number;
  if (semaphore.lock == kNone) semaphore.lock = define(address, engine::Kind::kOther, event);
  return semaphore;
}

void KernelSemaphores::down(KernelDown& task, std::uint64_t address, Event event) {
  Semaphore& semaphore = find_or_make(&task, address, event);
  task.asleep = false;
  task.released_by = kNone;
  task.flags = event.flags;
  task.site = event.site;
  if ((event.flags & engine::kTry) != 0) return;
  if (!semaphore.is_signal) {
    event.kind = EventKind::kRequest;
    event.lock = semaphore.lock;
    consumer_.on_event(event);
    event.kind = EventKind::kFailed;
    consumer_.on_event(event);
  }
  task.waits = !semaphore.is_lock && semaphore.holder == kNone;
  semaphore.waiters.push_back(&task);
  if (!task.waits) return;
  if (semaphore.signal == kNone) semaphore.signal = define(address, engine::Kind::kSemaphore, event);
  event.kind = EventKind::kWaitBegin;
  event.lock = semaphore.signal;
  consumer_.on_event(event);
}

void KernelSemaphores::leave(KernelDown& task) {
  std::vector<KernelDown*>& waiters = semaphores_[task.semaphore].waiters;
  if (const auto at = std::find(waiters.begin(), waiters.end(), &task); at != waiters.end()) waiters.erase(at);
  task = KernelDown{};
}

void KernelSemaphores::end_down(KernelDown& task, bool got, Event event) {
  returns_ = true;
  if (!task.open()) return;
  Semaphore& semaphore = semaphores_[task.semaphore];
  event.site = task.site;
  event.flags = task.flags;
  if (task.waits) {
    event.kind = EventKind::kWaitEnd;
    event.lock = semaphore.signal;
    event.peer = task.released_by;
    if (task.released_by == kNone) event.flags |= kFailedWait;
    consumer_.on_event(event);
    event.peer = kNone;
    event.flags = task.flags;
  }
  if (got && !semaphore.is_signal && semaphore.holder == kNone) {
    event.lock = semaphore.lock;
    event.kind = EventKind::kRequest;
    consumer_.on_event(event);
    event.kind = EventKind::kAcquired;
    consumer_.on_event(event);
    semaphore.holder = event.context;
  }
  leave(task);
}

void KernelSemaphores::passed(KernelDown& task, std::uint64_t address, std::string_view name, Event event) {
  if (returns_ || !task.open()) return;
  const Semaphore& semaphore = semaphores_[task.semaphore];
  if ((task.flags & engine::kTry) != 0) {   // whether it was got is not recorded
    leave(task);
    return;
  }
  if (semaphore.holder != kNone && semaphore.holder != event.context) return;   // blocked
  if (task.asleep && task.released_by == kNone && semaphore.is_signal) return;
  if (address - semaphore.address < kSize || of_the_scheduler(name)) return;
  if (task.asleep && task.released_by == kNone && !semaphore.is_lock) return;   // until an up()
  end_down(task, true, event);
  returns_ = false;
}

void KernelSemaphores::up(std::uint64_t address, Event event) {
  const std::uint32_t number = numbers_.find(address);
  if (number == AddressMap::kAbsent) return;   // taken before the recording began
  Semaphore& semaphore = semaphores_[number];
  if (semaphore.holder != kNone) {
    const bool own = semaphore.holder == event.context;
    Event release = event;
    release.kind = EventKind::kRelease;
    release.lock = semaphore.lock;
    release.context = semaphore.holder;
    consumer_.on_event(release);
    semaphore.holder = kNone;
    if (own) semaphore.is_lock = true;
    else semaphore.is_signal = true;
    for (KernelDown* const waiter : semaphore.waiters) {
      if (waiter->waits) continue;
      waiter->asleep = false;   // can go on now
      break;
    }
  }
  for (KernelDown* const waiter : semaphore.waiters) {
    if (!waiter->waits || waiter->released_by != kNone) continue;
    semaphore.is_signal |= !semaphore.is_lock;
    waiter->released_by = event.context;
    event.kind = EventKind::kSignal;
    event.lock = semaphore.signal;
    event.number = 1;
    consumer_.on_event(event);
    return;
  }
}

void KernelSemaphores::forget(KernelDown& task, ContextId context) {
  for (Semaphore& semaphore : semaphores_)
    if (semaphore.holder == context) semaphore.holder = kNone;
  if (task.open()) leave(task);
}

}  // namespace crossdep::traces
