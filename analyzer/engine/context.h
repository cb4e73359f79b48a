// SPDX-License-Identifier: MIT
//
// A context's own side of the engine: its held stack and the requests it has made before. Everything a lock operation
// touches when nothing is new lies here and belongs to one thread, so the hot path writes no shared cache line.
//
// The chain key of a request is a running hash over the classes and modes held (outermost first), the class and mode
// asked for, and the place. The context remembers each key it has seen in a `Seen` record, found through a
// direct-mapped cache of pointers. Seen records lie in a list ordered by the epoch of their last use (newest first):
// what a commit asks for ("every request since the wait began") is a prefix of that list.
//
// Threading: one thread at a time; others only read held_, top_ and pending_ (atomics), in destroy() and when a cycle is
// found.
// Allocation: from the engine's Allocator, in the engine's cold paths only.
#pragma once

#include <atomic>

#include "engine/containers.h"
#include "engine/hash.h"
#include "engine/sink.h"
#include "engine/types.h"

namespace crossdep::engine {

class Context;
struct LockInstance;
struct Segment;
struct Guards;

/// One wait that has begun and not ended.
struct Wait {
  Context* context;
  LockInstance* lock;
  LockInstance* mutex;           // released by the wait, got again after it; or nullptr
  Mode mutex_mode;
  ClassId mutex_class;
  bool matched;                  // a signal was given to it
  bool timed;                    // it may end by itself
  bool over;                     // at a barrier: its round is over, it has only not woken yet
  std::uint64_t epoch;           // when it began
  std::uint64_t matched_epoch;   // when its signal was given
  Site site;
  StackId stack;
  Wait* next;                    // on the same crosslock, younger
};

/// One lock object from birth to death. The record is recycled, the id is not.
struct LockInstance {
  std::uint64_t address;
  InstanceId id;
  ClassId class_id;
  Kind kind;
  std::uint8_t flags;            // InstanceFlag
  bool announced;                // the sink knows it
  bool alive;
  bool fleeting;                 // free for the driver (it may be gone without a word)
  std::atomic<bool> late;        // a wait for it timed out, and its next signal may have been meant for that
  std::atomic<std::uint32_t> breaks;    // times it was taken from its holder: released elsewhere, destroyed
  std::atomic<std::uint32_t> waiters;   // contexts waiting for it
  std::atomic<std::uint32_t> sequence;  // free for the driver (order of operations in recorded traces)
  Wait* waits;                   // oldest first
  Site left_at;                  // with kLeftHeld: where its holder acquired it
  const Segment* told;           // of its only signal, held; nullptr if there was none or more than one
                                 // a barrier: what those who have come in this round knew together, its own
  const Segment* left;           // a barrier: the same of the last round
  std::uint64_t came, party;     // a barrier: sums that stand for who came in this round, and in the first
  std::uint32_t signals;         // 0, 1, 2 = more; a barrier: 2 = not all of its rounds were the same contexts'
  ContextId signaller;           // of the first
  bool orders;                   // its only signal was taken to order something

  /// Whoever the fork left behind does not hold it any more.
  void forget_left() noexcept { flags &= static_cast<std::uint8_t>(~(kLeftHeld | kLeftRead)); }
};

/// An entry of a held stack. A power of two in size, and what the hot path sets to nothing side by side.
struct alignas(16) Held {
  LockInstance* lock;            // nullptr: the floor of a (nested) context
  std::uint64_t chain;           // chain key up to and including this entry
  Site site;
  const Segment* segment;        // order known when it was acquired (see order edges in clock.h)
  ClassId class_id;
  std::uint32_t instances;       // running hash of the instances up to and including this entry
  std::uint32_t depth;           // further acquisitions of a recursive lock, and the bits below: see further()
  Mode mode;
  std::uint8_t flags;            // RequestFlag
  bool pseudo;                   // a crosslock this context runs for
  ContextKind floor_kind;        // of a floor
  std::uint32_t breaks;          // lock->breaks when it was acquired; differs: no longer ours
  LockInstance* nest;            // with kUnderNest: the nest lock it was taken under

  /// Bits of `depth`, which send a release the slow way: the lock guards a child (guards.h), the entry is pseudo, others were
  /// taken under this one as their nest lock, it was taken so itself.
  static constexpr std::uint32_t kGuarding = 1u << 31, kPseudo = 1u << 30, kNest = 1u << 29, kUnderNest = 1u << 28;
  std::uint32_t further() const noexcept { return depth & ~(kGuarding | kPseudo | kNest | kUnderNest); }
};
static_assert(sizeof(Held) == 64);

/// A request this context has made, with the chain it was made under. The hot path touches its first 32 bytes only, which
/// lie in one cache line.
struct alignas(32) Seen {
  std::uint64_t key;
  std::uint64_t epoch;           // of the last use
  LockInstance* lock;            // of the last use; its record may have been recycled since
  std::uint32_t instances;       // and segment, of the last use that was looked at
  std::uint32_t budget;          // how many more of these are looked at
  std::uint64_t chain;           // of what was held
  Seen* newer;
  Seen* older;
  Site site;
  std::uint64_t ordinal;
  StackId stack;
  ClassId class_id;
  std::uint32_t activity;        // number of the (nested) context it was made in
  Mode mode;
  std::uint8_t flags;
};
static_assert(sizeof(Seen) == 96);

class Context {
 public:
  ContextId id() const noexcept { return id_; }
  ContextKind kind() const noexcept { return held()[floor_].floor_kind; }
  LockInstance* end() const noexcept { return end_; }
  /// The entries above the current floor, outermost first (pseudo ones included).
  const Held* held_begin() const noexcept { return held() + floor_ + 1; }
  const Held* held_end() const noexcept { return held() + top(); }
  std::uint64_t requests() const noexcept { return requests_; }

  /// True if this very request was made before under the same chain and nothing has to be done. Writes the entry that the
  /// acquisition will make into the free place above the stack.
  __attribute__((always_inline)) bool seen(LockInstance& lock, ClassId class_id, Mode mode, std::uint8_t flags, Site site,
                                           std::uint64_t epoch) noexcept {
    ++requests_;
    pending_.store((flags & (kTry | kTimed)) ? nullptr : &lock, std::memory_order_relaxed);
    const Held& entry = prepare(lock, class_id, mode, flags, site);
    const Held& last = (&entry)[-1];
    const std::uint64_t key = request_key(last.chain, class_id, mode, flags, site);
    Seen* known = cache_[cache_index(key)];
    if (__builtin_expect(known->key != key || known->epoch != epoch || (lock.flags & kLeftHeld), 0)) return false;
    // Not written unasked: other contexts' records lie in the same cache lines.
    if (known->lock != &lock) known->lock = &lock;
    if (__builtin_expect(known->budget == 0, 1)) return true;
    return known->instances == (entry.instances ^ segment_salt_);
  }

  /// The lock that was requested last is obtained, as it was requested. False: nothing is done, since a nested context (a
  /// handler) has come between, or the lock is one that needs a look.
  __attribute__((always_inline)) bool push_requested(LockInstance& lock) noexcept {
    const std::uint32_t top = this->top();
    Held& entry = held()[top];
    if (__builtin_expect(entry.lock != &lock || top == capacity_ || (lock.flags & (kRecursiveLock | kLeftHeld)), 0))
      return false;
    entry.breaks = lock.breaks.load(std::memory_order_relaxed);
    entry.segment = segment_;
    top_.store(top + 1, std::memory_order_relaxed);
    pending_.store(nullptr, std::memory_order_relaxed);
    return true;
  }

  bool push(LockInstance& lock, ClassId class_id, Mode mode, std::uint8_t flags, Site site) noexcept {
    prepare(lock, class_id, mode, flags, site);
    return push_requested(lock);
  }

  /// Gives up the lock got last if it is the one at `address`.
  __attribute__((always_inline)) bool pop_last(std::uint64_t address) noexcept {
    const std::uint32_t top = this->top();
    const Held& last = held()[top - 1];
    if (__builtin_expect(last.lock == nullptr || last.lock->address != address || last.depth != 0 ||
                             last.breaks != last.lock->breaks.load(std::memory_order_relaxed), 0))
      return false;
    top_.store(top - 1, std::memory_order_relaxed);
    return true;
  }

  bool pop(const LockInstance& lock) noexcept {
    const std::uint32_t top = this->top();
    const Held& last = held()[top - 1];
    if (__builtin_expect(last.lock != &lock || last.depth != 0 || last.breaks != lock.breaks.load(std::memory_order_relaxed), 0))
      return false;
    top_.store(top - 1, std::memory_order_relaxed);
    return true;
  }

 private:
  friend class Engine;

  static constexpr std::size_t held_bytes(std::uint32_t capacity) noexcept { return (capacity + 1) * sizeof(Held); }

  static constexpr std::uint32_t kCacheSize = 2048;   // the top 11 bits of a key

  Held* held() const noexcept { return held_.load(std::memory_order_relaxed); }
  /// The floor that says what this runs in: a work item that a softirq runs, a timer or tasklet, is softirq code.
  const Held& runs_in() const noexcept {
    const Held* floor = held() + floor_;
    while (floor->floor_kind == ContextKind::kWorkItem && floor != held()) floor = held() + floor->depth;
    return *floor;
  }
  // The entry above the top: there is always room for one.
  __attribute__((always_inline)) Held& prepare(LockInstance& lock, ClassId class_id, Mode mode, std::uint8_t flags,
                                               Site site) noexcept {
    Held* entry = held() + top();
    entry->lock = &lock;
    entry->chain = chain_step(entry[-1].chain, (std::uint64_t{class_id} << 2) | static_cast<unsigned>(mode));
    entry->site = site;
    entry->class_id = class_id;
    entry->instances = instance_key(entry[-1].instances, lock);
    entry->depth = 0;
    entry->mode = mode;
    entry->flags = flags;
    entry->pseudo = false;
    entry->floor_kind = ContextKind{};
    return *entry;
  }
  std::uint32_t top() const noexcept { return top_.load(std::memory_order_relaxed); }
  std::uint32_t cache_index(std::uint64_t key) const noexcept {
    return static_cast<std::uint32_t>(key >> 53) & cache_mask_;  // the product's best bits
  }
  std::uint64_t request_key(std::uint64_t chain, ClassId class_id, Mode mode, std::uint8_t flags, Site site) const noexcept {
    // As chain_step(), whose last shift is for the steps that follow; none follows a request.
    const std::uint64_t what = (std::uint64_t{class_id} << 12) | (static_cast<unsigned>(mode) << 8) | flags | 128u;
    return (chain ^ state_key_ ^ site ^ what) * 0x9e3779b97f4a7c15ULL | 1;
  }
  static std::uint32_t instance_key(std::uint32_t key, const LockInstance& lock) noexcept {
    return (key ^ lock.id) * 0x9e3779b1u + 1;
  }

  std::atomic<Held*> held_{nullptr};
  std::atomic<std::uint32_t> top_{0};      // entries in use
  std::uint32_t capacity_ = 0;             // entries there is memory for, but one
  std::uint32_t floor_ = 0;                // index of the current (nested) context's floor
  std::uint32_t cache_mask_ = 0;
  Seen** cache_ = nullptr;
  std::uint64_t state_key_ = 0;            // masks and nesting, part of every key
  std::uint64_t requests_ = 0;
  Segment* segment_ = nullptr;
  std::uint32_t segment_salt_ = 0;         // changes with segment_: what is known of order is part of an occurrence
  std::atomic<LockInstance*> pending_{nullptr};   // asked for and not yet got; nullptr if that ends by itself

  // Below: cold.
  ContextId id_ = kNone;
  ContextId parent_ = kNone;
  std::uint64_t tid_ = 0;
  LockInstance* end_ = nullptr;            // what its end releases
  Wait* wait_ = nullptr;                   // what it waits for now
  FlatMap<Seen*>* chains_ = nullptr;
  FlatMap<bool>* operations_ = nullptr;    // chain, place and name of those noted; made at the first
  Seen* newest_ = nullptr;
  Seen* oldest_ = nullptr;
  Seen* no_cache_ = nullptr;               // stands in for cache_ (one entry) where memory is out
  std::uint32_t activity_ = 0;             // counts begun (nested) contexts
  std::uint8_t masked_ = 0;                // bit 0 hard, bit 1 soft
  std::uint64_t masked_signals_ = 0;       // bit n - 1: signal n
  std::uint64_t history_from_ = 0;         // requests_ when it last told others something: history begins there
  std::uint64_t passed_from_ = 0;          // requests_ when it last failed to get something: what it passes is known from there
  std::uint64_t passed_destroyed_ = 0;     // instances destroyed by then
  const Guards* guards_ = nullptr;         // what its creator held when it made it
  Context* joining_ = nullptr;             // whom it waits for, until the end
  std::uint32_t found_in_ = kNone;         // the activity of its last finding
  bool tolerant_ = false;
  bool ended_ = false;
  Site* pending_frames_ = nullptr;         // set_stack()
  unsigned pending_count_ = 0;
  std::uint64_t pending_at_ = 0;           // requests_ when it was set
  Context* next_ = nullptr;                // all living contexts
  Context* previous_ = nullptr;
};

}  // namespace crossdep::engine
