// SPDX-License-Identifier: MIT
//
// A parent's lock guards its children: who makes a thread and joins it without letting go of a lock in between holds that
// lock for all that the thread does. No third context that holds it can meet the thread (the parent itself can, and so can
// the parent's other children).
//
// That the child will be joined in time is known only when it is. Until then it is taken for granted, which cannot hide
// what happens now: while the parent holds the lock nobody else does. It is taken back (`broken`) as soon as the parent
// lets go first, ends, or may go on without the child (a join that only tries or ends by itself), and at the end of the
// run; the engine then judges again what it had refuted. What only a trylock got guards nothing: it may fail the next time.
//
// Threading: serialised by the engine; `Held::depth` is written by the parent's own thread.
// Allocation: one block per child made under a lock, given back with the child's last witness.
#pragma once

#include "engine/memory.h"
#include "engine/types.h"

namespace crossdep::engine {

struct LockInstance;

/// What the creator of one context held when it made it.
struct Guards {
  struct Entry {
    InstanceId lock;
    Mode mode;
    bool broken;
    Site site;               // where it was acquired
  };
  ContextId parent, child;
  std::uint32_t references;  // the child, its children's blocks, witnesses
  std::uint32_t count;
  bool open;                 // not joined yet
  bool used;                 // by a witness or for a child's child
  bool broken;               // all of it, what guards the parent included
  const Guards* base;        // what guards the parent
  Guards* next;              // all of them
  Guards* previous;
  Guards* next_open;
  Entry* entries() noexcept { return reinterpret_cast<Entry*>(this + 1); }
  const Entry* entries() const noexcept { return reinterpret_cast<const Entry*>(this + 1); }
};

class GuardBook {
 public:
  explicit GuardBook(Allocator& memory) noexcept : memory_(&memory) {}
  ~GuardBook();
  GuardBook(const GuardBook&) = delete;
  GuardBook& operator=(const GuardBook&) = delete;

  /// A block for a new child, referred to once, whose entries are to be filled in; nullptr without memory.
  Guards* make(ContextId parent, ContextId child, const Guards* base, std::uint32_t count) noexcept;
  /// The parent joined the child: what is not broken stays so.
  void joined(ContextId parent, ContextId child) noexcept;
  /// True if something that was taken for granted is not so: the parent may go on without this child;
  bool left(ContextId parent, ContextId child) noexcept;
  /// ... let go of this lock (kNone: whoever held it, it was taken away);
  bool let_go(ContextId parent, InstanceId) noexcept;
  /// ... ended; kNone: the run did, for all of them.
  bool ended(ContextId parent) noexcept;

  static void hold(const Guards* guards) noexcept {
    if (guards == nullptr) return;
    ++const_cast<Guards*>(guards)->references;
    const_cast<Guards*>(guards)->used = true;
  }
  /// A witness goes. Its block may stay until the end.
  static void drop(const Guards* guards) noexcept {
    if (guards != nullptr) --const_cast<Guards*>(guards)->references;
  }
  /// The child goes.
  void forget(const Guards*) noexcept;

 private:
  template <class F>
  bool break_open(F&& breaks) noexcept;

  void free(Guards*) noexcept;

  Allocator* memory_;
  Guards* all_ = nullptr;
  Guards* open_ = nullptr;
};

}  // namespace crossdep::engine
