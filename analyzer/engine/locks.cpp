// SPDX-License-Identifier: MIT
//
// Requests, acquisitions and releases where the hot path (context.h) does not know the answer: the warm part works on the
// context's own tables, the cold part makes dependencies under the Serialiser.
//
// Threading: see engine.h.  Allocation: the held stack grows by doubling; one Seen record per new chain.
#include "engine/engine.h"
#include "engine/serial.h"

namespace crossdep::engine {

namespace {
constexpr std::uint32_t kInstanceBudget = 8;       // combinations of instances and segment looked at per chain
constexpr std::uint32_t kAlwaysLook = 1u << 30;    // nesting within a class: which instances is all that matters
constexpr std::uint32_t kDirectDepth = 32;         // deeper held locks: see judge_request()
constexpr std::uint32_t kDeep = 64, kDeepDepth = 4; // and of a stack deeper than kDeep

bool stale(const Held& held) {
  return held.lock != nullptr && !held.pseudo && held.breaks != held.lock->breaks.load(std::memory_order_relaxed);
}
}  // namespace

unsigned Engine::capture(Context* context, Site site, Site* frames) noexcept {
  if (context->pending_count_ != 0) {
    const unsigned count = context->pending_count_;
    context->pending_count_ = 0;
    if (context->requests_ - context->pending_at_ <= 1) {  // else what it was meant for was not cold
      std::memcpy(frames, context->pending_frames_, count * sizeof(Site));
      return count;
    }
  }
  if (options_.stacks != nullptr) {
    const unsigned count = options_.stacks->capture(frames, kMaxFrames);
    if (count != 0) return count;
  }
  if (site == 0) return 0;
  frames[0] = site;
  return 1;
}

// --- requests ----------------------------------------------------------------------------------------------------------

void Engine::request_as(Context* context, LockInstance* lock, ClassId class_id, Mode mode, std::uint8_t flags, Site site,
                        LockInstance* nest) noexcept {
  if (lock == nullptr || context == nullptr || class_id == kNone) return;
  if (!context->seen(*lock, class_id, mode, flags, site, epoch_.load(std::memory_order_relaxed)))
    request_slow(context, lock, class_id, mode, flags, site, nest);
}

void Engine::request_slow(Context* context, LockInstance* lock, ClassId class_id, Mode mode, std::uint8_t flags,
                          Site site, LockInstance* nest) noexcept {
  if (context->ended_) return;
  if ((lock->flags & kRecursiveLock) && find_held(context, lock, context->floor_) != kNone) return;
  if ((lock->flags & kToken) && find_held(context, lock, 0) != kNone) return hand_over(context, lock);
  if ((lock->flags & kLeftHeld) && report_left_behind(context, lock, class_id, mode, flags, site)) return;
  const std::uint64_t epoch = epoch_.load(std::memory_order_relaxed);
  const Held& last = context->held()[context->top() - 1];
  const std::uint64_t key = context->request_key(last.chain, class_id, mode, flags, site);
  const std::uint32_t instances = Context::instance_key(last.instances, *lock) ^ context->segment_salt_;
  Seen** known = context->chains_->find(key);
  if (known != nullptr) {
    Seen* seen = *known;
    context->cache_[context->cache_index(key)] = seen;
    seen->lock = lock;
    if (seen->epoch != epoch) touch(context, seen, epoch);
    if (seen->budget == 0 || seen->instances == instances) return;
    seen->instances = instances;
    --seen->budget;
    if (seen->budget > kInstanceBudget && seen->budget < kAlwaysLook - kInstanceBudget &&
        nesting_known(context, lock, class_id)) return;
  }
  // Cold from here on.
  bool same_class = false;
  for (std::uint32_t i = context->floor_ + 1; i < context->top(); ++i)
    same_class = same_class || context->held()[i].class_id == class_id;
  Site frames[kMaxFrames];
  const unsigned count = capture(context, site, frames);
  Lock serial(*this);
  Cause cause{context, lock, class_id, mode, flags, site, graph_.intern_stack(frames, count), false};
  Seen* seen = known != nullptr ? *known : remember(cause, key, same_class);
  if (seen == nullptr) ++losses_.memory;
  else seen->instances = instances;
  // What it passed on its way here holds only while it passes it each time: the next time is looked at again.
  if (seen != nullptr && !same_class && seen->budget != 0) gather_passed(context);
  if (!passed_scratch_.empty()) seen->instances = ~instances;
  judge_request(cause, nest);
  passed_scratch_.clear();
}

Seen* Engine::remember(const Cause& cause, std::uint64_t key, bool same_class) noexcept {
  Context* context = cause.context;
  void* memory = seens_.take();
  Seen** slot = memory == nullptr ? nullptr : context->chains_->insert(key);
  if (slot == nullptr) {
    if (memory != nullptr) seens_.give_back(memory);
    return nullptr;
  }
  auto* seen = new (memory) Seen{};
  *slot = seen;
  seen->key = key;
  seen->chain = context->held()[context->top() - 1].chain;
  seen->lock = cause.lock;
  seen->class_id = cause.class_id;
  seen->mode = cause.mode;
  seen->flags = cause.flags;
  seen->stack = cause.stack;
  seen->site = cause.site;
  const bool nested = context->top() > context->floor_ + 1;
  seen->budget = same_class ? kAlwaysLook : nested ? kInstanceBudget : 0;
  touch(context, seen, epoch_.load(std::memory_order_relaxed));
  constexpr std::uint32_t kWorthACache = 4;   // a context that asks for less is one of very many, or soon over
  if (context->cache_mask_ == 0 && context->chains_->size() >= kWorthACache) {
    // From one entry to all; without memory it stays as it is.
    auto* cache = static_cast<Seen**>(memory_.allocate(Context::kCacheSize * sizeof(Seen*)));
    for (std::uint32_t i = 0; cache != nullptr && i < Context::kCacheSize; ++i) cache[i] = &none_;
    if (cache != nullptr) {
      context->cache_ = cache;
      context->cache_mask_ = Context::kCacheSize - 1;
      for (Seen* known = context->oldest_; known != nullptr; known = known->newer)
        cache[context->cache_index(known->key)] = known;
    }
  }
  context->cache_[context->cache_index(key)] = seen;
  return seen;
}

// To the front of the list, with the present epoch.
void Engine::touch(Context* context, Seen* seen, std::uint64_t epoch) noexcept {
  seen->epoch = epoch;
  seen->ordinal = context->requests_;
  seen->activity = context->activity_;
  if (context->newest_ == seen) return;
  if (seen->newer != nullptr) seen->newer->older = seen->older;
  if (seen->older != nullptr) seen->older->newer = seen->newer;
  if (context->oldest_ == seen) context->oldest_ = seen->newer;
  seen->newer = nullptr;
  seen->older = context->newest_;
  if (context->newest_ != nullptr) context->newest_->newer = seen;
  context->newest_ = seen;
  if (context->oldest_ == nullptr) context->oldest_ = seen;
}

// Every held lock -> the requested one.
void Engine::judge_request(const Cause& cause, LockInstance* nest) noexcept {
  Context* context = cause.context;
  gather_held(context);
  note_usage(cause);
  check_wait_context(cause);
  check_nesting(cause, nest);
  if (cause.flags & kTry) return;
  // From the newest: what is implied by a strong path over newer locks need not be stored where stacks are deep.
  bool implied = false;
  const std::uint32_t direct = context->top() - context->floor_ > kDeep ? kDeepDepth : kDirectDepth;
  for (std::uint32_t i = context->top(), depth = 0; i-- > context->floor_ + 1; ++depth) {
    const Held& held = context->held()[i];
    if (stale(held)) continue;
    if (!implied || depth < direct || held.pseudo) depend_on_held(cause, i);
    implied = held.mode != Mode::kRecursiveRead && !(held.flags & kTry) && !held.pseudo && held.class_id != cause.class_id;
  }
  // What runs nested - a work item, a signal handler - delays the end of what it interrupts: of the thread, and of the
  // work item it runs in. The locks held there are not carried over (the rules for handlers judge those).
  for (std::uint32_t floor = context->floor_; floor != 0; floor = context->held()[floor].depth) {
    const ContextKind kind = context->held()[floor].floor_kind;
    if (kind == ContextKind::kHardirq || kind == ContextKind::kSoftirq || kind == ContextKind::kNmi) break;
    const std::uint32_t below = context->held()[floor].depth;
    for (std::uint32_t i = below + 1; i < floor && context->held()[i].pseudo && context->held()[i].lock != nullptr; ++i)
      depend_on_held(cause, i);
  }
}

void Engine::depend_on_held(const Cause& cause, std::uint32_t index) noexcept {
  const Held& held = cause.context->held()[index];
  if (held.class_id == cause.class_id) return;
  WitnessInfo witness = held_witness(cause, held);
  announce(held.lock);
  depend(cause, witness, held.class_id, cause.class_id, held.pseudo ? nullptr : held.segment);
}

WitnessInfo Engine::held_witness(const Cause& cause, const Held& held) const noexcept {
  WitnessInfo witness{};
  witness.origin = held.pseudo ? Origin::kOverlap : Origin::kHeld;
  witness.from_mode = held.mode;
  witness.to_mode = cause.mode;
  witness.flags = cause.flags;
  witness.context = cause.context->id_;
  witness.from = held.lock->id;
  witness.to = cause.lock->id;
  witness.from_site = held.site;
  witness.to_site = cause.site;
  witness.to_stack = cause.stack;
  witness.waiter = kNone;
  witness.ordinal = cause.context->requests_;
  return witness;
}

// Nesting within one class, and of one instance in itself.
void Engine::check_nesting(const Cause& cause, LockInstance* nest) noexcept {
  Context* context = cause.context;
  // Under a nest lock got before them, locks of one class may be got in any order.
  const std::uint32_t nest_index = nest == nullptr ? kNone : find_held(context, nest, context->floor_);
  if (nest != nullptr && nest_index == kNone && !context->tolerant_) {
    const Cause missing{context, nest, nest->class_id, Mode::kWrite, 0, cause.site, cause.stack, false};
    report_simple(missing, Check::kAssertHeld, observed(), nullptr, cause.site);
  }
  LockInstance* nearest = nullptr;
  bool excused = false, in_cycle = false;
  Judgement worst{Verdict::kRefuted, Reason::kGateLock, {0, 0}, kNone};
  for (std::uint32_t i = context->top(), depth = 0; i-- > context->floor_ + 1;) {
    const Held& held = context->held()[i];
    if (stale(held)) continue;
    if (held.lock == cause.lock) {
      if (report_self_nesting(cause, held)) return;
      continue;
    }
    if (held.class_id != cause.class_id || held.pseudo || (is_crosslock(cause.lock->kind) && !(cause.lock->flags & kToken))) continue;
    if (cause.mode == Mode::kRecursiveRead && held.mode != Mode::kWrite) continue;
    if ((cause.flags & kTry) || nest_index < i || (cause.lock->flags & kNestOk)) continue;
    if (depth++ == kDirectDepth) break;
    const bool first = nearest == nullptr;
    if (first) nearest = held.lock;
    WitnessInfo witness = held_witness(cause, held);
    witness.held_count = held_scratch_.size();
    witness.held = held_scratch_.data();
    const Nesting::Noted noted = nesting_.note(graph_.lock_class(cause.class_id), *held.lock, *cause.lock, first, witness,
                                               held.segment, context->segment_, options_.witnesses);
    if (noted == Nesting::Noted::kNoRoom) ++losses_.budget;
    if (first) excused = (cause.lock->flags & kOrderAddress) && cause.lock->address > held.lock->address;
    if (noted != Nesting::Noted::kCycle) continue;
    if (!in_cycle || Judge::rank(nesting_.verdict()) > Judge::rank(worst)) worst = nesting_.verdict();
    in_cycle = true;
  }
  if (nearest == nullptr) return;
  if (in_cycle && worst.verdict >= Verdict::kPossible && blocked_for_ever(cause))
    worst = {Verdict::kDeadlock, Reason::kBlockedNow, {0, 0}, kNone};
  if (excused && worst.verdict < Verdict::kPossible) return;
  // No cycle: declared to ascend, it does not; else by the order inferred.
  if (!in_cycle)
    worst = cause.lock->flags & kOrderAddress ? Judgement{Verdict::kPossible, Reason::kNestedUnordered, {0, 0}, kNone}
                                              : nesting_.order_of(graph_.lock_class(cause.class_id));
  report_simple(cause, Check::kRecursiveLock, worst, nearest, chain_step(cause.class_id, 1));
}

// The very lock that is held is requested again. False: that is meant.
bool Engine::report_self_nesting(const Cause& cause, const Held& held) noexcept {
  if (cause.lock->flags & kRecursiveLock) return false;
  if (cause.mode == Mode::kRecursiveRead && held.mode != Mode::kWrite) return false;
  if (cause.flags & kTry) return false;
  Judgement judgement{Verdict::kDeadlock, Reason::kSelfBlocked, {0, 0}, kNone};
  // A reader of its own read lock blocks only if a writer comes between the two.
  if (cause.mode != Mode::kWrite && held.mode != Mode::kWrite)
    judgement = {Verdict::kPossible, Reason::kNoneExcluded, {0, 0}, kNone};
  if (cause.flags & kTimed) judgement = {Verdict::kPossible, Reason::kTimed, {0, 0}, kNone};
  if (cause.lock->flags & kErrorCheck) judgement = {Verdict::kRefuted, Reason::kErrorReturned, {0, 0}, kNone};
  report_simple(cause, Check::kRecursiveLock, judgement, held.lock, chain_step(cause.class_id, 1));
  return true;
}

// Requested in a fork child, held by a thread that only its parent has. False: nobody is kept waiting.
bool Engine::report_left_behind(Context* context, LockInstance* lock, ClassId class_id, Mode mode, std::uint8_t flags,
                                Site site) noexcept {
  if ((flags & kTry) || (mode != Mode::kWrite && (lock->flags & kLeftRead))) return false;
  Site frames[kMaxFrames];
  const unsigned count = capture(context, site, frames);
  Lock serial(*this);
  gather_held(context);
  const Cause cause{context, lock, class_id, mode, flags, site, graph_.intern_stack(frames, count), false};
  const Verdict verdict = (flags & kTimed) ? Verdict::kConfirmed : Verdict::kDeadlock;
  report_simple(cause, Check::kForkHeldLock, {verdict, Reason::kHolderLeft, {lock->left_at, 0}, lock->id}, nullptr, site);
  return true;
}

// Whether all that this request nests in its own class was seen by this context before.
bool Engine::nesting_known(Context* context, LockInstance* lock, ClassId class_id) noexcept {
  Lock serial(*this);
  for (std::uint32_t i = context->top(), depth = 0; i-- > context->floor_ + 1;) {
    const Held& held = context->held()[i];
    if (stale(held) || held.pseudo) continue;
    if (held.lock == lock) return false;
    if (held.class_id != class_id) continue;
    if (depth++ == kDirectDepth) break;
    if (!nesting_.knows(*held.lock, *lock, context->id_)) return false;
  }
  return true;
}

// Wait types, lockdep's: what may not sleep, or not even spin on a sleeping spinlock, here. The limit is the lowest of the
// context's own and of the inner types held; 0 is unchecked.
void Engine::check_wait_context(const Cause& cause) noexcept {
  const ClassInfo& wanted = graph_.lock_class(cause.class_id).info;
  if (wanted.wait_inner == 0 || (cause.flags & kTry)) return;
  const Context* context = cause.context;
  const Held& floor = context->runs_in();
  constexpr unsigned kRawSpin = 2, kSpin = 3;
  unsigned limit = ~0u;
  if (floor.floor_kind == ContextKind::kHardirq) limit = floor.flags != 0 ? kSpin : kRawSpin;
  if (floor.floor_kind == ContextKind::kSoftirq) limit = kSpin;
  LockInstance* by = nullptr;
  for (std::uint32_t i = context->floor_ + 1; i < context->top(); ++i) {
    const Held& held = context->held()[i];
    if (held.pseudo || stale(held)) continue;
    const unsigned inner = graph_.lock_class(held.class_id).info.wait_inner;
    if (inner == 0 || inner >= limit) continue;
    limit = inner;
    by = held.lock;
  }
  const unsigned outer = wanted.wait_outer != 0 ? wanted.wait_outer : wanted.wait_inner;
  if (outer <= limit) return;
  report_simple(cause, Check::kWaitContext, observed(), by, by == nullptr ? limit : chain_step(by->class_id, limit));
}

void Engine::might_lock(Context* context, LockInstance* lock, Mode mode, Site site) noexcept {
  request(context, lock, mode, 0, site);
  failed(context);   // it got nothing: what is passed is known from here on
}

void Engine::sync(Context* context, LockInstance* lock, Mode mode, Site site) noexcept {
  request(context, lock, mode, kSync, site);
  failed(context);
}

void Engine::assert_held(Context* context, LockInstance* lock, Mode mode, Site site) noexcept {
  if (context == nullptr || lock == nullptr || context->ended_ || context->tolerant_) return;
  const std::uint32_t index = find_held(context, lock, 0);
  if (index != kNone && (mode != Mode::kWrite || context->held()[index].mode == Mode::kWrite)) return;
  Site frames[kMaxFrames];
  const unsigned count = capture(context, site, frames);
  Lock serial(*this);
  gather_held(context);
  const Cause cause{context, lock, lock->class_id, mode, 0, site, graph_.intern_stack(frames, count), false};
  report_simple(cause, Check::kAssertHeld, observed(), nullptr, site);
}

// --- the held stack ------------------------------------------------------------------------------------------------------

bool Engine::holds(const Context* context, const LockInstance* lock) const noexcept {
  return context != nullptr && lock != nullptr && find_held(context, lock, 0) != kNone;
}

// The topmost valid entry of `lock` above index `from`, kNone if there is none.
std::uint32_t Engine::find_held(const Context* context, const LockInstance* lock, std::uint32_t from) const noexcept {
  const Held* held = context->held();
  for (std::uint32_t i = context->top(); i-- > from + 1;)
    if (held[i].lock == lock && !held[i].pseudo && !stale(held[i])) return i;
  return kNone;
}

Held* Engine::push_slow(Context* context, LockInstance* lock, ClassId class_id, Mode mode, std::uint8_t flags, Site site,
                        bool pseudo) noexcept {
  const std::uint32_t top = context->top();
  if (top == context->capacity_) {
    auto* grown = static_cast<Held*>(memory_.allocate(Context::held_bytes(2 * context->capacity_)));
    if (grown == nullptr) return nullptr;
    Held* old = context->held();
    std::memcpy(static_cast<void*>(grown), old, top * sizeof(Held));
    Lock serial(*this);  // destroy() of another context may be reading the old one
    context->held_.store(grown, std::memory_order_relaxed);
    memory_.deallocate(old, Context::held_bytes(context->capacity_));
    context->capacity_ *= 2;
  }
  Held* entry = context->held() + top;
  *entry = Held{};
  entry->lock = lock;
  entry->site = site;
  entry->class_id = class_id;
  entry->mode = mode;
  entry->flags = flags;
  entry->pseudo = pseudo;
  entry->depth = pseudo ? Held::kPseudo : 0;
  entry->chain = chain_step(entry[-1].chain, held_value(*entry));
  entry->instances = lock == nullptr ? 0 : Context::instance_key(entry[-1].instances, *lock);
  entry->breaks = lock == nullptr ? 0 : lock->breaks.load(std::memory_order_relaxed);
  entry->segment = pseudo ? nullptr : context->segment_;
  context->top_.store(top + 1, std::memory_order_relaxed);
  return entry;
}

void Engine::acquired_as(Context* context, LockInstance* lock, ClassId class_id, Mode mode, std::uint8_t flags,
                         Site site) noexcept {
  if (lock == nullptr || context == nullptr || class_id == kNone) return;
  if (!context->push(*lock, class_id, mode, flags, site)) acquired_slow(context, lock, class_id, mode, flags, site);
}

void Engine::acquired_slow(Context* context, LockInstance* lock, ClassId class_id, Mode mode, std::uint8_t flags,
                           Site site) noexcept {
  if (context->ended_) return;
  context->pending_.store(nullptr, std::memory_order_relaxed);
  lock->forget_left();   // it was to be had after all
  if (lock->flags & kRecursiveLock) {
    const std::uint32_t index = find_held(context, lock, context->floor_);
    if (index != kNone) {
      ++context->held()[index].depth;
      return;
    }
  }
  if (push_slow(context, lock, class_id, mode, flags, site, false) == nullptr) {
    context->tolerant_ = true;  // its release will find nothing
    Lock serial(*this);
    ++losses_.memory;
  }
}

// Chain keys and instance hashes of the entries from `from` on, after something below changed.
void Engine::rekey(Context* context, std::uint32_t from) noexcept {
  Held* held = context->held();
  for (std::uint32_t i = from == 0 ? 1 : from; i < context->top(); ++i) {
    if (held[i].lock == nullptr) continue;  // a floor's key is its own
    held[i].chain = chain_step(held[i - 1].chain, held_value(held[i]));
    held[i].instances = Context::instance_key(held[i - 1].instances, *held[i].lock);
  }
}

void Engine::remove_held(Context* context, std::uint32_t index) noexcept {
  Held* held = context->held();
  const std::uint32_t top = context->top();
  std::memmove(static_cast<void*>(held + index), held + index + 1, (top - index - 1) * sizeof(Held));
  context->top_.store(top - 1, std::memory_order_relaxed);
  if (index < context->floor_) --context->floor_;
  rekey(context, index);
}

// By its holder, which makes children it guards unguarded.
void Engine::let_go(Context* context, std::uint32_t index) noexcept {
  Held& held = context->held()[index];
  if ((held.depth & Held::kGuarding) != 0) {
    Lock serial(*this);
    held.depth &= ~Held::kGuarding;
    if (guards_.let_go(context->id_, held.lock->id)) rejudge_excused(context);
  }
  remove_held(context, index);
}

void Engine::release_slow(Context* context, LockInstance* lock, Site site) noexcept {
  if (context->ended_) return;
  const std::uint32_t index = find_held(context, lock, 0);
  if (index != kNone) {
    Held& held = context->held()[index];
    if (held.further() != 0) {
      --held.depth;
    } else {
      if ((held.depth & Held::kNest) != 0) check_nest_let_go(context, index, site);
      let_go(context, index);
    }
    return;
  }
  // A stale entry: it was taken from this context, which now lets go of it too.
  const Held* held = context->held();
  for (std::uint32_t i = context->top(); i-- > 1;) {
    if (held[i].lock != lock || held[i].pseudo) continue;
    remove_held(context, i);
    break;
  }
  if (lock->flags & kOfProcess) {
    Lock serial(*this);
    take_from_holders(context, lock);
    return;
  }
  if (lock->flags & kToken) return hand_over(context, lock);
  if (context->tolerant_) {
    Lock serial(*this);
    ++losses_.unmatched;
    return;
  }
  Site frames[kMaxFrames];
  const unsigned count = capture(context, site, frames);
  Lock serial(*this);
  gather_held(context);
  take_from_holders(context, lock);
  lock->forget_left();
  const Cause cause{context, lock, lock->class_id, Mode::kWrite, 0, site, graph_.intern_stack(frames, count), false};
  report_simple(cause, Check::kBadUnlock, observed(), nullptr, site);
}

// A token that was given back by another context than took it, or is asked for again by the one that did, was no lock.
void Engine::hand_over(Context* context, LockInstance* lock) noexcept {
  Lock serial(*this);
  take_from_holders(context, lock);
  graph_.lock_class(lock->class_id).handed_over = true;
  settle_token(lock);
  if (handed_on_.insert(std::uint64_t{lock->id} + 1) == nullptr) ++losses_.memory;
  rejudge_excused(context);   // it was no gate either
}

void Engine::downgrade(Context* context, LockInstance* lock, Site site) noexcept {
  if (context == nullptr || lock == nullptr || context->ended_) return;
  const std::uint32_t index = find_held(context, lock, 0);
  if (index == kNone) return release_slow(context, lock, site);
  Held& held = context->held()[index];
  if ((held.depth & Held::kGuarding) != 0) {
    Lock serial(*this);
    if (guards_.let_go(context->id_, lock->id)) rejudge_excused(context);
  }
  held.mode = Mode::kRead;
  rekey(context, index);
}

}  // namespace crossdep::engine
