// SPDX-License-Identifier: MIT
//
// What comes out of the engine: classes, instances, stacks, dependencies with their witnesses, findings. The analyzer
// builds its graph from these calls; the runtime writes them to its journal, and the analyzer builds the same graph from
// the journal. Everything refers to what was announced before it, by number.
//
// Threading: called with the engine's Serialiser held.  Ownership: pointers are valid during the call only.
#pragma once

#include "engine/types.h"

namespace crossdep::engine {

/// How a class was used so far, lockdep's usage bits for each of {signal handler / hardirq, softirq} x {write, read}.
/// Printed as four characters: . never, - used inside, + held with it enabled, ? both.
enum Usage : std::uint8_t {
  kUsedInHard = 1, kUsedInHardRead = 2, kUsedInSoft = 4, kUsedInSoftRead = 8,
  kEnabledHard = 16, kEnabledHardRead = 32, kEnabledSoft = 64, kEnabledSoftRead = 128,
};

struct ClassInfo {
  ClassId id;
  ClassKey key_kind;
  Kind kind;
  std::uint8_t subclass;
  std::uint8_t wait_outer, wait_inner;  // wait types as in lockdep, 0 = unchecked
  std::uint32_t ordinal;                // see ClassKey::kFirstSite
  std::uint64_t key;
  const char* name;                     // not terminated; empty unless named
  std::uint32_t name_length;
  const Site* callers = nullptr;        // of the place `key`, from it outwards, where they are known; valid in on_class() only
  std::uint32_t caller_count = 0;
};

struct InstanceInfo {
  InstanceId id;
  ClassId class_id;
  Kind kind;
  std::uint8_t flags;
  std::uint64_t address;  // or a trace-local number
};

struct ContextInfo {
  ContextId id;
  ContextId parent;       // the creator, kNone for the first
  ContextKind kind;
  std::uint64_t tid;      // the system's number of the thread or task
  const char* name;       // comm, not terminated
  std::uint32_t name_length;
};

struct HeldInfo {         // one entry of a held stack, outermost first
  InstanceId instance;
  ClassId class_id;
  Mode mode;
  std::uint8_t flags;     // RequestFlag
  bool pseudo;            // a crosslock this context is running for (its own thread end, its work item), not a lock
  Site site;              // where it was acquired
};

/// One concrete occurrence of a dependency X -> Y.
struct WitnessInfo {
  DependencyId dependency;
  Origin origin;
  Mode from_mode, to_mode;
  std::uint8_t flags;        // RequestFlag of the request for Y
  ContextId context;         // who is to release X and requested Y
  InstanceId from, to;
  Site from_site;            // where X was acquired; for a crosslock: where it was released, 0 while still to come
  Site to_site;              // where Y was requested
  StackId to_stack;          // the request's stack
  // Event dependencies only: the wait on X that was matched.
  ContextId waiter;          // kNone if none
  Site wait_site;
  StackId wait_stack;        // X -> operation: where X was acquired, if that is known
  StackId release_stack;     // where X was released (the commit)
  std::uint64_t ordinal;     // position of the request in its context, counted in requests
  std::uint32_t held_count;  // what `context` held at the request, outermost first
  const HeldInfo* held;
};

struct DependencyInfo {
  DependencyId id;
  ClassId from, to;
};

/// One link of a finding's cycle: a dependency and the witness of it that was chosen.
struct LinkInfo {
  DependencyId dependency;
  std::uint32_t witness;     // ordinal among the witnesses announced for this dependency
};

struct FindingInfo {
  FindingId id;
  Check check;
  Verdict verdict;
  Reason reason;
  Site reason_site[2];       // places the reason speaks of (the gate's acquisitions), 0 if none
  InstanceId reason_instance;// the gate lock, the crosslock others release too; kNone if none
  ContextId reason_context = kNone;   // who was seen to release it too
  // The request (or commit, release, destruction) that completed it.
  ContextId context;
  InstanceId instance;
  Mode mode;
  Site site;
  StackId stack;
  bool at_commit;            // found when a crosslock was released, not when a lock was requested
  InstanceId other;          // recursive-lock: the instance already held; else kNone
  std::uint64_t range_begin, range_end;  // destroy-held: the memory freed, 0 if unknown
  // The held stack of `context` then, outermost first.
  std::uint32_t held_count;
  const HeldInfo* held;
  // The cycle: links[0] is the closing dependency X -> Y, links[i].to is links[i+1].from, the last one ends in X. Written
  // out as lockdep does: where a context took locks between X and Y, each of them is a link (X -> M, M -> Y), and those
  // links have the same context.
  std::uint32_t link_count;
  const LinkInfo* links;
  // Reason::kReported only: why, as one sentence without the verdict; not terminated.
  const char* said;
  std::uint32_t said_length;
};

struct Losses {
  std::uint64_t memory;      // things forgotten because no memory was to be had
  std::uint64_t events;      // events said to be missing from the input
  std::uint64_t unmatched;   // releases without an acquisition where the input began in the middle
  std::uint64_t budget;      // cycles not searched to the end
  std::uint64_t contradictions;  // places where the input contradicts itself; what they concern was left out
};

class Sink {
 public:
  virtual void on_class(const ClassInfo&) = 0;
  virtual void on_class_usage(ClassId, std::uint8_t usage) = 0;
  virtual void on_instance(const InstanceInfo&) = 0;
  virtual void on_context(const ContextInfo&) = 0;
  virtual void on_stack(StackId, const Site* frames, unsigned count) = 0;
  virtual void on_dependency(const DependencyInfo&) = 0;
  virtual void on_witness(const WitnessInfo&) = 0;
  /// A new finding, or a known one (same id) whose verdict has risen.
  virtual void on_finding(const FindingInfo&) = 0;

 protected:
  ~Sink() = default;
};

}  // namespace crossdep::engine
