// SPDX-License-Identifier: MIT
//
// From an address to the lock that lives there, and from a lock to its class. The address map is probed on every lock
// operation (object_map.h); everything else here is cold.
//
// What class a new object gets, first rule that applies:
//   1. a name given by annotation (crossdep.h)
//   2. in a fork child: the class it had in the parent
//   3. an object in a module's data: the object itself, later named by its symbol
//   4. made by pthread_*_init: the call, told apart by the next callers (a wrapper's one call site makes many classes)
//   5. on the heap: the call that allocated the memory, and the offset there (core/heap.h). A call that allocates objects
//      of many shapes is an allocator of the program's own and names nothing
//   6. on the caller's stack: the function, and the place in its frame (core/frames.h)
//   7. otherwise: the place that first used it, one class for each address
// A thread's end: its start routine, told apart by who creates it (a wrapper starts the threads of others).
//
// What ends an object's life: destroy, free or munmap of its memory, the return of its frame (noticed when another call
// uses the same place), the end of the thread whose stack it lies on, the unloading of its module. Which memory has any
// object in it at all is answered by two small tables of counters, by page and by line of 64 bytes.
//
// Thread safety: find() any thread, no lock. The others take a lock of their own, outside the engine's.
// Allocation: Memory: 21 to 43 bytes of map per live object, a record per class.
#pragma once

#include "core/frames.h"
#include "core/object_map.h"
#include "core/thread.h"
#include "engine/engine.h"

namespace crossdep::runtime {

/// What an annotation said of an object; lives until the object is destroyed.
struct Name {
  engine::Kind kind;
  bool has_kind;
  std::uint8_t subclass;
  std::uint32_t length;
  char text[];
};

class Identity {
 public:
  engine::LockInstance* find(const void* object) const noexcept {
    return objects_.find(reinterpret_cast<std::uint64_t>(object));
  }

  /// Whether a known object may lie in [begin, begin + size): false is certain. Loads only.
  bool may_hold(std::uint64_t begin, std::size_t size) const noexcept {
    if (size > kPage) return any_page(begin, begin + size);
    const std::uint64_t last = (begin + size - 1) / kLine;
    for (std::uint64_t line = begin / kLine; line <= last; ++line)
      if (lines_[line & (kLines - 1)].load(std::memory_order_relaxed) != 0) return true;
    return false;
  }

  /// `lock`, or, if it lay in a frame that has returned since, what lies at `object` now. For locks with `fleeting` set.
  engine::LockInstance* still(Token, engine::LockInstance* lock, const void* object, engine::Kind, std::uint8_t flags,
                              engine::Site) noexcept;
  /// An object not seen before is used. nullptr when memory is out.
  engine::LockInstance* first_sight(Token, const void* object, engine::Kind, std::uint8_t flags,
                                    engine::Site) noexcept;
  /// An object is initialised: new, or the end of whatever was at its address.
  engine::LockInstance* initialised(Token, const void* object, engine::Kind, std::uint8_t flags,
                                    engine::Site) noexcept;
  /// Its life ends.
  void destroyed(Token, const void* object, engine::Site) noexcept;
  /// The memory [begin, end) is gone, and all objects in it.
  void gone(Token, std::uint64_t begin, std::uint64_t end, engine::Site) noexcept;
  /// An annotation: name and, if `has_kind`, kind and subclass; of an object now or later in use. Answers its instance, nullptr
  /// while it has none.
  engine::LockInstance* named(Token, const void* object, const char* name, bool has_kind, engine::Kind, std::uint8_t subclass,
             engine::Site, std::uint8_t flags = 0) noexcept;
  /// The end of a thread that is being created at `site`: an instance that no address of the program's leads to.
  engine::LockInstance* thread_end(Token, std::uint64_t start_routine, std::uint64_t address, engine::Site) noexcept;
  /// The class of `lock` with another subclass.
  engine::ClassId subclass(engine::LockInstance* lock, unsigned subclass) noexcept;

  /// In a fork child, before the new engine is used: the parent's objects are known by class, none by instance.
  void become_child() noexcept;
  /// In a fork child: the instance of the parent's that was at `address`, made anew.
  engine::LockInstance* adopt(Token, const engine::LockInstance* parents) noexcept;
  /// The same for one that another thread of the parent's held, acquired at `left_at`.
  void adopt_left(Token, std::uint64_t address, engine::Kind, std::uint8_t flags, engine::Site left_at) noexcept;
  /// Whether this is an object the parent knew.
  bool was_parents(std::uint64_t address, const engine::LockInstance*) const noexcept;
  /// The parent's own objects that a thread of its parent's still held: each is given to f(instance).
  template <typename F>
  void each_left_to_parent(F&& f) const noexcept {
    if (parents_ == nullptr) return;
    parents_->objects.each([&](std::uint64_t, engine::LockInstance* lock) {
      if ((lock->flags & engine::kLeftHeld) != 0) f(lock);
    });
  }

 private:
  struct ClassRecord {
    engine::Engine::ClassSpec spec;      // its name is a copy of ours
    std::atomic<engine::ClassId> nested[8];   // this class with subclass i; 0: not made yet, else id + 1
    ClassRecord* next;
  };
  /// What a process knew before it was forked; the older ones behind it.
  struct Generation {
    ObjectMap<engine::LockInstance> objects;
    ObjectMap<ClassRecord> classes;
    Generation* older;
  };
  /// The objects of one kind seen in one allocation.
  struct Array {
    std::uint64_t piece, first, stride;   // the greatest distance that divides all
    std::uint32_t count;
  };
  /// How often one place has made objects.
  struct Place {
    Array array;
    std::uint64_t first_chain;
    std::uint32_t next_ordinal;
    std::uint32_t shapes;   // sizes and offsets of objects in memory allocated here
  };
  static constexpr std::uint64_t kLine = 64, kPage = 4096;
  static constexpr std::uint64_t kLines = 1 << 18, kPages = 1 << 16;
  static constexpr std::uint32_t kMostShapes = 32;
  static constexpr unsigned kMakers = 16;   // frames looked at

  bool any_page(std::uint64_t begin, std::uint64_t end) const noexcept;
  void count(std::uint64_t address, int change) noexcept;
  const ClassRecord* inherited(std::uint64_t address) const noexcept;
  static unsigned makers(engine::Site* frames, unsigned capacity) noexcept;
  void tell_apart(engine::Engine::ClassSpec&, engine::ClassKey further, const engine::Site* callers, unsigned count, unsigned telling) noexcept;
  engine::Engine::ClassSpec by_init_site(engine::Kind, engine::Site) noexcept;
  engine::Engine::ClassSpec by_start_routine(std::uint64_t start, engine::Site) noexcept;
  bool in_array(engine::Kind, std::uint64_t piece, std::uint64_t site, std::uint64_t offset) noexcept;
  bool heap_spec(std::uint64_t address, engine::Engine::ClassSpec&) noexcept;
  bool stack_spec(std::uint64_t address, engine::Engine::ClassSpec&) noexcept;
  std::uint32_t ordinal_of(std::uint64_t chain, std::uint32_t& next) noexcept;
  engine::Engine::ClassSpec spec_of_new(const void* object, engine::Kind, engine::Site, bool initialised) noexcept;
  void forget_frame(std::uint64_t address) noexcept;
  void retire(Token, std::uint64_t address, engine::LockInstance*, engine::Site) noexcept;
  static std::uint64_t key_of(engine::ClassId id) noexcept { return std::uint64_t{id} + 2; }
  engine::ClassId declare(const engine::Engine::ClassSpec&) noexcept;
  const ClassRecord* record_of(engine::ClassId id) const noexcept;
  Place* place_of(std::uint64_t key) noexcept;
  engine::LockInstance* make(Token, const engine::Engine::ClassSpec&, const void* object, engine::Kind,
                             std::uint8_t flags, engine::Site) noexcept;

  ObjectMap<engine::LockInstance> objects_;
  FutexLock lock_;
  ObjectMap<ClassRecord> classes_;          // by ClassId + 2
  Generation* parents_ = nullptr;
  ObjectMap<engine::LockInstance> inherited_;   // in a fork child: held since before the fork
  ObjectMap<Name> names_;
  ObjectMap<Place> places_;                 // by Site
  ObjectMap<void> chains_;                  // hash of what makes a class one place's -> its ordinal there
  ObjectMap<Frame> frames_;                 // by address: the frame an object lies in
  std::atomic<std::uint8_t> lines_[kLines]; // known objects, by address; a full counter stays full
  std::atomic<std::uint16_t> pages_[kPages];
};

extern constinit Identity identity;

}  // namespace crossdep::runtime
