// SPDX-License-Identifier: MIT
//
// Locks of one class nested in each other. The class graph cannot tell whether that is harmless - a tree's nodes, a list
// walked hand over hand, accounts locked by address - so which lock was requested under which is kept per instance, as a
// graph of its own: the same order maintenance, search and verdicts as for classes, on instances.
//
// What is said of a class, first that applies:
//   a cycle of instances     its verdict (verdict.h): these very locks are nested in both orders
//   ascending or descending  latent: only one order of addresses was seen
//   parent first             latent: no lock was requested directly under two others, and some lock is over two, or both
//                            under one and over another: a tree, a list
//   level by level           latent: kCircuits times two ways led from lock to lock, and all pointed the same way: of so many
//                            pairs nested at random some would have closed a cycle
//   a common gate            refuted: all nestings ran under one lock
//   otherwise                possible
// Parents and levels end for good with the first cycle of instances, excused or not.
//
// Bounds: kMostPairs pairs of instances are kept; what comes after them is judged by address and order alone (counted).
// Threading: serialised by the engine.  Allocation: the engine's Allocator.
#pragma once

#include "engine/context.h"
#include "engine/cycles.h"
#include "engine/graph.h"
#include "engine/verdict.h"

namespace crossdep::engine {

class Nesting {
 public:
  static constexpr std::uint32_t kMostPairs = 1u << 16;
  static constexpr std::uint32_t kCircuits = 3;

  Nesting(Allocator& memory, const FlatMap<bool>& handed) noexcept
      : pairs_(memory), search_(memory, pairs_), judge_(memory, pairs_, handed), nodes_(memory) {}

  enum class Noted : std::uint8_t { kNothingNew, kNew, kCycle, kNoRoom };
  /// `wanted` is requested under `held`, both of `its_class`; `nearest`: no other of the class is held in between. kCycle:
  /// the pair, or a new way to it, lies on a cycle of instances, judged in verdict().
  Noted note(LockClass& its_class, const LockInstance& held, const LockInstance& wanted, bool nearest,
             const WitnessInfo&, const Segment* from_segment, const Segment* request_segment, unsigned witnesses) noexcept;
  /// The strongest verdict of a cycle the last note() found, with the places of two of its requests.
  const Judgement& verdict() const noexcept { return verdict_; }

  /// Whether note() of this would tell nothing: this context requested `wanted` under `held` before.
  bool knows(const LockInstance& held, const LockInstance& wanted, ContextId context) const noexcept;
  /// What is to be said of the class apart from cycles of instances.
  Judgement order_of(const LockClass& its_class) noexcept;

  Judge& judge() noexcept { return judge_; }
  bool check_invariants() const noexcept { return pairs_.check_invariants(); }

 private:
  struct Node {
    ClassId root;             // union-find: connected, whichever way
    std::uint32_t parents;
    bool has_child;
  };
  static ClassInfo instance(const LockInstance& lock) noexcept;
  static ClassInfo role(const LockClass& its_class, bool outer) noexcept;
  ClassId intern(const ClassInfo&) noexcept;
  ClassId root_of(ClassId node) noexcept;
  void learn(LockClass& its_class, ClassId from, ClassId to) noexcept;
  void judge_cycles(DependencyId closing, std::uint8_t mode) noexcept;
  void weigh(const Vec<DependencyId>& cycle) noexcept;

  Graph pairs_;               // its classes are lock instances, its dependencies pairs of them
  CycleSearch search_;
  Judge judge_;
  Vec<Node> nodes_;
  Judgement verdict_{};
};

}  // namespace crossdep::engine
