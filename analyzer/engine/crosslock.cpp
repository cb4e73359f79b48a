// SPDX-License-Identifier: MIT
//
// Cross-release: waits, signals (commits), joins, and nested contexts, whose end is a release too.
//
//   wait W on X begins in context C:   held(C) -> X, and the global epoch advances; W notes it
//   context S signals X, matching W:   X -> Y for every request Y of S with epoch(Y) >= epoch(W), made in the same
//                                      activity (thread body, work item, handler) as the signal
//
// Each matched wait has its own start. A wait that no signal is outstanding for costs the signaller one load.
//
// Source: B. Park, Documentation/locking/crossrelease.txt (Linux 4.14); every rule and where we differ: CROSS_RELEASE.md.
// Threading: see engine.h.  Allocation: one Wait per wait under way, from a pool.
#include "engine/engine.h"
#include "engine/serial.h"

namespace crossdep::engine {

// --- waits and signals -----------------------------------------------------------------------------------------------------

void Engine::wait_begin(Context* context, LockInstance* crosslock, LockInstance* mutex, std::uint8_t flags,
                        Site site) noexcept {
  if (context == nullptr || crosslock == nullptr || context->ended_) return;
  Mode mutex_mode = Mode::kWrite;
  ClassId mutex_class = kNone;
  if (mutex != nullptr) {
    const std::uint32_t index = find_held(context, mutex, 0);
    if (index == kNone) {
      mutex = nullptr;  // not held: the wait releases nothing we know of
    } else {
      mutex_mode = context->held()[index].mode;
      mutex_class = context->held()[index].class_id;
      let_go(context, index);
    }
  }
  request(context, crosslock, Mode::kWrite, flags, site);
  if (context->wait_ != nullptr) wait_end(context, context->wait_->lock, nullptr, false, site);
  Site frames[kMaxFrames];
  frames[0] = site;
  const Held& last = context->held()[context->top() - 1];
  Seen** seen = context->chains_->find(context->request_key(last.chain, crosslock->class_id, Mode::kWrite, flags, site));
  Lock serial(*this);
  void* memory = waits_.take();
  if (memory == nullptr) {
    ++losses_.memory;
    if (mutex != nullptr) context->tolerant_ = true;
    return;
  }
  auto* wait = new (memory) Wait{};
  wait->context = context;
  wait->lock = crosslock;
  wait->mutex = mutex;
  wait->mutex_mode = mutex_mode;
  wait->mutex_class = mutex_class;
  wait->timed = (flags & kTimed) != 0;
  wait->site = site;
  wait->stack = seen != nullptr ? (*seen)->stack : graph_.intern_stack(frames, 1);
  wait->epoch = epoch_.fetch_add(1, std::memory_order_relaxed) + 1;
  Wait** link = &crosslock->waits;
  while (*link != nullptr) link = &(*link)->next;
  *link = wait;
  crosslock->waiters.fetch_add(1, std::memory_order_relaxed);
  context->wait_ = wait;
}

void Engine::unlist(LockInstance* crosslock, Wait* wait) noexcept {
  Wait** link = &crosslock->waits;
  while (*link != nullptr && *link != wait) link = &(*link)->next;
  if (*link == nullptr) return;
  *link = wait->next;
  crosslock->waiters.fetch_sub(1, std::memory_order_relaxed);
}

void Engine::wait_end(Context* context, LockInstance* crosslock, Context* by, bool matched, Site site) noexcept {
  if (context == nullptr || crosslock == nullptr || context->ended_) return;
  Wait* wait = context->wait_;
  if (wait == nullptr || wait->lock != crosslock) return;
  LockInstance* mutex = wait->mutex;
  const ClassId mutex_class = wait->mutex_class;
  const Mode mutex_mode = wait->mutex_mode;
  {
    Lock serial(*this);
    context->wait_ = nullptr;
    failed(context);
    // The first of its round to leave a barrier: nobody can have come for the next one, so all who wait are of this round.
    if (matched && crosslock->kind == Kind::kBarrier && !wait->over) end_round(context, crosslock);
    unlist(crosslock, wait);
    if (!matched) note_timeout(context, crosslock, *wait);
    if (!wait->matched) wait->matched_epoch = epoch_.load(std::memory_order_relaxed);   // it asked until it gave up
    waited_until(context, *wait);
    if (matched && crosslock->kind != Kind::kBarrier && by != nullptr && by != context && crosslock->signals == 0) {
      // The input knows who ended the wait and shows no signal: this is it.
      if (note_signal(by, crosslock, 0)) weaken(by, *crosslock);
    }
    const Segment* told = crosslock->kind == Kind::kBarrier ? crosslock->left : crosslock->told;
    if (matched && told != nullptr) {
      crosslock->orders = true;
      learn(context, told, true);
    }
    waits_.give_back(wait);
  }
  if (mutex == nullptr || !mutex->alive) return;
  request_as(context, mutex, mutex_class, mutex_mode, kRetake, site);
  acquired_as(context, mutex, mutex_class, mutex_mode, 0, site);
}

void Engine::signal(Context* context, LockInstance* crosslock, std::uint32_t count, Site site) noexcept {
  if (context == nullptr || crosslock == nullptr || context->ended_) return;
  const std::uint64_t history_from = context->history_from_;
  if (crosslock->kind != Kind::kFutex) context->history_from_ = context->requests_;
  if (crosslock->waiters.load(std::memory_order_relaxed) == 0 && crosslock->signals >= 2 &&
      crosslock->kind != Kind::kBarrier && !crosslock->late.load(std::memory_order_relaxed) && (crosslock->signaller == context->id_ || crosslock->signaller == kNone))
    return;
  StackId stack = 0;
  Lock serial(*this);
  bool more = false, ended = false;
  bool kept = crosslock->kind == Kind::kCompletion;
  if (crosslock->kind == Kind::kBarrier) note_arrival(context, crosslock);
  else more = note_signal(context, crosslock, site);
  for (Wait* wait = crosslock->waits; wait != nullptr && count != 0; wait = wait->next) {
    // Each arrival at a barrier releases all who wait there, as far as it goes: the last one is not known before.
    if (crosslock->kind == Kind::kBarrier ? wait->over : wait->matched) continue;
    if (wait->context == context) continue;
    wait->matched = true;
    wait->matched_epoch = epoch_.load(std::memory_order_relaxed);
    if (count != kNone) --count;
    commit(context, crosslock, *wait, site, stack, history_from);
    kept = false;
    ended = true;
  }
  // A completion keeps it for who comes later.
  if (kept && crosslock->signals < 2) {
    Wait nobody{};
    nobody.epoch = ~std::uint64_t{0};
    commit(context, crosslock, nobody, site, stack, history_from);
  }
  if (next_late_ != 0 && (ended || kept)) note_late_signaller(context, crosslock);
  if (count != 0 && crosslock->late.load(std::memory_order_relaxed)) commit_late(context, crosslock, site, stack);
  if (more) weaken(context, *crosslock);
}

// Its only signal so far orders; a second one takes back what the first one excused. One context that releases it may be
// excused by what it does; where there are several, what one does says nothing of the next. True if it has become one more.
bool Engine::note_signal(Context* context, LockInstance* crosslock, Site site) noexcept {
  if (crosslock->signals == 0) {
    crosslock->signals = crosslock->kind == Kind::kFutex ? 2 : 1;   // who got a mutex first is what we judge, not an order
    crosslock->signaller = context->id_;
    if (crosslock->signals == 2) return false;
    crosslock->told = context->segment_;
    Clocks::hold(crosslock->told);
    learn(context, nullptr, false);
    return false;
  }
  bool more = false;
  if (any_release_ends(crosslock->kind) && crosslock->signaller != context->id_) {
    if (crosslock->signaller != kNone) releasers_.released(crosslock->id, crosslock->signaller, 0);
    more = releasers_.released(crosslock->id, context->id_, site);
  }
  bool again = false;
  if (crosslock->signals == 1) {
    crosslock->signals = 2;
    Clocks::drop(crosslock->told);
    crosslock->told = nullptr;
    if (crosslock->orders && judge_.trusts_signals()) {
      judge_.distrust_signals();
      nesting_.judge().distrust_signals();
      again = true;
    }
  }
  if (crosslock->signaller != context->id_ && crosslock->signaller != kNone) {
    crosslock->signaller = kNone;  // several: nothing more to learn
    LockClass& lock_class = graph_.lock_class(crosslock->class_id);
    again = again || !lock_class.many_releasers;
    lock_class.many_releasers = true;
  }
  if (again) rejudge_excused(context);
  return more;
}

// A barrier orders what comes before it and what comes after it while all of its rounds are met by the same contexts: each
// one's n-th arrival is then in the n-th round, whatever the schedule. Otherwise it is chance who meets whom.
void Engine::note_arrival(Context* context, LockInstance* barrier) noexcept {
  bool again = false;
  if (barrier->came == 0 && barrier->party == 0) {
    barrier->signaller = context->id_;
  } else if (barrier->signaller != context->id_ && barrier->signaller != kNone) {
    barrier->signaller = kNone;
    LockClass& lock_class = graph_.lock_class(barrier->class_id);
    again = !lock_class.many_releasers;
    lock_class.many_releasers = true;
  }
  barrier->came += mix(context->id_ + 1);
  if (barrier->signals < 2) {
    barrier->signals = 1;
    barrier->told = clocks_.gather(const_cast<Segment*>(barrier->told), context->segment_);
  }
  learn(context, nullptr, false);
  if (again) rejudge_excused(context);
}

void Engine::end_round(Context* context, LockInstance* barrier) noexcept {
  for (Wait* wait = barrier->waits; wait != nullptr; wait = wait->next) wait->over = true;
  const bool same = barrier->party == 0 || barrier->party == barrier->came;
  if (barrier->party == 0) barrier->party = barrier->came;
  barrier->came = 0;
  if (barrier->signals != 1) return;
  if (same) {
    clocks_.discard(const_cast<Segment*>(barrier->left));
    barrier->left = barrier->told;
    barrier->told = nullptr;
    return;
  }
  forget_told(barrier);
  barrier->signals = 2;
  if (!barrier->orders || !judge_.trusts_signals()) return;
  judge_.distrust_signals();
  nesting_.judge().distrust_signals();
  rejudge_excused(context);
}

void Engine::forget_told(LockInstance* lock) noexcept {
  if (lock->kind == Kind::kBarrier) {
    clocks_.discard(const_cast<Segment*>(lock->told));
    clocks_.discard(const_cast<Segment*>(lock->left));
    lock->left = nullptr;
    lock->came = lock->party = 0;
  } else {
    Clocks::drop(lock->told);
  }
  lock->told = nullptr;
}

// Until its signal came this context was blocked: that is when it last asked, for whoever waits for what it signals next.
void Engine::waited_until(Context* context, const Wait& wait) noexcept {
  Seen* seen = context->newest_;
  while (seen != nullptr && seen->epoch >= wait.epoch - 1 && (seen->lock != wait.lock || seen->activity != context->activity_)) seen = seen->older;
  if (seen == nullptr || seen->lock != wait.lock || seen->activity != context->activity_ || seen->epoch >= wait.matched_epoch) return;
  if (seen->newer != nullptr && seen->newer->epoch < wait.matched_epoch) {
    Seen* before = seen->newer;   // is to stand behind this one, which has been asked for since the signal
    while (before != nullptr && before->epoch < wait.matched_epoch) before = before->newer;
    seen->newer->older = seen->older;
    (seen->older != nullptr ? seen->older->newer : context->oldest_) = seen->newer;
    seen->newer = before;
    seen->older = before != nullptr ? before->older : context->newest_;
    seen->older->newer = seen;
    (before != nullptr ? before->older : context->newest_) = seen;
  }
  seen->epoch = wait.matched_epoch;
}

// X -> Y for what this context asked for since the wait began, and for the last few requests before it. Those end where
// the context last told others anything (a signal, a thread made): who learnt of it may come after them by that.
void Engine::commit(Context* context, LockInstance* crosslock, Wait& wait, Site site, StackId& stack,
                    std::uint64_t history_from) noexcept {
  // A futex word may be a mutex of the program's own, released by this: what came before the wait is nobody's to wait for.
  unsigned history = crosslock->kind == Kind::kFutex ? 0 : options_.history;
  for (Seen* seen = context->newest_; seen != nullptr; seen = seen->older) {
    const bool overlap = seen->epoch >= wait.epoch;
    if (!overlap && (history == 0 || seen->activity != context->activity_ || seen->ordinal <= history_from)) return;
    if (seen->activity != context->activity_ || (seen->flags & kTry)) continue;
    if (!overlap) --history;
    if (seen->class_id == crosslock->class_id || seen->lock == crosslock || (!overlap && seen->lock == wait.mutex)) continue;
    // A wait that is over was ended by somebody: two conditions that hand over to each other are no cycle. Nor is a token
    // got on the way to a release of what it has no part in: an interpreter's one lock is built of both.
    const LockClass& wanted = graph_.lock_class(seen->class_id);
    if ((!overlap && is_crosslock(wanted.info.kind)) || wanted.tokens) continue;
    if (stack == 0) {
      Site frames[kMaxFrames];
      stack = graph_.intern_stack(frames, capture(context, site, frames));
    }
    commit_one(context, crosslock, {wait.context != nullptr ? wait.context->id_ : kNone, wait.site, wait.stack}, *seen, overlap ? Origin::kOverlap : Origin::kHistory, site, stack);
  }
}

void Engine::commit_one(Context* context, LockInstance* crosslock, const Waited& waited, const Seen& seen, Origin origin,
                        Site site, StackId stack) noexcept {
  gather_held_at(context, seen);
  LockInstance* wanted = seen.lock;
  const bool known = wanted->alive;
  WitnessInfo witness{};
  witness.origin = origin;
  witness.from_mode = Mode::kWrite;
  witness.to_mode = seen.mode;
  witness.flags = seen.flags & kTimed;
  witness.context = context->id_;
  witness.from = crosslock->id;
  witness.to = known ? wanted->id : kNone;
  witness.from_site = site;
  witness.to_site = seen.site;
  witness.to_stack = seen.stack;
  witness.waiter = waited.context;
  witness.wait_site = waited.site;
  witness.wait_stack = waited.stack;
  witness.release_stack = stack;
  witness.ordinal = seen.ordinal;
  announce(crosslock);
  if (known) announce(wanted);
  const Cause cause{context, crosslock, crosslock->class_id, Mode::kWrite, 0, site, stack, true};
  depend(cause, witness, crosslock->class_id, seen.class_id, nullptr);
  const DependencyId id = graph_.find_dependency(crosslock->class_id, seen.class_id);
  // It is one of those who have to come, not one who may come instead.
  if (id != kNone && any_release_ends(crosslock->kind) && releasers_.asked(id, context->id_)) rejudge(cause, id);
}

// The context's next segment: after it told others (learned == nullptr) or learned something.
void Engine::learn(Context* context, const Segment* learned, bool by_signal) noexcept {
  if (learned == nullptr) context->history_from_ = context->requests_;
  bool holds_locks = false;
  for (std::uint32_t i = 1; i < context->top() && !holds_locks; ++i)
    holds_locks = context->held()[i].lock != nullptr && !context->held()[i].pseudo;
  context->segment_ = clocks_.advance(context->segment_, learned, by_signal, holds_locks);
  context->segment_salt_ = context->segment_ == nullptr ? 0 : context->segment_->tick * 0x85ebca6bu;
}

void Engine::join_begin(Context* context, Context* child, std::uint8_t flags, Site site) noexcept {
  if (context == nullptr || child == nullptr || child->end_ == nullptr) return;
  request(context, child->end_, Mode::kWrite, flags, site);
  context->joining_ = (flags & (kTry | kTimed)) != 0 ? nullptr : child;
}

void Engine::join_end(Context* context, Context* child, bool joined) noexcept {
  failed(context);
  if (context == nullptr || child == nullptr || context->ended_) return;
  Lock serial(*this);
  if (joined && context->joining_ == child) guards_.joined(context->id_, child->id_);
  else if (guards_.left(context->id_, child->id_)) rejudge_excused(context);
  context->joining_ = nullptr;
  if (!joined) return;
  if (child->segment_ != nullptr) learn(context, child->segment_, false);
}

// --- nested contexts ---------------------------------------------------------------------------------------------------------

void Engine::enter(Context* context, ContextKind kind, LockInstance* work, LockInstance* queue, Site site,
                   unsigned number, bool threaded) noexcept {
  if (context == nullptr || context->ended_) return;
  LockInstance* const interrupt = interrupt_of(context, kind, number);
  Held* floor = push_slow(context, nullptr, kNone, Mode::kWrite, 0, site, true);
  if (floor == nullptr) {
    Lock serial(*this);
    ++losses_.memory;
    return;
  }
  // Each activity is a time of its own: what was asked for before it is not asked for in it.
  epoch_.fetch_add(1, std::memory_order_relaxed);
  ++context->activity_;
  floor->floor_kind = kind;
  floor->depth = context->floor_;  // of the context below
  floor->flags = threaded ? 1 : 0;
  floor->chain = chain_step(1, 64 + 2 * static_cast<unsigned>(kind) + floor->flags);
  floor->instances = 0;
  context->floor_ = context->top() - 1;
  if (interrupt != nullptr) push_slow(context, interrupt, interrupt->class_id, Mode::kWrite, 0, site, true);
  if (queue != nullptr) push_slow(context, queue, queue->class_id, Mode::kWrite, 0, site, true);
  if (work != nullptr) push_slow(context, work, work->class_id, Mode::kWrite, 0, site, true);
}

void Engine::leave(Context* context, Site site) noexcept {
  if (context == nullptr || context->ended_ || context->floor_ == 0) return;
  {
    Lock serial(*this);
    leave_floor(context, site);
  }
  const Held& floor = context->held()[context->floor_];
  const std::uint32_t below = floor.depth;
  context->top_.store(context->floor_, std::memory_order_relaxed);
  context->floor_ = below;
  epoch_.fetch_add(1, std::memory_order_relaxed);
  ++context->activity_;
}

// A (nested) context ends: what it still holds is a finding.
void Engine::leave_floor(Context* context, Site site) noexcept {
  // A recording made under lockdep stops in the handler that lockdep reported: what it held then is no mistake of its own.
  if (context->floor_ != 0 && context->found_in_ == context->activity_) return;
  gather_held(context);
  for (std::uint32_t i = context->top(); i-- > context->floor_ + 1;) {
    const Held& held = context->held()[i];
    if (held.pseudo || held.breaks != held.lock->breaks.load(std::memory_order_relaxed)) continue;
    if (held.lock->flags & (kOfProcess | kToken)) continue;
    const Cause cause{context, held.lock, held.class_id, held.mode, 0, site == 0 ? held.site : site,
                      graph_.intern_stack(&held.site, held.site == 0 ? 0 : 1), false};
    report_simple(cause, Check::kExitHeld, observed(), nullptr, held.site);
  }
}

}  // namespace crossdep::engine
