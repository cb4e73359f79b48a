// SPDX-License-Identifier: MIT
//
// The engine's housekeeping: construction, classes and instances, the life of contexts, counters. What a request does is
// in locks.cpp, cross-release in crosslock.cpp, findings in findings.cpp.
//
// Threading: see engine.h; everything here is serialised.  Allocation: pools; a context's tables end with it.
#include "engine/engine.h"

#include "engine/serial.h"

namespace crossdep::engine {

Engine::Engine(Allocator& memory, Sink& sink, const Options& options) noexcept
    : memory_(memory), sink_(sink), options_(options), graph_(memory), releasers_(memory), handed_on_(memory), guards_(memory),
      search_(memory, graph_), judge_(memory, graph_, handed_on_, &releasers_),
      nesting_(memory, handed_on_), clocks_(memory), instances_(memory), contexts_(memory), seens_(memory), waits_(memory), findings_(memory),
      finding_links_(memory), finding_ids_(memory), held_scratch_(memory), passed_scratch_(memory), link_scratch_(memory), cycle_scratch_(memory),
      blocked_scratch_(memory), open_uses_(memory), operations_(memory) {}

Engine::~Engine() {
  while (living_ != nullptr) {
    Context* context = living_;
    living_ = context->next_;
    drop_tables(context);
  }
  for (const StoredFinding& finding : findings_)
    memory_.deallocate(finding.links, finding.link_count * sizeof(DependencyId));
}

ClassId Engine::declare_class(const ClassSpec& spec) noexcept {
  Lock serial(*this);
  ClassInfo info{};
  info.key_kind = spec.key_kind;
  info.kind = spec.kind;
  info.subclass = spec.subclass;
  info.wait_outer = spec.wait_outer;
  info.wait_inner = spec.wait_inner;
  info.ordinal = spec.ordinal;
  info.key = spec.key;
  info.name = spec.name;
  info.name_length = spec.name == nullptr ? 0 : spec.name_length;
  bool fresh = false;
  const ClassId id = graph_.intern_class(info, fresh);
  if (id == kNone) ++losses_.memory;
  else if (fresh) {
    ClassInfo told = graph_.lock_class(id).info;
    told.callers = spec.callers;
    told.caller_count = spec.caller_count;
    sink_.on_class(told);
  }
  return id;
}

LockInstance* Engine::create(ClassId class_id, Kind kind, std::uint64_t address, std::uint8_t flags, Site left_at) noexcept {
  if (class_id == kNone) return nullptr;
  Lock serial(*this);
  void* memory = instances_.take();
  if (memory == nullptr) return ++losses_.memory, nullptr;
  auto* lock = static_cast<LockInstance*>(memory);
  // A recycled record keeps its count of breaks: entries of its last life must not look valid.
  const std::uint32_t breaks = lock->breaks.load(std::memory_order_relaxed);
  lock = new (memory) LockInstance{};
  lock->breaks.store(breaks + 1, std::memory_order_relaxed);
  lock->address = address;
  lock->id = next_instance_++;
  lock->class_id = class_id;
  lock->kind = kind;
  lock->flags = flags;
  settle_token(lock);
  lock->left_at = left_at;
  lock->alive = true;
  return lock;
}

// One of a class whose tokens are handed on is no lock.
void Engine::settle_token(LockInstance* lock) noexcept {
  if ((lock->flags & kToken) == 0) return;
  LockClass& of = graph_.lock_class(lock->class_id);
  of.tokens = true;
  if (of.handed_over) lock->flags &= static_cast<std::uint8_t>(~kToken);
}

// Takes the lock from whoever holds it; true if somebody did. The calling context's own entry goes, other contexts'
// entries become stale by the break.
bool Engine::take_from_holders(Context* context, LockInstance* lock) noexcept {
  bool held = false;
  if (context != nullptr) {
    for (std::uint32_t i; (i = find_held(context, lock, 0)) != kNone; remove_held(context, i)) held = true;
  }
  const std::uint32_t breaks = lock->breaks.load(std::memory_order_relaxed);
  for (const Context* other = living_; other != nullptr && !held; other = other->next_) {
    if (other == context) continue;
    const Held* entries = other->held();
    const std::uint32_t top = other->top();
    for (std::uint32_t i = 0; i < top && !held; ++i)
      held = entries[i].lock == lock && !entries[i].pseudo && entries[i].breaks == breaks;
  }
  lock->breaks.store(breaks + 1, std::memory_order_relaxed);
  if (guards_.let_go(kNone, lock->id)) rejudge_excused(context);
  return held;
}

// The child lives under the locks its creator holds, until that lets go of one.
void Engine::guard_child(Context* parent, Context* child) noexcept {
  if (parent->floor_ != 0 || parent->ended_) return;
  const auto guards = [](const Held& held) {
    return held.lock != nullptr && !held.pseudo && (held.flags & (kTry | kTimed)) == 0 &&
           held.breaks == held.lock->breaks.load(std::memory_order_relaxed);
  };
  Held* held = parent->held();
  std::uint32_t count = 0;
  for (std::uint32_t i = 1; i < parent->top(); ++i) count += guards(held[i]);
  const Guards* base = parent->guards_ != nullptr && !parent->guards_->broken ? parent->guards_ : nullptr;
  if (count == 0 && base == nullptr) return;
  Guards* made = guards_.make(parent->id_, child->id_, base, count);
  if (made == nullptr) return;
  count = 0;
  for (std::uint32_t i = 1; i < parent->top(); ++i) {
    if (!guards(held[i])) continue;
    made->entries()[count++] = {held[i].lock->id, held[i].mode, false, held[i].site};
    held[i].depth |= Held::kGuarding;
    announce(held[i].lock);   // a reason may name it
  }
  child->guards_ = made;
}

void Engine::finish() noexcept {
  if (guards_.ended(kNone)) rejudge_excused(nullptr);
}

void Engine::destroy(Context* context, LockInstance* lock, Site site, std::uint64_t begin, std::uint64_t end) noexcept {
  if (lock == nullptr || !lock->alive) return;
  Site frames[kMaxFrames];
  unsigned count = 0;
  const bool own = context != nullptr && find_held(context, lock, 0) != kNone;
  if (own) count = capture(context, site, frames);
  Lock serial(*this);
  if (context != nullptr) gather_held(context);
  if (take_from_holders(context, lock) && context != nullptr && (lock->flags & kToken) == 0) {
    const Cause cause{context, lock, lock->class_id, Mode::kWrite, 0, site, graph_.intern_stack(frames, count), false};
    range_begin_ = begin;
    range_end_ = end;
    report_simple(cause, Check::kDestroyHeld, observed(), nullptr, site);
    range_begin_ = range_end_ = 0;
  }
  while (lock->waits != nullptr) {  // whoever still waits will not be woken by this object
    Wait* wait = lock->waits;
    unlist(lock, wait);
    wait->context->wait_ = nullptr;
    waits_.give_back(wait);
  }
  lock->alive = false;
  ++destroyed_;
  forget_told(lock);
  instances_.give_back(lock);  // leaves the count of breaks as it is, see create()
}

void Engine::reinit(Context* context, LockInstance* lock, ClassId class_id, Site site) noexcept {
  if (lock == nullptr) return;
  Lock serial(*this);
  if (context != nullptr) gather_held(context);
  if (take_from_holders(context, lock) && context != nullptr && (lock->flags & kToken) == 0) {
    const Cause cause{context, lock, lock->class_id, Mode::kWrite, 0, site, graph_.intern_stack(&site, 1), false};
    report_simple(cause, Check::kDestroyHeld, observed(), nullptr, site);
  }
  if (class_id != kNone) lock->class_id = class_id;
  settle_token(lock);
  lock->forget_left();
  ++destroyed_;
  forget_told(lock);
  lock->signals = 0;
  lock->orders = false;
  lock->id = next_instance_++;
  lock->announced = false;
}

// --- contexts --------------------------------------------------------------------------------------------------------

Context* Engine::begin_context(Context* parent, ContextKind kind, std::uint64_t tid, const char* name,
                               std::uint32_t name_length, LockInstance* end) noexcept {
  Lock serial(*this);
  void* memory = contexts_.take();
  if (memory == nullptr) return ++losses_.memory, nullptr;
  auto* context = new (memory) Context{};
  constexpr std::uint32_t kFirstHeld = 8;
  auto* held = static_cast<Held*>(memory_.allocate(Context::held_bytes(kFirstHeld)));
  void* chains = memory_.allocate(sizeof(FlatMap<Seen*>));
  if (held == nullptr || chains == nullptr) {
    memory_.deallocate(held, Context::held_bytes(kFirstHeld));
    memory_.deallocate(chains, sizeof(FlatMap<Seen*>));
    contexts_.give_back(context);
    return ++losses_.memory, nullptr;
  }
  context->chains_ = new (chains) FlatMap<Seen*>(memory_);
  context->held_.store(held, std::memory_order_relaxed);
  context->capacity_ = kFirstHeld;
  context->no_cache_ = &none_;
  context->cache_ = &context->no_cache_;   // until it is worth one, see remember()
  context->id_ = next_context_++;
  context->parent_ = parent == nullptr ? kNone : parent->id_;
  context->tid_ = tid;
  context->end_ = end;
  held[0] = Held{};
  held[0].chain = chain_step(1, static_cast<unsigned>(kind));
  held[0].floor_kind = kind;
  context->top_.store(1, std::memory_order_relaxed);
  context->segment_ = clocks_.begin(parent == nullptr ? nullptr : parent->segment_);
  if (parent != nullptr) {
    guard_child(parent, context);
    learn(parent, nullptr, false);
  }
  context->next_ = living_;
  if (living_ != nullptr) living_->previous_ = context;
  living_ = context;
  sink_.on_context({context->id_, context->parent_, kind, tid, name, name_length});
  if (end != nullptr) push_slow(context, end, end->class_id, Mode::kWrite, 0, 0, true);
  return context;
}

void Engine::drop_tables(Context* context) noexcept {
  for (Seen* seen = context->newest_; seen != nullptr;) {
    Seen* older = seen->older;
    seens_.give_back(seen);
    seen = older;
  }
  context->newest_ = context->oldest_ = nullptr;
  memory_.deallocate(context->held(), Context::held_bytes(context->capacity_));
  context->held_.store(nullptr, std::memory_order_relaxed);
  context->top_.store(0, std::memory_order_relaxed);
  if (context->cache_ != &context->no_cache_) memory_.deallocate(context->cache_, Context::kCacheSize * sizeof(Seen*));
  context->cache_ = nullptr;
  if (context->chains_ != nullptr) {
    context->chains_->~FlatMap<Seen*>();
    memory_.deallocate(context->chains_, sizeof(FlatMap<Seen*>));
    context->chains_ = nullptr;
  }
  if (context->operations_ != nullptr) {
    context->operations_->~FlatMap<bool>();
    memory_.deallocate(context->operations_, sizeof(FlatMap<bool>));
    context->operations_ = nullptr;
  }
  memory_.deallocate(context->pending_frames_, kMaxFrames * sizeof(Site));
  context->pending_frames_ = nullptr;
}

void Engine::end_context(Context* context, Site site) noexcept {
  if (context == nullptr || context->ended_) return;
  while (context->floor_ != 0) leave(context, site);
  Lock serial(*this);
  leave_floor(context, site);
  if (context->wait_ != nullptr) {
    Wait* wait = context->wait_;
    context->wait_ = nullptr;
    unlist(wait->lock, wait);
    waits_.give_back(wait);
  }
  past_requests_ += context->requests_;
  if (guards_.ended(context->id_)) rejudge_excused(context);
  guards_.forget(context->guards_);
  context->guards_ = nullptr;
  context->ended_ = true;
  if (context->previous_ != nullptr) context->previous_->next_ = context->next_;
  else living_ = context->next_;
  if (context->next_ != nullptr) context->next_->previous_ = context->previous_;
  context->next_ = context->previous_ = nullptr;
  if (context->segment_ != nullptr) {
    Clocks::hold(context->segment_);  // for join; release_context() lets go
    clocks_.end(context->segment_);
  }
  drop_tables(context);
}

void Engine::release_context(Context* context) noexcept {
  if (context == nullptr || !context->ended_) return;
  Lock serial(*this);
  if (context->segment_ != nullptr) {
    Clocks::drop(context->segment_);
    clocks_.forget(context->segment_);
  }
  contexts_.give_back(context);
}

void Engine::rename_context(Context* context, const char* name, std::uint32_t name_length) noexcept {
  if (context == nullptr) return;
  Lock serial(*this);
  const ContextKind kind = context->ended_ ? ContextKind::kThread : context->held()[0].floor_kind;
  sink_.on_context({context->id_, context->parent_, kind, context->tid_, name, name_length});
}

void Engine::lost(Context* context, std::uint64_t count) noexcept {
  if (context == nullptr || context->ended_) return;
  Lock serial(*this);
  losses_.events += count;
  std::uint32_t kept = 0;
  Held* held = context->held();
  for (std::uint32_t i = 0; i < context->top(); ++i)
    if (held[i].lock == nullptr || held[i].pseudo) held[kept++] = held[i];
  context->top_.store(kept, std::memory_order_relaxed);
  rekey(context, 0);
  context->floor_ = 0;
  for (std::uint32_t i = 0; i < kept; ++i)
    if (held[i].lock == nullptr) context->floor_ = i;
  context->tolerant_ = true;
  context->passed_from_ = context->requests_;
  if (guards_.ended(context->id_)) rejudge_excused(context);
}

void Engine::tolerate_unmatched(Context* context) noexcept {
  if (context != nullptr) context->tolerant_ = true;
}

void Engine::set_stack(Context* context, const Site* frames, unsigned count) noexcept {
  if (context == nullptr || context->ended_ || count == 0) return;
  if (context->pending_frames_ == nullptr)
    context->pending_frames_ = static_cast<Site*>(memory_.allocate(kMaxFrames * sizeof(Site)));
  if (context->pending_frames_ == nullptr) return;
  context->pending_at_ = context->requests_;
  context->pending_count_ = count < kMaxFrames ? count : kMaxFrames;
  std::memcpy(context->pending_frames_, frames, context->pending_count_ * sizeof(Site));
}

Losses Engine::losses() const noexcept { return losses_; }
std::uint32_t Engine::class_count() const noexcept { return graph_.class_count(); }
std::uint32_t Engine::dependency_count() const noexcept { return graph_.dependency_count(); }

std::uint64_t Engine::request_count() const noexcept {
  std::uint64_t count = past_requests_;
  for (const Context* context = living_; context != nullptr; context = context->next_) count += context->requests_;
  return count;
}

bool Engine::check_invariants() const noexcept {
  for (const Context* context = living_; context != nullptr; context = context->next_) {
    const Held* held = context->held();
    if (context->top() == 0 || context->top() > context->capacity_ || held[0].lock != nullptr) return false;
    for (std::uint32_t i = 1; i < context->top(); ++i) {
      if (held[i].lock == nullptr) continue;
      if (held[i].chain != chain_step(held[i - 1].chain, held_value(held[i]))) return false;
    }
    std::uint64_t epoch = ~std::uint64_t{0};
    std::uint32_t listed = 0;
    for (const Seen* seen = context->newest_; seen != nullptr; seen = seen->older, ++listed) {
      if (seen->epoch > epoch || (seen->older != nullptr && seen->older->newer != seen)) return false;
      epoch = seen->epoch;
    }
    if (listed != context->chains_->size()) return false;
  }
  return graph_.check_invariants() && nesting_.check_invariants();
}

}  // namespace crossdep::engine
