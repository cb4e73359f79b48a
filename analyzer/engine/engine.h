// SPDX-License-Identifier: MIT
//
// The engine: events in, findings out. There is one engine; the analyzer drives it from recorded traces, the runtime
// from inside the tested program.
//
//   X -> Y means: whoever is to release X had to get Y first. A cycle of such dependencies is a possible deadlock.
//
// What happens to a request, cheapest first:
//   1. hot: a hash of the held stack's classes and modes, the request and its place (the chain key) is looked up in the
//      context's own direct-mapped cache. A hit costs a few loads; nothing shared is written.
//   2. warm: the context's own tables: when it last made this request (cross-release asks for that at a commit).
//   3. cold, serialised: every held lock -> the requested one becomes a dependency with a witness; a dependency that is
//      new, or new in its modes, is checked for a cycle (order.h, cycles.h), a cycle gets its verdict (verdict.h).
//
// Cross-release (Byungchul Park, Documentation/locking/crossrelease.txt, Linux 4.14): when context S releases crosslock
// X, X -> Y for every request Y that S made after the matched wait on X began, and, weaker, for the last few before it. Time is a global epoch that each wait
// advances; a request notes the epoch it saw. What only one context can release (its own end, its work item) is judged
// at each request already: it lies as a pseudo-held entry at the bottom of the held stack.
//
// Thread safety: a Context belongs to one thread at a time; calls for different Contexts may run concurrently. Calls
// marked [serial] take the Serialiser themselves; the Engine's constructor and destructor want to be alone.
// Errors: none are raised. Where memory runs out the thing is forgotten and counted (losses()).
// Ownership: Context* and LockInstance* belong to the engine and live as long as it does; a destroyed instance's record
// is reused for a later one, so drop the pointer with the object.
#pragma once

#include <atomic>

#include "engine/clock.h"
#include "engine/context.h"
#include "engine/cycles.h"
#include "engine/graph.h"
#include "engine/memory.h"
#include "engine/nesting.h"
#include "engine/releasers.h"
#include "engine/sink.h"
#include "engine/types.h"
#include "engine/verdict.h"

namespace crossdep::engine {

struct Options {
  unsigned witnesses = 4;      // kept per dependency
  unsigned history = 8;        // requests of a releaser from before the wait that count, 0: none
  std::uint64_t search_budget = 200'000;   // states a cycle search may visit
  Serialiser* serialiser = nullptr;
  StackSource* stacks = nullptr;           // nullptr: a stack is the request's Site alone, unless given by set_stack()
};

class Engine {
 public:
  Engine(Allocator& memory, Sink& sink, const Options& options) noexcept;
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // --- classes and instances -------------------------------------------------------------------------------------

  struct ClassSpec {
    ClassKey key_kind = ClassKey::kNamed;
    Kind kind = Kind::kMutex;
    std::uint8_t subclass = 0;
    std::uint8_t wait_outer = 0, wait_inner = 0;
    std::uint32_t ordinal = 0;
    std::uint64_t key = 0;           // ignored for kNamed
    const char* name = nullptr;      // kNamed: identity; else a hint for reports
    std::uint32_t name_length = 0;
    static constexpr unsigned kMostCallers = 4;
    std::uint32_t caller_count = 0;
    Site callers[kMostCallers] = {};  // of a place `key`, for its name: it may be a library's function compiled into the program
  };
  /// [serial] The class of this identity, made on first sight. kNone when memory is out.
  ClassId declare_class(const ClassSpec& spec) noexcept;

  /// [serial] A new instance. `address` is shown in reports and orders same-class nesting. nullptr when memory is out:
  /// every call below takes a null instance and ignores it. The sink hears of it when it is first part of evidence; a
  /// recorder that wants every instance announces it itself.
  /// `left_at`, with kLeftHeld: where the thread that is not in this process acquired it.
  LockInstance* create(ClassId class_id, Kind kind, std::uint64_t address, std::uint8_t flags, Site left_at = 0) noexcept;

  /// [serial] The end of an instance; one that `context` or another context holds is a finding. The record is reused.
  /// The range is the memory that is freed, if known.
  void destroy(Context* context, LockInstance* lock, Site site, std::uint64_t range_begin = 0,
               std::uint64_t range_end = 0) noexcept;
  /// [serial] As destroy() for a lock initialised again while it lives: same finding if held; the record stays.
  void reinit(Context* context, LockInstance* lock, ClassId class_id, Site site) noexcept;

  // --- contexts ----------------------------------------------------------------------------------------------------

  /// [serial] A thread, task or process begins. `parent` created it (fork edge) or is nullptr. `end` is the crosslock
  /// that its end releases (what join waits for) or nullptr.
  Context* begin_context(Context* parent, ContextKind kind, std::uint64_t tid, const char* name,
                         std::uint32_t name_length, LockInstance* end) noexcept;
  /// [serial] Its end: releases its end crosslock; a lock still held is a finding.
  void end_context(Context* context, Site site) noexcept;
  /// [serial] Nobody will use `context` again (it ended and was joined or detached): its record is reused.
  void release_context(Context* context) noexcept;
  /// [serial] Its name became known or changed.
  void rename_context(Context* context, const char* name, std::uint32_t name_length) noexcept;

  /// A nested context begins or ends: handler, interrupt, work item. The held stack below is not carried into it. `work`
  /// and `queue` are the crosslocks the nested context's end releases (nullptr if none). `number` is the signal's;
  /// `threaded` a hardirq that may take sleeping spinlocks.
  void enter(Context* context, ContextKind kind, LockInstance* work, LockInstance* queue, Site site,
             unsigned number = 0, bool threaded = false) noexcept;
  void leave(Context* context, Site site) noexcept;
  /// Interrupts of this kind, or signal `number`, are blocked (true) or allowed (false) in this context.
  void mask(Context* context, ContextKind kind, unsigned number, bool blocked) noexcept;

  // --- locks -------------------------------------------------------------------------------------------------------

  /// Before the caller blocks. Judged here; findings are out before it returns.
  __attribute__((always_inline)) void request(Context* context, LockInstance* lock, Mode mode, std::uint8_t flags,
                                              Site site) noexcept {
    if (lock == nullptr || context == nullptr) return;
    if (!known_request(context, lock, mode, flags, site)) new_request(context, lock, mode, flags, site);
  }
  /// request() in two halves, for a driver that has something to do before a request that may be judged: if the first answers
  /// false the second must follow.
  __attribute__((always_inline)) bool known_request(Context* context, LockInstance* lock, Mode mode, std::uint8_t flags,
                                                    Site site) noexcept {
    return context->seen(*lock, lock->class_id, mode, flags, site, epoch_.load(std::memory_order_relaxed));
  }
  void new_request(Context* context, LockInstance* lock, Mode mode, std::uint8_t flags, Site site) noexcept {
    request_slow(context, lock, lock->class_id, mode, flags, site);
  }
  /// As request() for a lock taken under another class than its own (lockdep's subclass argument).
  void request_as(Context* context, LockInstance* lock, ClassId class_id, Mode mode, std::uint8_t flags, Site site,
                  LockInstance* nest = nullptr) noexcept;
  /// It was obtained: the top of the held stack.
  void acquired(Context* context, LockInstance* lock, Mode mode, std::uint8_t flags, Site site) noexcept {
    if (lock == nullptr || context == nullptr) return;
    if (!context->push(*lock, lock->class_id, mode, flags, site)) acquired_slow(context, lock, lock->class_id, mode, flags, site);
  }
  void acquired_as(Context* context, LockInstance* lock, ClassId class_id, Mode mode, std::uint8_t flags, Site site) noexcept;
  /// acquired_as() under a nest lock, which has to be held as long as this one: let go of before, it is a finding.
  void acquired_under(Context* context, LockInstance* lock, ClassId class_id, Mode mode, std::uint8_t flags, Site site,
                      LockInstance* nest) noexcept;
  /// acquired() of what this context requested last, with the same arguments; its lock's fast path.
  __attribute__((always_inline)) void acquired_as_requested(Context* context, LockInstance* lock, Mode mode, std::uint8_t flags,
                                                            Site site) noexcept {
    if (!context->push_requested(*lock)) acquired(context, lock, mode, flags, site);
  }
  /// The last request ended without it: timed out, or answered with an error.
  void failed(Context* context) noexcept {
    if (context == nullptr) return;
    context->pending_.store(nullptr, std::memory_order_relaxed);
    context->passed_from_ = context->requests_;
  }
  /// release() of the lock acquired last, if that is the one at `address`; false if not, or if there is more to do.
  __attribute__((always_inline)) bool release_last(Context* context, std::uint64_t address) noexcept {
    return context->pop_last(address);
  }
  /// Any order. Of a lock the context does not hold: a finding.
  void release(Context* context, LockInstance* lock, Site site) noexcept {
    if (lock == nullptr || context == nullptr) return;
    if (!context->pop(*lock)) release_slow(context, lock, site);
  }
  /// Write to read, still held.
  void downgrade(Context* context, LockInstance* lock, Site site) noexcept;
  /// Might be requested here: judged, not held.
  void might_lock(Context* context, LockInstance* lock, Mode mode, Site site) noexcept;
  /// Waits for all holders, holds nothing (synchronize_srcu).
  void sync(Context* context, LockInstance* lock, Mode mode, Site site) noexcept;
  /// A finding unless the context holds it (in any mode if kRead is asked for).
  void assert_held(Context* context, LockInstance* lock, Mode mode, Site site) noexcept;
  bool holds(const Context* context, const LockInstance* lock) const noexcept;

  // --- crosslocks ----------------------------------------------------------------------------------------------------

  /// [serial] Before the caller blocks: held -> X. `mutex` is released by the wait (a condition variable's), or nullptr.
  void wait_begin(Context* context, LockInstance* crosslock, LockInstance* mutex, std::uint8_t flags, Site site) noexcept;
  /// [serial] The wait ended. `by` released it if known. `matched` is false for a timeout. The mutex is held again.
  void wait_end(Context* context, LockInstance* crosslock, Context* by, bool matched, Site site) noexcept;
  /// [serial] X is released: commit. `count` waits are matched, kNone for all. Costs a few loads where nobody waits.
  void signal(Context* context, LockInstance* crosslock, std::uint32_t count, Site site) noexcept;
  /// [serial] A wait for another context's end: held -> its end crosslock (call before blocking), then the order edge.
  void join_begin(Context* context, Context* child, std::uint8_t flags, Site site) noexcept;
  void join_end(Context* context, Context* child, bool joined) noexcept;

  // --- the rest ------------------------------------------------------------------------------------------------------

  /// A named operation that a rule may forbid or tie to a lock is performed here. It is noted once for each chain of held
  /// locks and place; nothing is judged.
  void operation(Context* context, const char* name, std::uint32_t name_length, Site site) noexcept;

  /// [serial] `count` events of this context are missing here: its held stack is forgotten.
  void lost(Context* context, std::uint64_t count) noexcept;
  /// Releases of locks never seen acquired are counted, not reported, from now on (an input that begins in the middle).
  void tolerate_unmatched(Context* context) noexcept;
  /// The stack of this context's next request or commit, for sources that record stacks (used instead of StackSource).
  void set_stack(Context* context, const Site* frames, unsigned count) noexcept;
  /// [serial] A dependency from elsewhere (another run's graph, source, a rule), with its witnesses one by one.
  void import_dependency(ClassId from, ClassId to, const WitnessInfo& witness, const Site* frames, unsigned count) noexcept;

  /// A context that has asked for something it has not got, and who holds that.
  struct Blocked {
    static constexpr unsigned kMostHolders = 4;
    ContextId context;
    ClassId class_id;
    bool waits;                      // for a crosslock; else it requests a lock
    unsigned holder_count;           // all of them; the first kMostHolders are below
    ContextId holders[kMostHolders];
  };
  /// [serial held by the caller] Fills `out`, answers how many are blocked, `most` or not.
  unsigned blocked(Blocked* out, unsigned most) const noexcept;
  /// A lock that another context than `except` holds.
  struct HeldByOther {
    LockInstance* lock;
    Site site;
    Mode mode;
  };
  /// For a fork child's copy of its parent's engine, which may have been in the middle of anything: fills `out`, answers how
  /// many there are, `most` or not. Nothing is followed that `readable` does not vouch for.
  unsigned held_by_others(const Context* except, HeldByOther* out, unsigned most,
                          bool (*readable)(const void*, std::size_t)) const noexcept;
  /// [serial held by the caller] A number that another event changes: the same twice is standstill.
  std::uint64_t progress() const noexcept;

  /// [serial held by the caller] No more events will come: what was taken for granted of them is taken back.
  void finish() noexcept;

  Losses losses() const noexcept;
  std::uint64_t request_count() const noexcept;   // of contexts that ended or live, hot ones included
  std::uint32_t class_count() const noexcept;
  std::uint32_t dependency_count() const noexcept;
  /// Every structure is consistent with itself; for tests, O(everything).
  bool check_invariants() const noexcept;

 private:
  /// What happens just now: the request, commit or release that dependencies and findings are made from.
  struct Cause {
    Context* context;
    LockInstance* lock;
    ClassId class_id;
    Mode mode;
    std::uint8_t flags;
    Site site;
    StackId stack;
    bool at_commit;
  };
  struct StoredFinding {
    Check check;
    Judgement judgement;
    DependencyId* links;
    std::uint32_t link_count;
  };
  /// The first occurrence of a class that a handler or interrupt may interrupt while it is held.
  struct OpenUse {
    LockInstance* lock;      // its record may be another's by now: `instance` tells
    ClassId class_id;
    InstanceId instance;
    ContextId context;
    StackId stack;
    Site site;
    std::uint64_t signals;
    std::uint8_t interrupts;
    Mode mode;
  };
  /// Who waited, and where.
  struct Waited {
    ContextId context;
    Site site;
    StackId stack;
  };
  /// A wait that timed out.
  struct LateWait {
    static constexpr unsigned kMostHeld = 6;
    InstanceId crosslock = kNone;   // kNone: the entry is free
    std::uint64_t epoch;     // when it began
    Waited waited;
    InstanceId held[kMostHeld];   // and what it told others after it
    std::uint32_t held_count;
  };
  struct FindingLink {
    FindingId finding;
    std::uint32_t next;
  };
  class Lock;

  static constexpr unsigned kMaxFrames = 48;
  static constexpr Judgement observed() { return {Verdict::kConfirmed, Reason::kObserved, {0, 0}, kNone}; }
  static std::uint64_t held_value(const Held& held) noexcept {
    return (std::uint64_t{held.class_id} << 2) | static_cast<unsigned>(held.mode);
  }

  // engine.cpp
  void guard_child(Context* parent, Context* child) noexcept;
  void settle_token(LockInstance*) noexcept;
  bool take_from_holders(Context*, LockInstance*) noexcept;
  void drop_tables(Context*) noexcept;

  // locks.cpp
  void request_slow(Context*, LockInstance*, ClassId, Mode, std::uint8_t flags, Site,
                    LockInstance* nest = nullptr) noexcept;
  void acquired_slow(Context*, LockInstance*, ClassId, Mode, std::uint8_t flags, Site) noexcept;
  void release_slow(Context*, LockInstance*, Site) noexcept;
  Held* push_slow(Context*, LockInstance*, ClassId, Mode, std::uint8_t flags, Site, bool pseudo) noexcept;
  void remove_held(Context*, std::uint32_t index) noexcept;
  void hand_over(Context*, LockInstance*) noexcept;
  void let_go(Context*, std::uint32_t index) noexcept;
  void check_nest_let_go(Context*, std::uint32_t index, Site) noexcept;
  std::uint32_t find_held(const Context*, const LockInstance*, std::uint32_t from) const noexcept;
  Seen* remember(const Cause&, std::uint64_t key, bool same_class) noexcept;
  void touch(Context*, Seen*, std::uint64_t epoch) noexcept;
  void waited_until(Context*, const Wait&) noexcept;
  void judge_request(const Cause&, LockInstance* nest) noexcept;
  void depend_on_held(const Cause&, std::uint32_t index) noexcept;
  WitnessInfo held_witness(const Cause&, const Held&) const noexcept;
  void check_nesting(const Cause&, LockInstance* nest) noexcept;
  bool report_left_behind(Context*, LockInstance*, ClassId, Mode, std::uint8_t flags, Site) noexcept;
  bool report_self_nesting(const Cause&, const Held&) noexcept;
  bool nesting_known(Context*, LockInstance*, ClassId) noexcept;
  void check_wait_context(const Cause&) noexcept;
  unsigned capture(Context*, Site, Site* frames) noexcept;
  void rekey(Context*, std::uint32_t from) noexcept;

  // crosslock.cpp
  void commit(Context*, LockInstance*, Wait&, Site, StackId& stack, std::uint64_t history_from) noexcept;
  void commit_one(Context*, LockInstance*, const Waited&, const Seen&, Origin, Site, StackId stack) noexcept;

  // late_signals.cpp
  void note_timeout(const Context*, LockInstance*, const Wait&) noexcept;
  void note_late_signaller(const Context*, const LockInstance*) noexcept;
  void commit_late(Context*, LockInstance*, Site, StackId& stack) noexcept;
  void unlist(LockInstance*, Wait*) noexcept;
  bool note_signal(Context*, LockInstance*, Site) noexcept;
  void note_arrival(Context*, LockInstance*) noexcept;
  void end_round(Context*, LockInstance*) noexcept;
  void forget_told(LockInstance*) noexcept;
  void learn(Context*, const Segment* learned, bool by_signal) noexcept;
  void weaken(Context*, const LockInstance&) noexcept;
  void leave_floor(Context*, Site) noexcept;

  // interrupts.cpp
  bool told_by_interrupt(const Vec<DependencyId>& cycle) const noexcept;
  void note_usage(const Cause&) noexcept;
  void interruptible(const Cause&, std::uint8_t interrupts, std::uint64_t signals) noexcept;
  LockInstance* interrupt_of(Context*, ContextKind, unsigned number) noexcept;
  void open_to(const Cause&, LockInstance* interrupt) noexcept;

  // histories.cpp
  void gather_passed(Context*) noexcept;

  // operations.cpp
  LockInstance* operation_of(const char* name, std::uint32_t name_length) noexcept;
  LockInstance* named_instance(const char* name, std::uint32_t name_length, Kind) noexcept;
  StackId stack_of_held(Context*, std::uint32_t index) noexcept;

  // findings.cpp
  void depend(const Cause&, WitnessInfo& witness, ClassId from, ClassId to, const Segment* from_segment) noexcept;
  void depend_as(const Cause&, WitnessInfo& witness, ClassId from, ClassId to, const Background&) noexcept;
  void tell_witness(const WitnessInfo&) noexcept;
  bool shortened(const Cause&, const Vec<DependencyId>& cycle) noexcept;
  void find_cycles(const Cause&, DependencyId closing, std::uint8_t mode) noexcept;
  bool cut_short_by_holder(const Cause&, const Vec<DependencyId>& cycle) const noexcept;
  bool has_chord(const Vec<DependencyId>& cycle) const noexcept;
  void rejudge(const Cause&, DependencyId grown) noexcept;
  bool blocked_for_ever(const Cause&) noexcept;
  bool store_cycle(const Cause&, const Vec<DependencyId>& cycle) noexcept;
  void report_simple(const Cause&, Check, const Judgement&, LockInstance* other, std::uint64_t identity) noexcept;
  void emit(FindingId, const StoredFinding&, const Cause&, LockInstance* other) noexcept;
  bool write_out(const StoredFinding&) noexcept;
  std::uint32_t witness_of(DependencyId, ContextId) const noexcept;
  void gather_held(const Context*) noexcept;
  void gather_held_at(const Context*, const Seen&) noexcept;
  void rejudge_excused(Context*) noexcept;
  void announce(LockInstance*) noexcept;
  void announce(StackId) noexcept;

  Allocator& memory_;
  Sink& sink_;
  Options options_;
  Graph graph_;
  Releasers releasers_;
  static constexpr unsigned kMostLate = 16;
  LateWait late_[kMostLate];
  unsigned next_late_ = 0;
  FlatMap<bool> handed_on_;                // instances, + 1: hand_over()
  GuardBook guards_;
  CycleSearch search_;
  Judge judge_;
  Nesting nesting_;
  Clocks clocks_;
  Pool<LockInstance> instances_;
  Pool<Context> contexts_;
  Pool<Seen> seens_;
  Pool<Wait> waits_;
  Vec<StoredFinding> findings_;
  Vec<FindingLink> finding_links_;
  FlatMap<FindingId> finding_ids_;     // hash of a cycle or of a simple finding's identity
  Vec<HeldInfo> held_scratch_;
  Vec<Passed> passed_scratch_;
  Vec<LinkInfo> link_scratch_;
  Vec<DependencyId> cycle_scratch_;
  Vec<const Context*> blocked_scratch_;
  std::uint64_t range_begin_ = 0, range_end_ = 0;   // of the destruction being reported
  Context* living_ = nullptr;
  InstanceId next_instance_ = 0;
  ContextId next_context_ = 0;
  std::uint64_t past_requests_ = 0;
  std::uint64_t destroyed_ = 0;        // instances that are no more
  Losses losses_{};
  Vec<OpenUse> open_uses_;
  FlatMap<LockInstance*> operations_;  // by hash of the name
  bool any_interrupt_ = false;         // one of interrupts_ is there
  static constexpr unsigned kSignals = 64;
  // The end of each kind of handler seen: hardirq, softirq, then the signals.
  std::atomic<LockInstance*> interrupts_[2 + kSignals]{};
  Seen none_{};                        // matches no key

  alignas(64) std::atomic<std::uint64_t> epoch_{1};
};

}  // namespace crossdep::engine
