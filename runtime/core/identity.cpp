// SPDX-License-Identifier: MIT
//
// See identity.h.
//
// Threading and allocation: see identity.h.
#include "core/identity.h"

#include "core/events.h"
#include "core/modules.h"
#include "core/runtime.h"
#include "core/stacks.h"

namespace crossdep::runtime {

using namespace engine;
using ClassSpec = Engine::ClassSpec;

constinit Identity identity;

namespace {

std::uint64_t address_of(const void* object) noexcept { return reinterpret_cast<std::uint64_t>(object); }
std::uint64_t key_of(ClassId id) noexcept { return std::uint64_t{id} + 2; }

std::uint64_t mix(std::uint64_t hash, std::uint64_t value) noexcept {
  hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
  return hash ^ (hash >> 32);
}

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

Identity::Place* Identity::place_of(std::uint64_t key) noexcept {
  Place* place = places_.find(key);
  if (place != nullptr) return place;
  place = memory.make<Place>();
  if (place != nullptr && !places_.insert(key, place)) {
    memory.drop(place);
    return nullptr;
  }
  return place;
}

ClassSpec Identity::by_init_site(Kind kind, Site site) noexcept {
  ClassSpec spec;
  spec.kind = kind;
  spec.key_kind = ClassKey::kInitSite;
  spec.key = site;
  constexpr unsigned kMost = 16;
  Site frames[kMost];
  const unsigned count = stacks.capture(frames, kMost);
  unsigned first = 0;
  while (first < count && modules.is_cxx_library(frames[first])) ++first;
  if (first < count) spec.key = frames[first];
  // The callers' chain tells apart what one wrapper makes. The place's first chain is the plain class, further ones are
  // numbered in the order they are met.
  std::uint64_t chain = mix(static_cast<unsigned>(kind) + 1, spec.key);
  for (unsigned i = first + 1; i < count && i < first + runtime.options.init_frames; ++i) chain = mix(chain, frames[i]);
  chain |= 2;
  Place* place = place_of(spec.key);
  if (place == nullptr) return spec;
  if (place->first_chain == 0) place->first_chain = chain;
  if (place->first_chain == chain) return spec;
  auto ordinal = static_cast<std::uint32_t>(reinterpret_cast<std::uint64_t>(chains_.find(chain)));
  if (ordinal == 0) {
    ordinal = ++place->next_ordinal;
    chains_.insert(chain, reinterpret_cast<void*>(std::uint64_t{ordinal}));
  }
  spec.key_kind = ClassKey::kFirstSite;
  spec.ordinal = ordinal;
  return spec;
}

ClassSpec Identity::spec_of_new(const void* object, Kind kind, Site site, bool initialised) noexcept {
  ClassSpec spec;
  spec.kind = kind;
  const std::uint64_t address = address_of(object);
  if (const Name* name = names_.find(address)) {
    spec.key_kind = ClassKey::kNamed;
    spec.name = name->text;
    spec.name_length = name->length;
    spec.subclass = name->subclass;
    if (name->has_kind) spec.kind = name->kind;
    return spec;
  }
  for (const Generation* parent = initialised ? nullptr : parents_; parent != nullptr; parent = parent->older) {
    const LockInstance* lock = parent->objects.find(address);
    const ClassRecord* record = lock == nullptr ? nullptr : parent->classes.find(key_of(lock->class_id));
    if (record != nullptr) return record->spec;
  }
  if (std::uint32_t module; modules.is_static_object(address, module)) {
    spec.key_kind = ClassKey::kStatic;
    spec.key = address;
    spec.ordinal = module;
    return spec;
  }
  if (initialised) return by_init_site(kind, site);
  spec.key_kind = ClassKey::kFirstSite;
  spec.key = site;
  if (Place* place = place_of(site)) spec.ordinal = ++place->next_ordinal;
  return spec;
}

LockInstance* Identity::make(Token inside, const ClassSpec& spec, const void* object, Kind kind,
                             std::uint8_t flags, Site site) noexcept {
  LockInstance* lock = engine_of_process().create(declare(spec), kind, address_of(object), flags);
  if (lock == nullptr) return nullptr;
  note_init(inside, lock, site);
  if (!objects_.insert(address_of(object), lock)) return nullptr;
  return lock;
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
  }
  if (lock == nullptr) return;
  objects_.erase(address);
  destroy(inside, lock, site);
}

void Identity::destroyed(Token inside, const void* object, Site site) noexcept {
  FutexHold hold(lock_);
  retire(inside, address_of(object), objects_.find(address_of(object)), site);
}

void Identity::gone(Token inside, std::uint64_t begin, std::uint64_t end, Site site) noexcept {
  FutexHold hold(lock_);
  objects_.each([&](std::uint64_t address, LockInstance* lock) {
    if (address >= begin && address < end) retire(inside, address, lock, site);
  });
}

void Identity::named(Token inside, const void* object, const char* text, bool has_kind, Kind kind,
                     std::uint8_t subclass, Site site) noexcept {
  if (text == nullptr) text = "";
  FutexHold hold(lock_);
  const std::uint64_t address = address_of(object);
  if (Name* old = names_.find(address)) {
    names_.erase(address);
    memory.deallocate(old, sizeof(Name) + old->length + 1);
  }
  const auto length = static_cast<std::uint32_t>(runtime::length(text));
  auto* name = static_cast<Name*>(memory.allocate(sizeof(Name) + length + 1));
  if (name == nullptr) return;
  name->kind = kind;
  name->has_kind = has_kind;
  name->subclass = subclass;
  name->length = length;
  for (std::uint32_t i = 0; i < length; ++i) name->text[i] = text[i];
  if (length == 0 || !names_.insert(address, name)) memory.deallocate(name, sizeof(Name) + length + 1);

  LockInstance* known = objects_.find(address);
  if (known == nullptr) {
    if (!has_kind) return;   // its kind is known at its first use
    const ClassSpec spec = spec_of_new(object, kind, site, true);
    make(inside, spec, object, spec.kind, 0, site);
    return;
  }
  if (length == 0) return;
  const ClassSpec spec = spec_of_new(object, known->kind, site, true);
  known->kind = spec.kind;
  engine_of_process().reinit(inside.context(), known, declare(spec), site);
  note_init(inside, known, site);
}

LockInstance* Identity::anonymous(Token inside, const ClassSpec& spec, std::uint64_t address) noexcept {
  FutexHold hold(lock_);
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

LockInstance* Identity::adopt(Token inside, const LockInstance* parents) noexcept {
  const void* object = reinterpret_cast<const void*>(parents->address);
  LockInstance* lock = first_sight(inside, object, parents->kind, parents->flags, 0);
  FutexHold hold(lock_);
  if (lock != nullptr && inherited_.find(parents->address) == nullptr) inherited_.insert(parents->address, lock);
  return lock;
}

}  // namespace crossdep::runtime
