// SPDX-License-Identifier: MIT
//
// The lock maps of KernelModel: which class and instance a record means, who holds it, and when a request was granted.
#include "traces/kernel_model.h"

#include <algorithm>

namespace crossdep::traces {
namespace {

// The hotplug threads tell lockdep that they hold cpu_hotplug_lock while the task that waits for them holds it. Nothing is
// asked for there; taken as a request, it would seem to wait for its own waiter.
bool held_for_another(const std::string& comm, std::string_view name) {
  return comm.compare(0, 6, "cpuhp/") == 0 && name == "cpu_hotplug_lock";
}

// Locks of one class of which some were given a subclass of their own when they were made (lockdep_set_subclass), which no
// event shows: the pools of unbound work queues, ext4's quota and extended attribute inodes, gfs2's glocks, i915.
bool has_hidden_subclass(std::string_view name) {
  for (const std::string_view known : {"&pool->lock", "&ei->i_data_sem", "&ea_inode->i_rwsem", "&gl->gl_lockref.lock", "&vm->mutex",
                                       "&sched_engine->lock"})
    if (name == known) return true;
  return false;
}

}  // namespace

Event KernelModel::held_event(EventKind kind, const Task& task, const Held& held) const {
  Event out = event(kind, task);
  out.lock = locks_[held.lock].id;
  out.class_id = held.class_id;
  if (kind == EventKind::kRequest || kind == EventKind::kAcquired) out.other = held.nest;
  out.mode = held.mode;
  out.flags = held.flags;
  out.site = held.site;
  return out;
}

ClassId KernelModel::class_of(const KernelAcquire& acquire) {
  std::string identity;
  if (acquire.keyed) {
    const std::uint64_t key = acquire.key != 0 ? acquire.key : acquire.map;
    identity.append(reinterpret_cast<const char*>(&key), sizeof key);
    identity.push_back(static_cast<char>(acquire.subclass));
  } else {
    identity = "name ";
    identity += acquire.name;
  }
  const auto [at, fresh] = classes_.try_emplace(std::move(identity), ids_.next_class);
  if (!fresh) return at->second;
  ClassDefinition definition;
  definition.id = ids_.next_class++;
  definition.kind = acquire.mode == engine::Mode::kWrite ? engine::Kind::kOther : engine::Kind::kRwlock;
  definition.subclass = acquire.subclass;
  definition.wait_outer = acquire.wait_outer;
  definition.wait_inner = acquire.wait_inner;
  definition.name = acquire.name;
  if (acquire.keyed) {
    definition.key_kind = engine::ClassKey::kStatic;
    definition.key = acquire.key != 0 ? acquire.key : acquire.map;
    if (has_hidden_subclass(acquire.name)) definition.flags = engine::kNestOk;
  } else {
    definition.flags = engine::kNestOk;   // a name says nothing of subclasses
    by_name_ |= !acquire.missed;
  }
  consumer_.on_class(definition);
  return definition.id;
}

void KernelModel::define_lock(Lock& lock, ClassId class_id, const KernelAcquire& acquire, const Task& task) {
  if (lock.id == kNone) {
    lock.id = ids_.next_lock++;
  } else {
    Event ended = event(EventKind::kDestroy, task);
    ended.lock = lock.id;
    consumer_.on_event(ended);
  }
  bool fresh = false;
  lock.map = acquire.map;
  lock.key = acquire.keyed && acquire.key == 0 ? acquire.map : acquire.key;
  lock.class_id = class_id;
  lock.name = names_.add(acquire.name, fresh);
  lock.subclass = acquire.subclass;
  lock.keyed = acquire.keyed;
  lock.read_first = acquire.mode == engine::Mode::kRecursiveRead;
  lock.last_holder = 0;
  LockDefinition definition;
  definition.id = lock.id;
  definition.class_id = class_id;
  definition.kind = acquire.mode == engine::Mode::kWrite ? engine::Kind::kOther : engine::Kind::kRwlock;
  definition.address = acquire.map;
  definition.context = task.id;
  definition.position = position_;
  consumer_.on_lock(definition);
}

// The lock a record means, made if it is new. `other_class` is what it is taken under, kNone for its own class.
std::uint32_t KernelModel::lock_of(const Task& task, const KernelAcquire& acquire, ClassId& other_class) {
  other_class = kNone;
  std::uint32_t number = lock_numbers_.find(acquire.map);
  if (number == AddressMap::kAbsent && !srcu_unread_.empty() && acquire.mode == engine::Mode::kRecursiveRead) {
    bind_srcu(acquire);
    number = lock_numbers_.find(acquire.map);
  }
  if (number == AddressMap::kAbsent) {
    number = static_cast<std::uint32_t>(locks_.size());
    locks_.emplace_back();
    lock_numbers_.insert(acquire.map, number);
  }
  Lock& lock = locks_[number];
  if (lock.id == kNone) {
    define_lock(lock, class_of(acquire), acquire, task);
    return number;
  }
  const std::uint64_t key = acquire.key != 0 ? acquire.key : acquire.map;
  const bool same_object = acquire.keyed && lock.keyed ? key == lock.key : acquire.name == names_[lock.name];
  const bool learnt = acquire.keyed && !lock.keyed && lock.holders == 0;   // so far its name stood for its class
  if (same_object && !learnt && (acquire.subclass == lock.subclass || !acquire.keyed || !lock.keyed)) return number;
  if ((same_object && !learnt) || lock.holders != 0) {
    other_class = class_of(acquire);
    return number;
  }
  define_lock(lock, class_of(acquire), acquire, task);   // the memory is another object's now
  return number;
}

// The level's last request was granted, so far as anyone can tell.
void KernelModel::grant(Task& task, Level& level) {
  if (!level.pending) return;
  level.pending = false;
  consumer_.on_event(held_event(EventKind::kAcquired, task, level.request));
  level.request.since = time_;
  level.held.push_back(level.request);
}

// What is about to be released was held for long: told as the runtime tells it (runtime/core/hold_time.cpp).
void KernelModel::tell_hold(const Task& task, const Level& level, std::size_t number) {
  const Held& held = level.held[number];
  if (hold_limit_ == 0 || held.since == 0 || time_ < held.since || time_ - held.since < hold_limit_) return;
  // Three digits say enough; and there are not too many such names.
  std::uint64_t rounded = (time_ - held.since) / 1'000'000, unit = 1;
  for (; rounded >= 1000; rounded /= 10) unit *= 10;
  const std::string name = "held-" + std::to_string(rounded * unit) + "ms@" + std::to_string(level.held.size() - 1 - number);
  bool fresh = false;
  Event out = event(EventKind::kOperation, task);
  out.name = holds_.add(name, fresh);
  out.site = held.site;
  if (fresh) consumer_.on_name(out.name, name);
  consumer_.on_event(out);
}

// Where interrupts were switched on or off is not recorded: what the next acquisition says is told before it.
void KernelModel::mask(Task& task, bool hardirqs_off, bool softirqs_off) {
  const auto tell = [&](engine::ContextKind kind, bool& told, bool off) {
    if (told == off) return;
    told = off;
    Event out = event(off ? EventKind::kMask : EventKind::kUnmask, task);
    out.nested = kind;
    consumer_.on_event(out);
  };
  tell(engine::ContextKind::kHardirq, task.hardirqs_off, hardirqs_off);
  tell(engine::ContextKind::kSoftirq, task.softirqs_off, softirqs_off);
}

void KernelModel::acquire(Task& task, const KernelAcquire& acquire) {
  Level& level = task.levels.back();
  if (task.down.open() && level.kind != 's' && level.kind != 'h' && level.kind != 'n')
    semaphores_.passed(task.down, acquire.map, acquire.name, event(EventKind::kRequest, task));
  if (acquire.missed) {
    const std::uint32_t known = lock_numbers_.find(acquire.map);
    if (known != AddressMap::kAbsent && locks_[known].id == kNone) {   // only ever seen unchecked
      pass_over(acquire.map);
      return;
    }
    ++missed_;
  }
  grant(task, level);
  mask(task, acquire.hardirqs_off, acquire.softirqs_off);
  Held request{};
  request.lock = lock_of(task, acquire, request.class_id);
  request.mode = acquire.mode;
  // Whether a second lock of a class was taken under a subclass of its own is not known of one whose probe was missed.
  const auto same_class = [&](const Held& held) {
    return locks_[held.lock].class_id == locks_[request.lock].class_id;
  };
  const bool unjudged = acquire.missed && std::any_of(task.levels.begin(), task.levels.end(), [&](const Level& held_in) {
    return std::any_of(held_in.held.begin(), held_in.held.end(), same_class) || (held_in.pending && same_class(held_in.request));
  });
  const bool try_lock = acquire.try_lock || unjudged || held_for_another(task.comm, acquire.name);
  request.flags = try_lock ? engine::kTry : 0;
  request.site = acquire.site;
  request.nest = kNone;
  if (const std::uint32_t nest = acquire.nest == 0 ? AddressMap::kAbsent : lock_numbers_.find(acquire.nest); nest != AddressMap::kAbsent)
    request.nest = locks_[nest].id;
  if (acquire.sync) {
    tell_sync(task, request.lock, acquire.site);
    return;
  }
  Lock& lock = locks_[request.lock];
  ++lock.holders;
  lock.last_holder = task.serial;

  Event out = held_event(EventKind::kRequest, task, request);
  out.wait_outer = acquire.wait_outer;
  out.wait_inner = acquire.wait_inner;
  consumer_.on_event(out);
  level.request = request;
  level.pending = true;
  if (try_lock) grant(task, level);   // the kernel records only those that succeed
}

void KernelModel::acquired(Task& task, std::uint64_t map) {
  for (std::size_t i = task.levels.size(); i-- > 0;) {
    Level& level = task.levels[i];
    if (!level.pending || locks_[level.request.lock].map != map) {
      for (const Held& held : level.held)
        if (locks_[held.lock].map == map) return;   // another event told before that it was got
      continue;
    }
    if (i + 1 == task.levels.size()) grant(task, level);
    return;
  }
  // Its request is not on the record, so others may be missing too: the recording was stopped for a while.
  task.serial = ++serials_;
}

void KernelModel::pass_over(std::uint64_t map) {
  std::uint32_t number = lock_numbers_.find(map);
  if (number == AddressMap::kAbsent) {
    number = static_cast<std::uint32_t>(locks_.size());
    locks_.emplace_back();
    locks_.back().map = map;
    lock_numbers_.insert(map, number);
  }
  ++locks_[number].passed_over;
}

void KernelModel::release(Task& task, std::uint64_t map, Site site) {
  const std::uint32_t number = lock_numbers_.find(map);
  if (number == AddressMap::kAbsent) {
    ++unmatched_;
    return;
  }
  Lock& lock = locks_[number];
  Level& level = task.levels.back();
  if (level.pending && level.request.lock == number) {   // interrupted while it waited, or never asked how it went
    level.pending = false;
    --lock.holders;
    consumer_.on_event(held_event(EventKind::kFailed, task, level.request));
    return;
  }
  grant(task, level);
  for (std::size_t i = level.held.size(); i-- > 0;) {
    if (level.held[i].lock != number) continue;
    if (i < level.carried) --level.carried;
    level.held[i].site = site;
    tell_hold(task, level, i);
    Event out = held_event(EventKind::kRelease, task, level.held[i]);
    out.flags = 0;
    consumer_.on_event(out);
    level.held.erase(level.held.begin() + static_cast<std::ptrdiff_t>(i));
    --lock.holders;
    return;
  }
  for (std::size_t l = task.levels.size() - 1; l-- > 0;) {
    for (Held& held : task.levels[l].held) {
      if (held.lock != number || held.released) continue;
      held.released = true;
      return;
    }
  }
  if (lock.passed_over > 0) {
    --lock.passed_over;
    for (std::size_t i = task.rcu_reads.size(); i-- > 0;) {
      if (task.rcu_reads[i].first != map) continue;
      task.rcu_reads.erase(task.rcu_reads.begin() + static_cast<std::ptrdiff_t>(i));
      break;
    }
  } else if (lock.last_holder == task.serial && lock.id != kNone) {
    Event out = event(EventKind::kRelease, task);   // held once, released twice
    out.lock = lock.id;
    out.site = site;
    consumer_.on_event(out);
  } else {
    ++unmatched_;
  }
}

void KernelModel::downgrade(Task& task, std::uint64_t map, Site site) {
  const std::uint32_t number = lock_numbers_.find(map);
  Level& level = task.levels.back();
  grant(task, level);
  for (std::size_t i = level.held.size(); i-- > 0;) {
    if (number == AddressMap::kAbsent || level.held[i].lock != number) continue;
    level.held[i].mode = engine::Mode::kRead;
    Event out = event(EventKind::kDowngrade, task);
    out.lock = locks_[number].id;
    out.site = site;
    consumer_.on_event(out);
    return;
  }
}

}  // namespace crossdep::traces
