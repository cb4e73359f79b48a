// SPDX-License-Identifier: MIT
//
// See identity.h.
//
// Threading and allocation: see identity.h.
#include "core/identity.h"

#include "core/events.h"
#include "core/runtime.h"

namespace crossdep::runtime {

using namespace engine;
using ClassSpec = Engine::ClassSpec;

constinit Identity identity{};

namespace {

std::uint64_t address_of(const void* object) noexcept { return reinterpret_cast<std::uint64_t>(object); }

constexpr std::uint64_t kAlignment = 4;   // of the smallest lock, a spin lock

}  // namespace

const Identity::ClassRecord* Identity::record_of(ClassId id) const noexcept { return classes_.find(key_of(id)); }

ClassId Identity::declare(const ClassSpec& spec) noexcept {
  const ClassId id = engine_of_process().declare_class(spec);
  if (id == kNone || classes_.find(key_of(id)) != nullptr) return id;
  auto* record = memory.make<ClassRecord>();
  if (record == nullptr) return id;
  record->spec = spec;
  if (spec.name != nullptr) record->spec.name = memory.copy_text(spec.name, spec.name_length);
  if (!classes_.insert(key_of(id), record)) memory.drop(record);
  return id;
}

// --- which memory has objects in it ------------------------------------------------------------------------------------------

void Identity::count(std::uint64_t address, int change) noexcept {
  const auto add = [change](auto& counter) noexcept {
    using Value = decltype(counter.load());
    const Value now = counter.load(std::memory_order_relaxed);
    if (now == static_cast<Value>(~Value{0})) return;
    counter.store(static_cast<Value>(now + change), std::memory_order_relaxed);
  };
  add(lines_[address / kLine & (kLines - 1)]);
  add(pages_[address / kPage & (kPages - 1)]);
}

bool Identity::any_page(std::uint64_t begin, std::uint64_t end) const noexcept {
  const std::uint64_t last = (end - 1) / kPage;
  if (last - begin / kPage >= kPages) return true;
  for (std::uint64_t page = begin / kPage; page <= last; ++page)
    if (pages_[page & (kPages - 1)].load(std::memory_order_relaxed) != 0) return true;
  return false;
}

// --- instances -----------------------------------------------------------------------------------------------------------------

LockInstance* Identity::make(Token inside, const ClassSpec& spec, const void* object, Kind kind,
                             std::uint8_t flags, Site site) noexcept {
  LockInstance* lock = engine_of_process().create(declare(spec), kind, address_of(object), flags, site);
  if (lock == nullptr) return nullptr;
  note_init(inside, lock, site);
  if (!objects_.insert(address_of(object), lock)) return nullptr;
  count(address_of(object), +1);
  lock->fleeting = frames_.find(address_of(object)) != nullptr;
  return lock;
}

LockInstance* Identity::still(Token inside, LockInstance* lock, const void* object, Kind kind, std::uint8_t flags,
                              Site site) noexcept {
  {
    FutexHold hold(lock_);
    const Frame* frame = frames_.find(address_of(object));
    if (frame == nullptr || *reinterpret_cast<const std::uint64_t*>(frame->return_slot) == frame->return_address) return lock;
    if (engine_of_process().holds(inside.context(), lock)) return lock;
    retire(inside, address_of(object), lock, site);
  }
  return first_sight(inside, object, kind, flags, site);
}

LockInstance* Identity::first_sight(Token inside, const void* object, Kind kind, std::uint8_t flags,
                                    Site site) noexcept {
  FutexHold hold(lock_);
  if (LockInstance* known = objects_.find(address_of(object))) return known;
  const ClassSpec spec = spec_of_new(object, kind, site, false);
  return make(inside, spec, object, spec.kind, flags, site);
}

LockInstance* Identity::initialised(Token inside, const void* object, Kind kind, std::uint8_t flags,
                                    Site site) noexcept {
  FutexHold hold(lock_);
  const ClassSpec spec = spec_of_new(object, kind, site, true);
  LockInstance* known = objects_.find(address_of(object));
  if (known == nullptr) return make(inside, spec, object, spec.kind, flags, site);
  known->kind = spec.kind;
  known->flags = flags;
  // What an allocator does to its locks in a fork child: taken before the fork, made anew after it.
  if (inherited_.find(address_of(object)) != nullptr) {
    inherited_.erase(address_of(object));
    if (engine_of_process().holds(inside.context(), known)) release(inside, known, site);
  }
  engine_of_process().reinit(inside.context(), known, declare(spec), site);
  note_init(inside, known, site);
  return known;
}

void Identity::retire(Token inside, std::uint64_t address, LockInstance* lock, Site site) noexcept {
  if (Name* name = names_.find(address)) {
    names_.erase(address);
    memory.deallocate(name, sizeof(Name) + name->length + 1);
    count(address, -1);
  }
  for (Generation* parent = parents_; parent != nullptr; parent = parent->older) {
    if (parent->objects.find(address) == nullptr) continue;
    parent->objects.erase(address);
    count(address, -1);
  }
  forget_frame(address);
  inherited_.erase(address);
  if (lock == nullptr) return;
  objects_.erase(address);
  count(address, -1);
  destroy(inside, lock, site);
}

void Identity::forget_frame(std::uint64_t address) noexcept {
  Frame* frame = frames_.find(address);
  if (frame == nullptr) return;
  frames_.erase(address);
  memory.drop(frame);
}

void Identity::destroyed(Token inside, const void* object, Site site) noexcept {
  FutexHold hold(lock_);
  retire(inside, address_of(object), objects_.find(address_of(object)), site);
}

void Identity::gone(Token inside, std::uint64_t begin, std::uint64_t end, Site site) noexcept {
  constexpr std::uint64_t kMostPages = 1 << 14;
  FutexHold hold(lock_);
  if ((end - begin) / kPage > kMostPages) {
    objects_.each([&](std::uint64_t address, LockInstance* lock) {
      if (address >= begin && address < end) retire(inside, address, lock, site);
    });
    return;
  }
  for (std::uint64_t at = (begin + kAlignment - 1) & ~(kAlignment - 1); at < end;) {
    if (pages_[at / kPage & (kPages - 1)].load(std::memory_order_relaxed) == 0) {
      at = (at / kPage + 1) * kPage;
    } else if (lines_[at / kLine & (kLines - 1)].load(std::memory_order_relaxed) == 0) {
      at = (at / kLine + 1) * kLine;
    } else {
      LockInstance* lock = objects_.find(at);
      if (lock != nullptr || names_.find(at) != nullptr || inherited(at) != nullptr) retire(inside, at, lock, site);
      at += kAlignment;
    }
  }
}

LockInstance* Identity::named(Token inside, const void* object, const char* text, bool has_kind, Kind kind,
                              std::uint8_t subclass, Site site, std::uint8_t flags) noexcept {
  if (text == nullptr) text = "";
  FutexHold hold(lock_);
  const std::uint64_t address = address_of(object);
  if (Name* old = names_.find(address)) {
    names_.erase(address);
    memory.deallocate(old, sizeof(Name) + old->length + 1);
    count(address, -1);
  }
  const auto length = static_cast<std::uint32_t>(runtime::length(text));
  auto* name = static_cast<Name*>(memory.allocate(sizeof(Name) + length + 1));
  if (name == nullptr) return objects_.find(address);
  name->kind = kind;
  name->has_kind = has_kind;
  name->subclass = subclass;
  name->length = length;
  for (std::uint32_t i = 0; i < length; ++i) name->text[i] = text[i];
  if (length == 0 || !names_.insert(address, name)) memory.deallocate(name, sizeof(Name) + length + 1);
  else count(address, +1);

  LockInstance* known = objects_.find(address);
  if (known == nullptr) {
    if (!has_kind) return nullptr;   // its kind is known at its first use
    const ClassSpec spec = spec_of_new(object, kind, site, true);
    return make(inside, spec, object, spec.kind, flags, site);
  }
  if (length == 0) return known;
  const ClassSpec spec = spec_of_new(object, known->kind, site, true);
  known->kind = spec.kind;
  engine_of_process().reinit(inside.context(), known, declare(spec), site);
  note_init(inside, known, site);
  return known;
}

LockInstance* Identity::thread_end(Token inside, std::uint64_t start_routine, std::uint64_t address, Site site) noexcept {
  FutexHold hold(lock_);
  const ClassSpec spec = by_start_routine(start_routine, site);
  LockInstance* lock = engine_of_process().create(declare(spec), spec.kind, address, 0);
  if (lock != nullptr) note_init(inside, lock, spec.key);
  return lock;
}

ClassId Identity::subclass(LockInstance* lock, unsigned subclass) noexcept {
  const ClassRecord* record = record_of(lock->class_id);
  if (record == nullptr || record->spec.subclass == subclass || subclass > 255) return lock->class_id;
  auto* known = const_cast<ClassRecord*>(record);
  if (subclass < 8)
    if (const ClassId id = known->nested[subclass].load(std::memory_order_acquire); id != 0) return id - 1;
  ClassSpec spec = record->spec;
  spec.subclass = static_cast<std::uint8_t>(subclass);
  FutexHold hold(lock_);
  const ClassId id = declare(spec);
  if (id == kNone) return lock->class_id;
  if (subclass < 8) known->nested[subclass].store(id + 1, std::memory_order_release);
  return id;
}

void Identity::become_child() noexcept {
  lock_.free_in_child();
  auto* parent = memory.make<Generation>();
  ObjectMap<LockInstance> dropped_objects;
  ObjectMap<ClassRecord> dropped_classes;
  (parent == nullptr ? dropped_objects : parent->objects).take_over(objects_);
  (parent == nullptr ? dropped_classes : parent->classes).take_over(classes_);
  ObjectMap<LockInstance> dropped_inherited;
  dropped_inherited.take_over(inherited_);
  if (parent == nullptr) return;
  parent->older = parents_;
  parents_ = parent;
}

void Identity::adopt_left(Token inside, std::uint64_t address, Kind kind, std::uint8_t flags, Site left_at) noexcept {
  first_sight(inside, reinterpret_cast<const void*>(address), kind, flags | kLeftHeld, left_at);
}

bool Identity::was_parents(std::uint64_t address, const LockInstance* lock) const noexcept {
  return parents_ != nullptr && parents_->objects.find(address) == lock;
}

LockInstance* Identity::adopt(Token inside, const LockInstance* parents) noexcept {
  const void* object = reinterpret_cast<const void*>(parents->address);
  LockInstance* lock = first_sight(inside, object, parents->kind, parents->flags, 0);
  FutexHold hold(lock_);
  if (lock != nullptr && inherited_.find(parents->address) == nullptr) inherited_.insert(parents->address, lock);
  return lock;
}

}  // namespace crossdep::runtime
