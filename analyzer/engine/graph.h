// SPDX-License-Identifier: MIT
//
// What the engine has learnt: lock classes, the dependencies between them with their witnesses, and interned stacks.
//
// A dependency X -> Y keeps which mode combinations were seen: how X was held (exclusive E / shared S) and how Y was
// asked for (normal N / recursive read R), as lockdep's -(ER)-> and so on; only *R -> S* cannot block (cycles.h).
//
// Threading: serialised by the engine.  Allocation: the engine's Allocator; failing calls answer kNone or nullptr.
#pragma once

#include "engine/clock.h"
#include "engine/containers.h"
#include "engine/guards.h"
#include "engine/order.h"
#include "engine/sink.h"

namespace crossdep::engine {

/// Bit for (held exclusively or shared) x (requested normally or as recursive reader).
constexpr std::uint8_t mode_bit(bool shared, bool recursive) {
  return static_cast<std::uint8_t>(1u << ((shared ? 2 : 0) + (recursive ? 1 : 0)));
}
constexpr std::uint8_t mode_bit(Mode from, Mode to) {
  return mode_bit(from != Mode::kWrite, to == Mode::kRecursiveRead);
}

struct LockClass {
  ClassInfo info;
  std::uint8_t usage;       // Usage bits
  std::uint8_t open[2];     // interrupts ({write, read}, engine/interrupts.cpp) it was seen open to,
  std::uint64_t open_signals[2];   // and signals
  bool nested_up;           // an instance was requested while one with a lower address was held
  bool nested_down;
  bool nested_structured, nested_many_parents, nested_cyclic;   // see nesting.h
  std::uint32_t nested_circuits;
  bool many_releasers;      // a crosslock of it was signalled by more than one context
  bool tokens;              // semaphores of one token, which may be locks
  bool handed_over;         // ... but one of it was given back by another context than took it: no lock
};

/// Holding `held` since before, a context got and released `passed` (histories.cpp).
struct Passed {
  InstanceId held, passed;
  Site site;                // of the request for `passed`
  Mode held_mode, passed_mode;
  friend bool operator==(const Passed& a, const Passed& b) noexcept {
    return a.held == b.held && a.passed == b.passed && a.held_mode == b.held_mode && a.passed_mode == b.passed_mode;
  }
};

/// What the engine knows of an occurrence besides what it tells others.
struct Background {
  const Segment* from_segment;     // when X was acquired; nullptr if not known
  const Segment* request_segment;  // when Y was requested
  const Guards* guards;            // what the context's creator holds for it; nullptr if nothing
  const Passed* passed;
  std::uint32_t passed_count;
};

struct Witness {
  WitnessInfo info;         // info.held points to memory of its own
  std::uint32_t ordinal;    // among all announced for its dependency
  Background background;    // and so does `passed`
  Witness* next;
};

struct Dependency {
  ClassId from, to;
  std::uint8_t modes;        // mode_bit()s seen
  std::uint8_t origins;      // 1 << Origin
  bool direct;               // once X was the nearest lock held when Y was requested: no other lies between
  bool complete;             // every kind of witness seen (ends, modes, held set, background) has one that was kept
  bool contexts_missing;     // ... but not one of every context
  std::uint32_t witness_count;     // kept
  std::uint32_t announced;         // ever announced
  Witness* witnesses;
  std::uint32_t first_finding;     // index into a list of (finding, next), kNone: in no finding
  // Locks held at every occurrence looked at, kept witness or not; `gates_known` once there was one.
  HeldInfo* gates;
  std::uint32_t gate_count, gate_capacity;
  bool gates_known;
};

class Graph {
 public:
  explicit Graph(Allocator& memory) noexcept
      : memory_(&memory), class_ids_(memory), classes_(memory), class_pool_(memory), dependency_ids_(memory),
        dependencies_(memory), witness_pool_(memory), stack_ids_(memory), stacks_(memory), order_(memory) {}
  ~Graph();

  /// The class of this identity; `fresh` tells whether it was made now. kNone: memory is out.
  ClassId intern_class(const ClassInfo& identity, bool& fresh) noexcept;
  /// The class of this identity if it is known, else kNone.
  ClassId find_class(const ClassInfo& identity) const noexcept;
  LockClass& lock_class(ClassId id) noexcept { return *classes_[id]; }
  const LockClass& lock_class(ClassId id) const noexcept { return *classes_[id]; }
  std::uint32_t class_count() const noexcept { return classes_.size(); }

  struct AddedDependency {
    DependencyId id;
    bool fresh;       // new pair
    bool grown;       // new pair, or a mode combination not seen before
    bool may_cycle;   // both ends lie in one component
  };
  AddedDependency add_dependency(ClassId from, ClassId to, std::uint8_t mode) noexcept;
  DependencyId find_dependency(ClassId from, ClassId to) const noexcept;
  Dependency& dependency(DependencyId id) noexcept { return dependencies_[id]; }
  const Dependency& dependency(DependencyId id) const noexcept { return dependencies_[id]; }
  std::uint32_t dependency_count() const noexcept { return dependencies_.size(); }
  const OrderGraph& order() const noexcept { return order_; }

  /// Witnesses kept of a dependency on an operation: rules ask for every set of locks it was performed under.
  static constexpr unsigned kOperationWitnesses = 64;

  /// Keeps a copy of the witness if it tells something new; nullptr if not (or no memory).
  Witness* add_witness(DependencyId id, const WitnessInfo& info, const Background& background, unsigned limit) noexcept;

  /// The stack's number; 0 for an empty one or without memory.
  StackId intern_stack(const Site* frames, unsigned count) noexcept;
  struct Stack {
    Site* frames;
    std::uint32_t count;
    bool announced;
  };
  Stack& stack(StackId id) noexcept { return stacks_[id - 1]; }

  bool check_invariants() const noexcept;

 private:
  void narrow_gates(Dependency& dependency, const WitnessInfo& info) noexcept;
  bool fill(Witness& witness, const WitnessInfo& info, const Background& background) noexcept;
  void empty(Witness& witness) noexcept;

  Allocator* memory_;
  FlatMap<ClassId> class_ids_;
  Vec<LockClass*> classes_;
  Pool<LockClass> class_pool_;
  FlatMap<DependencyId> dependency_ids_;
  Vec<Dependency> dependencies_;
  Pool<Witness> witness_pool_;
  FlatMap<StackId> stack_ids_;
  Vec<Stack> stacks_;
  OrderGraph order_;
};

}  // namespace crossdep::engine
