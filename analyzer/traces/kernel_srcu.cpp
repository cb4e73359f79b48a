// SPDX-License-Identifier: MIT
//
// Read sections and those who wait for them: synchronize_srcu() waits for all readers of its domain as a writer waits for a
// lock's, so a lock held there that a reader takes inside its section is a deadlock; synchronize_rcu() inside a read section
// of RCU waits for itself.
//
// Lockdep judges the first from 6.4 on; before, the readers' lock map is acquired with check=0. Which lock map is the domain's no
// event tells: it lies inside the srcu_struct. Before 6.4 it is the last member, behind a size that the kernel's
// configuration decides, but synchronize_srcu() becomes a reader for a moment, which tells the offset; later, it is close to the
// beginning.
//
// Threading, allocation: as KernelModel.
#include <cstdio>

#include "traces/kernel_model.h"

namespace crossdep::traces {
namespace {

constexpr std::uint64_t kFar = 64 << 10, kNear = 512;   // where the map may lie: before 6.4, since

}  // namespace

void KernelModel::unchecked(Task& task, const KernelAcquire& acquire) {
  if (acquire.mode != engine::Mode::kRecursiveRead || acquire.name.starts_with("rcu_")) {
    pass_over(acquire.map);
    if (acquire.name == "rcu_read_lock" && task.levels.back().kind != 'n') task.rcu_reads.emplace_back(acquire.map, acquire.site);
    return;
  }
  const bool inner = task.synchronizes != 0 && acquire.map >= task.synchronizes && acquire.map - task.synchronizes < kFar;
  this->acquire(task, acquire);
  if (!inner) return;
  srcu_offset_ = acquire.map - task.synchronizes;
  // It is a reader now, for the kernel's own purposes: what it waits for is told as if it were none yet.
  release(task, acquire.map, acquire.site);
  tell_sync(task, lock_numbers_.find(acquire.map), task.synchronizes_at);
  synchronized(task);
  pass_over(acquire.map);
}

void KernelModel::tell_sync(Task& task, std::uint32_t lock, Site site) {
  Event out = event(EventKind::kSync, task);
  out.lock = locks_[lock].id;
  out.mode = engine::Mode::kWrite;
  out.site = site;
  consumer_.on_event(out);
}

// The lock of a domain that was read, kAbsent if none is known.
std::uint32_t KernelModel::srcu_lock(std::uint64_t domain) const {
  if (srcu_offset_ != 0) return lock_numbers_.find(domain + srcu_offset_);
  std::uint32_t nearest = AddressMap::kAbsent;
  for (std::uint32_t i = 0; i < locks_.size(); ++i) {
    const Lock& lock = locks_[i];
    if (lock.id == kNone || !lock.read_first || lock.map < domain || lock.map - domain >= kNear) continue;
    if (nearest == AddressMap::kAbsent || lock.map < locks_[nearest].map) nearest = i;
  }
  return nearest;
}

void KernelModel::synchronize_srcu(Task& task, std::uint64_t domain, Site site) {
  grant(task, task.levels.back());
  std::uint32_t number = srcu_lock(domain);
  if (number == AddressMap::kAbsent || locks_[number].id == kNone) {
    task.synchronizes = domain;
    task.synchronizes_at = site;
    const auto known = srcu_unread_.find(domain);
    if (known != srcu_unread_.end()) {
      number = known->second;
    } else {
      char name[32];
      std::snprintf(name, sizeof name, "(srcu)0x%llx", static_cast<unsigned long long>(domain));
      KernelAcquire reader;
      reader.map = domain;
      reader.name = name;
      reader.mode = engine::Mode::kRecursiveRead;
      reader.missed = true;   // not a class by name
      number = static_cast<std::uint32_t>(locks_.size());
      locks_.emplace_back();
      define_lock(locks_.back(), class_of(reader), reader, task);
      srcu_unread_.emplace(domain, number);
    }
  }
  tell_sync(task, number, site);
}

// The first reader of a domain that has been waited for: its map is the lock that was made then.
void KernelModel::bind_srcu(const KernelAcquire& acquire) {
  auto at = srcu_unread_.upper_bound(acquire.map);
  if (at == srcu_unread_.begin()) return;
  --at;
  const std::uint64_t offset = acquire.map - at->first;
  if (srcu_offset_ != 0 ? offset != srcu_offset_ : offset >= (acquire.unchecked ? kFar : kNear)) return;
  bool fresh = false;
  Lock& lock = locks_[at->second];
  lock.map = acquire.map;
  lock.key = acquire.keyed && acquire.key == 0 ? acquire.map : acquire.key;
  lock.keyed = acquire.keyed;
  lock.subclass = acquire.subclass;
  lock.name = names_.add(acquire.name, fresh);
  lock_numbers_.insert(acquire.map, at->second);
  srcu_unread_.erase(at);
}

void KernelModel::synchronize_rcu(Task& task, Site site) {
  Level& level = task.levels.back();
  grant(task, level);
  for (const Held& held : level.held) {   // where the events tell no `check`, read sections are held like locks
    if (names_[locks_[held.lock].name] != "rcu_read_lock") continue;
    tell_sync(task, held.lock, site);
    return;
  }
  if (task.rcu_reads.empty()) return;
  const auto [map, read_at] = task.rcu_reads.front();
  KernelAcquire reader;
  reader.map = map;
  reader.keyed = true;
  reader.name = "rcu_read_lock";
  reader.mode = engine::Mode::kRecursiveRead;
  reader.site = read_at;
  acquire(task, reader);
  grant(task, level);
  tell_sync(task, lock_numbers_.find(map), site);
  Event out = held_event(EventKind::kRelease, task, level.held.back());
  out.flags = 0;
  consumer_.on_event(out);
  --locks_[level.held.back().lock].holders;
  level.held.pop_back();
}

}  // namespace crossdep::traces
