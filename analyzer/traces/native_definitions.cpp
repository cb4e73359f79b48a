// SPDX-License-Identifier: MIT
//
// See native_definitions.h.
//
// Threading and allocation: see native_definitions.h.
#include "traces/native_definitions.h"

#include <algorithm>

namespace crossdep::traces {

void NativeDefinitions::define_class(const ClassDefinition& definition) {
  classes_.insert(definition.id);
  next_class_ = std::max(next_class_, definition.id + 1);
  consumer_.on_class(definition);
}

void NativeDefinitions::on_class(const engine::ClassInfo& info) {
  if (classes_.contains(info.id)) return;
  ClassDefinition definition;
  definition.id = info.id;
  definition.key_kind = info.key_kind;
  definition.kind = info.kind;
  definition.subclass = info.subclass;
  definition.wait_outer = info.wait_outer;
  definition.wait_inner = info.wait_inner;
  definition.ordinal = info.ordinal;
  definition.key = info.key;
  definition.name = {info.name, info.name_length};
  definition.callers = info.callers;
  definition.caller_count = info.caller_count;
  define_class(definition);
}

void NativeDefinitions::on_instance(const engine::InstanceInfo& info) {
  if (instances_.try_emplace(info.id, info).second) locks_.account(1);
}

void NativeDefinitions::on_context(const engine::ContextInfo& info) {
  known_[info.id] = {info.parent, info.kind, info.tid, std::string(info.name, info.name_length)};
}

ClassId NativeDefinitions::need_class(ClassId id, InstanceId lock) {
  if (id != kNone && classes_.contains(id)) return id;
  // The journal's end is missing: the lock is a class of its own.
  ClassDefinition definition;
  definition.id = id != kNone && id < next_class_ + 1024 ? id : next_class_;
  definition.key_kind = engine::ClassKey::kInstance;
  definition.key = lock;
  define_class(definition);
  return definition.id;
}

// --- locks -------------------------------------------------------------------------------------------------------------

InstanceId NativeDefinitions::number_of(InstanceId id) {
  if (id == kNone) return kNone;
  LockState& lock = locks_.get(id);
  if (lock.live) return lock.number;
  LockDefinition definition;
  const auto known = instances_.find(id);
  if (known != instances_.end()) {
    definition.class_id = need_class(known->second.class_id, id);
    definition.kind = known->second.kind;
    definition.flags = known->second.flags;
    definition.address = known->second.address;
  } else {
    definition.class_id = need_class(kNone, id);
    definition.address = id;
  }
  begin_lock(id, lock, definition);
  return lock.number;
}

InstanceId NativeDefinitions::at(std::uint64_t address) const {
  const auto here = by_address_.find(address);
  return here == by_address_.end() ? kNone : here->second;
}

void NativeDefinitions::settle(InstanceId id, LockState& lock, std::uint64_t address) {
  lock.address = address;
  by_address_[address] = id;
  settled.push_back(address);
}

void NativeDefinitions::begin_lock(InstanceId id, LockState& lock, LockDefinition& definition) {
  locks_.bring_to_life(lock);
  settle(id, lock, definition.address);
  definition.id = lock.number;
  consumer_.on_lock(definition);
}

void NativeDefinitions::continue_lock(InstanceId old, InstanceId id, LockState& lock, std::uint64_t address) {
  locks_.pass_on(old, locks_.get(old), lock);
  settle(id, lock, address);
}

void NativeDefinitions::replace_lock(InstanceId id, LockState& lock, LockDefinition& definition) {
  settle(id, lock, definition.address);
  definition.id = lock.number;
  consumer_.on_lock(definition);
}

void NativeDefinitions::end_lock(InstanceId id) {
  LockState& lock = locks_.get(id);
  const auto here = by_address_.find(lock.address);
  if (here != by_address_.end() && here->second == id) by_address_.erase(here);
  locks_.bury(id, lock);
}

// --- contexts ----------------------------------------------------------------------------------------------------------

void NativeDefinitions::begin_context(ContextId id, ContextId parent, InstanceId end, bool here) {
  ContextDefinition definition;
  definition.id = id;
  definition.parent = parent;
  definition.end = end;
  definition.middle = !here;   // its beginning is not in the file
  const auto known = known_.find(id);
  if (known != known_.end()) {
    definition.kind = known->second.kind;
    definition.tid = known->second.tid;
    definition.name = known->second.name;
  }
  const auto begun = beginnings_.find(id);
  if (begun != beginnings_.end()) {
    const Beginning& beginning = begun->second;
    definition.kind = beginning.kind;
    definition.tid = beginning.tid;
    if (end == kNone) definition.end = beginning.end;
    definition.middle = beginning.middle;
  }
  definition.end = number_of(definition.end);
  contexts_[id] = false;
  consumer_.on_context(definition);
}

}  // namespace crossdep::traces
