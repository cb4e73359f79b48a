// SPDX-License-Identifier: MIT
//
// From a dependency to a finding: add it, look for cycles through it, judge them, tell the sink. A cycle that was weak is
// judged again whenever one of its dependencies gets a new witness; its finding is told again when the verdict rises.
//
// Threading: called with the Serialiser held.  Allocation: one block per stored cycle.
#include "engine/engine.h"

namespace crossdep::engine {

namespace {
constexpr unsigned kAlternatives = 16;            // weak cycles judged per new dependency ...
constexpr unsigned kAlternativeLength = 6;        // ... up to this many dependencies
constexpr std::uint64_t kAlternativeBudget = 20'000;
constexpr std::uint64_t kCycleSalt = 0x9ae16a3b2f90404fULL;

/// Whether a lock held between X and Y is a step of its own on the way from X to Y: requested so that it can block.
bool is_step(const HeldInfo& held) { return !held.pseudo && !(held.flags & kTry) && held.mode != Mode::kRecursiveRead; }

/// The first entry of the witness's held set that is a step between its X and its Y; held_count if there is none.
std::uint32_t between(const WitnessInfo& witness) {
  std::uint32_t i = witness.held_count;
  for (std::uint32_t j = 0; j < witness.held_count; ++j)
    if (witness.held[j].instance == witness.from) i = j + 1;
  while (i < witness.held_count && !is_step(witness.held[i])) ++i;
  return i;
}
}  // namespace

// --- announcing ------------------------------------------------------------------------------------------------------------

void Engine::announce(LockInstance* lock) noexcept {
  if (lock == nullptr || lock->announced) return;
  lock->announced = true;
  sink_.on_instance({lock->id, lock->class_id, lock->kind, lock->flags, lock->address});
}

void Engine::announce(StackId id) noexcept {
  if (id == 0) return;
  Graph::Stack& stack = graph_.stack(id);
  if (stack.announced) return;
  stack.announced = true;
  sink_.on_stack(id, stack.frames, stack.count);
}

// The held stack of the present (nested) context, as evidence, into held_scratch_.
void Engine::gather_held(const Context* context) noexcept {
  held_scratch_.clear();
  for (std::uint32_t i = context->floor_ + 1; i < context->top(); ++i) {
    const Held& held = context->held()[i];
    if (held.lock == nullptr || held.lock->kind == Kind::kInterrupt) continue;
    if (!held.pseudo && held.breaks != held.lock->breaks.load(std::memory_order_relaxed)) continue;
    if (!held_scratch_.push({held.lock->id, held.class_id, held.mode, held.flags, held.pseudo, held.site})) {
      ++losses_.memory;
      return;
    }
  }
}

// The part of the held stack that was held already when `seen` was asked for; nothing where that can't be told.
void Engine::gather_held_at(const Context* context, const Seen& seen) noexcept {
  held_scratch_.clear();
  for (std::uint32_t i = context->top(); i-- > context->floor_;) {
    const Held& held = context->held()[i];
    if (held.chain != seen.chain) continue;
    if ((Context::instance_key(held.instances, *seen.lock) ^ context->segment_salt_) != seen.instances) continue;
    gather_held(context);
    std::uint32_t kept = 0;
    for (std::uint32_t j = context->floor_ + 1; j <= i && kept < held_scratch_.size(); ++j)
      if (context->held()[j].lock != nullptr && held_scratch_[kept].instance == context->held()[j].lock->id) ++kept;
    if (!held_scratch_.resize(kept)) ++losses_.memory;
    return;
  }
}

// --- dependencies ------------------------------------------------------------------------------------------------------------

void Engine::depend(const Cause& cause, WitnessInfo& witness, ClassId from, ClassId to,
                    const Segment* from_segment) noexcept {
  witness.held_count = held_scratch_.size();
  witness.held = held_scratch_.data();
  Background background{from_segment, nullptr, nullptr, passed_scratch_.data(), passed_scratch_.size()};
  if (cause.context != nullptr) {
    background.request_segment = cause.context->segment_;
    background.guards = cause.context->guards_;
  }
  depend_as(cause, witness, from, to, background);
}

// With the held stack that the witness brings along.
void Engine::depend_as(const Cause& cause, WitnessInfo& witness, ClassId from, ClassId to,
                       const Background& background) noexcept {
  const std::uint8_t mode = mode_bit(witness.from_mode, witness.to_mode);
  const Graph::AddedDependency added = graph_.add_dependency(from, to, mode);
  if (added.id == kNone) {
    ++losses_.memory;
    return;
  }
  if (added.fresh) sink_.on_dependency({added.id, from, to});
  Dependency& dependency = graph_.dependency(added.id);
  dependency.direct = dependency.direct || between(witness) == witness.held_count;
  const bool operation = graph_.lock_class(to).info.kind == Kind::kOperation;
  const unsigned limit = operation ? Graph::kOperationWitnesses : options_.witnesses;
  const bool whole = dependency.complete && !dependency.contexts_missing;
  const Witness* kept = graph_.add_witness(added.id, witness, background, limit);
  if (kept != nullptr) {
    announce(cause.lock);
    if (cause.context != nullptr)
      for (std::uint32_t i = cause.context->floor_ + 1; i < cause.context->top(); ++i)
        announce(cause.context->held()[i].lock);
    announce(witness.to_stack);
    announce(witness.wait_stack);
    announce(witness.release_stack);
    tell_witness(kept->info);
  }
  if (!added.may_cycle) return;
  if (added.grown) find_cycles(cause, added.id, mode);
  // Where not all that was seen can be kept, less is refuted.
  if (kept != nullptr || whole != (dependency.complete && !dependency.contexts_missing)) rejudge(cause, added.id);
}

// Of a very deep held stack only its two ends are told: what is kept there is for reports, and it would be written anew for
// each dependency of each request.
void Engine::tell_witness(const WitnessInfo& witness) noexcept {
  constexpr std::uint32_t kOuter = 16, kInner = 48;
  if (witness.held_count <= kOuter + kInner) return sink_.on_witness(witness);
  HeldInfo ends[kOuter + kInner];
  std::memcpy(ends, witness.held, kOuter * sizeof(HeldInfo));
  std::memcpy(ends + kOuter, witness.held + witness.held_count - kInner, kInner * sizeof(HeldInfo));
  WitnessInfo told = witness;
  told.held = ends;
  told.held_count = kOuter + kInner;
  sink_.on_witness(told);
}

// The shortest cycle through the new dependency; where that one is excused, others too. A cycle with a short cut is the
// same deadlock told at greater length: it is left to the shorter one and written out when that is told.
void Engine::find_cycles(const Cause& cause, DependencyId closing, std::uint8_t mode) noexcept {
  const CycleSearch::Found found = search_.shortest(closing, mode, options_.search_budget);
  if (found == CycleSearch::Found::kBudget || found == CycleSearch::Found::kNoMemory) ++losses_.budget;
  if (found != CycleSearch::Found::kCycle) return;
  if (shortened(cause, search_.path()) || told_by_interrupt(search_.path())) return;
  if (!cut_short_by_holder(cause, search_.path()) && store_cycle(cause, search_.path())) return;
  unsigned judged = 0;
  const auto visit = [&](const Vec<DependencyId>& path) noexcept {
    if (cut_short_by_holder(cause, path) || has_chord(path) || told_by_interrupt(path)) return true;
    return !store_cycle(cause, path) && ++judged < kAlternatives;
  };
  if (search_.enumerate(closing, mode, kAlternativeLength, kAlternativeBudget, visit) == CycleSearch::Found::kBudget)
    ++losses_.budget;
}

// Of deep held stacks not every dependency is stored (depend_on_held()): where two neighbouring links u -> v -> w are one
// context's, which held u at its request for w, they stand for u -> w. That one is what the verdict is about - told as two
// links, each would run under the other's locks. It is added now, and finds the cycle itself.
bool Engine::shortened(const Cause& cause, const Vec<DependencyId>& cycle) noexcept {
  for (std::uint32_t i = 0; i < cycle.size() && cycle.size() > 2; ++i) {
    const ClassId from = graph_.dependency(cycle[i]).from;
    const Dependency& second = graph_.dependency(cycle[(i + 1) % cycle.size()]);
    if (graph_.find_dependency(from, second.to) != kNone) continue;
    for (const Witness* w = second.witnesses; w != nullptr; w = w->next) {
      if (w->info.origin != Origin::kHeld) continue;
      for (std::uint32_t j = 0; j < w->info.held_count; ++j) {
        const HeldInfo& held = w->info.held[j];
        if (held.class_id != from || held.pseudo) continue;
        const ClassId to = second.to;
        WitnessInfo whole = w->info;
        whole.from = held.instance;
        whole.from_mode = held.mode;
        whole.from_site = held.site;
        Background background = w->background;
        background.from_segment = nullptr;   // what was known when it was got is not
        depend_as(cause, whole, from, to, background);
        return true;
      }
    }
  }
  return false;
}

// The cycle comes to X from a class P that this very context holds too: P -> Y, judged by the same request, cuts it short.
bool Engine::cut_short_by_holder(const Cause& cause, const Vec<DependencyId>& cycle) const noexcept {
  const ClassId before = graph_.dependency(cycle[cycle.size() - 1]).from;
  if (cause.context == nullptr || cause.at_commit || cycle.size() < 3) return false;
  for (const HeldInfo& held : held_scratch_)
    if (held.class_id == before) return true;
  for (std::uint32_t i = cause.context->floor_ + 1; i < cause.context->top(); ++i) {
    const Held& held = cause.context->held()[i];   // the interrupt it is, which held_scratch_ leaves out
    if (held.pseudo && held.lock != nullptr && held.lock->kind == Kind::kInterrupt && held.class_id == before) return true;
  }
  return false;
}

// Two neighbouring links u -> v -> w where u -> w is known in its strongest modes.
bool Engine::has_chord(const Vec<DependencyId>& cycle) const noexcept {
  if (cycle.size() < 3) return false;
  for (std::uint32_t i = 0; i < cycle.size(); ++i) {
    const ClassId from = graph_.dependency(cycle[i]).from;
    const ClassId to = graph_.dependency(cycle[(i + 1) % cycle.size()]).to;
    const DependencyId chord = graph_.find_dependency(from, to);
    if (chord != kNone && (graph_.dependency(chord).modes & mode_bit(false, false)) != 0) return true;
  }
  return false;
}

// The wait-for graph of this moment: does whoever holds what this context asks for wait, over any number of others, for
// this context? Certain, since what is held while a request is under way stays held until it is granted.
bool Engine::blocked_for_ever(const Cause& cause) noexcept {
  if (cause.context == nullptr || cause.at_commit || (cause.flags & (kTry | kTimed)) || cause.lock == nullptr) return false;
  blocked_scratch_.clear();
  if (!blocked_scratch_.push(cause.context)) return false;
  for (std::uint32_t next = 0; next < blocked_scratch_.size(); ++next) {
    const Context* waiter = blocked_scratch_[next];
    const LockInstance* wanted = next == 0 ? cause.lock : waiter->pending_.load(std::memory_order_relaxed);
    if (wanted == nullptr) continue;
    const std::uint32_t breaks = wanted->breaks.load(std::memory_order_relaxed);
    for (const Context* holder = living_; holder != nullptr; holder = holder->next_) {
      if (holder == waiter) continue;
      const Held* held = holder->held();
      bool holds = false;
      for (std::uint32_t i = 1; i < holder->top() && !holds; ++i)
        holds = held[i].lock == wanted && (held[i].pseudo || held[i].breaks == breaks) &&
                (held[i].mode == Mode::kWrite || is_crosslock(wanted->kind) || next != 0 || cause.mode == Mode::kWrite);
      if (!holds) continue;
      if (holder == cause.context) return true;
      bool known = false;
      for (const Context* other : blocked_scratch_) known = known || other == holder;
      if (!known && !blocked_scratch_.push(holder)) return false;
    }
  }
  return false;
}

// Judges and stores one cycle; true if its verdict is at least `possible`.
bool Engine::store_cycle(const Cause& cause, const Vec<DependencyId>& cycle) noexcept {
  std::uint64_t identity = kCycleSalt;
  for (const DependencyId id : cycle) identity += mix(std::uint64_t{id} + 1);
  identity |= 1;
  if (const FindingId* known = finding_ids_.find(identity))
    return findings_[*known].judgement.verdict >= Verdict::kPossible;
  Judgement judgement = judge_.judge(cycle);
  if (judgement.verdict >= Verdict::kPossible && blocked_for_ever(cause))
    judgement = {Verdict::kDeadlock, Reason::kBlockedNow, {0, 0}, kNone};
  auto* links = static_cast<DependencyId*>(memory_.allocate(cycle.size() * sizeof(DependencyId)));
  FindingId* slot = links != nullptr && findings_.make_room() ? finding_ids_.insert(identity) : nullptr;
  if (slot == nullptr) {
    memory_.deallocate(links, cycle.size() * sizeof(DependencyId));
    ++losses_.memory;
    return true;
  }
  std::memcpy(links, cycle.data(), cycle.size() * sizeof(DependencyId));
  Check check = Check::kLockOrderCycle;
  for (const DependencyId id : cycle)
    if (is_crosslock(graph_.lock_class(graph_.dependency(id).from).info.kind)) check = Check::kCrossReleaseCycle;
  for (const DependencyId id : cycle)
    if (graph_.lock_class(graph_.dependency(id).from).info.kind == Kind::kInterrupt) check = Check::kSignalUnsafeLock;
  const FindingId id = *slot = findings_.size();
  if (!findings_.push({check, judgement, links, cycle.size()})) return true;
  for (std::uint32_t i = 0; i < cycle.size(); ++i) {
    Dependency& dependency = graph_.dependency(links[i]);
    if (!finding_links_.push({id, dependency.first_finding})) {
      ++losses_.memory;
      continue;
    }
    dependency.first_finding = finding_links_.size() - 1;
  }
  emit(id, findings_[id], cause, nullptr);
  return judgement.verdict >= Verdict::kPossible;
}

// A dependency got a new witness: may a weak cycle through it be worse than thought?
void Engine::rejudge(const Cause& cause, DependencyId grown) noexcept {
  constexpr unsigned kMost = 64;
  unsigned looked_at = 0;
  for (std::uint32_t link = graph_.dependency(grown).first_finding; link != kNone; link = finding_links_[link].next) {
    StoredFinding& finding = findings_[finding_links_[link].finding];
    if (finding.judgement.verdict == Verdict::kDeadlock) continue;
    if (finding.judgement.reason == Reason::kNoneExcluded && !blocked_for_ever(cause)) continue;
    if (++looked_at > kMost) {
      ++losses_.budget;
      return;
    }
    // The grown dependency closes it now.
    std::uint32_t first = 0;
    while (finding.links[first] != grown) ++first;
    cycle_scratch_.clear();
    bool ok = true;
    for (std::uint32_t i = 0; i < finding.link_count; ++i)
      ok = cycle_scratch_.push(finding.links[(first + i) % finding.link_count]) && ok;
    if (!ok) {
      ++losses_.memory;
      return;
    }
    Judgement judgement = judge_.judge(cycle_scratch_);
    if (judgement.verdict >= Verdict::kPossible && blocked_for_ever(cause))
      judgement = {Verdict::kDeadlock, Reason::kBlockedNow, {0, 0}, kNone};
    if (Judge::rank(judgement) <= Judge::rank(finding.judgement)) continue;
    finding.judgement = judgement;
    std::memcpy(finding.links, cycle_scratch_.data(), finding.link_count * sizeof(DependencyId));
    emit(finding_links_[link].finding, finding, cause, nullptr);
  }
}

// Something that excuses cycles holds no longer: judge the excused ones again.
void Engine::rejudge_excused(Context* context) noexcept {
  if (context != nullptr) gather_held(context);
  else held_scratch_.clear();
  for (FindingId id = 0; id < findings_.size(); ++id) {
    StoredFinding& finding = findings_[id];
    if (finding.judgement.verdict >= Verdict::kPossible || finding.link_count == 0) continue;
    cycle_scratch_.clear();
    bool ok = true;
    for (std::uint32_t i = 0; i < finding.link_count; ++i) ok = cycle_scratch_.push(finding.links[i]) && ok;
    if (!ok) {
      ++losses_.memory;
      continue;
    }
    const Judgement judgement = judge_.judge(cycle_scratch_);
    if (Judge::rank(judgement) <= Judge::rank(finding.judgement)) continue;
    finding.judgement = judgement;
    const Cause cause{context, nullptr, graph_.dependency(finding.links[0]).to, Mode::kWrite, 0, 0, 0, false};
    emit(id, finding, cause, nullptr);
  }
}

// This crosslock has a releaser more: cycles through its class may have to be put more weakly.
void Engine::weaken(Context* context, const LockInstance& crosslock) noexcept {
  const int weak = Judge::rank({Verdict::kPossible, Reason::kOtherReleasers, {0, 0}, kNone});
  for (FindingId id = 0; id < findings_.size(); ++id) {
    StoredFinding& finding = findings_[id];
    if (finding.judgement.verdict != Verdict::kPossible || Judge::rank(finding.judgement) <= weak) continue;
    bool through = false, ok = true;
    cycle_scratch_.clear();
    for (std::uint32_t i = 0; i < finding.link_count; ++i) {
      through = through || graph_.dependency(finding.links[i]).from == crosslock.class_id;
      ok = cycle_scratch_.push(finding.links[i]) && ok;
    }
    if (!through || !ok) continue;
    const Judgement judgement = judge_.judge(cycle_scratch_);
    if (judgement.reason != Reason::kOtherReleasers) continue;
    finding.judgement = judgement;
    gather_held(context);
    const Cause cause{context, nullptr, graph_.dependency(finding.links[0]).to, Mode::kWrite, 0, 0, 0, false};
    emit(id, finding, cause, nullptr);
  }
}

// --- findings ------------------------------------------------------------------------------------------------------------------

// A finding that is no cycle. `identity` tells apart findings of one check.
void Engine::report_simple(const Cause& cause, Check check, const Judgement& judgement, LockInstance* other,
                           std::uint64_t identity) noexcept {
  std::uint64_t key = chain_step(static_cast<unsigned>(check) + 1, identity);
  key = chain_step(key, cause.class_id) | 1;
  FindingId* slot = finding_ids_.find(key);
  if (slot != nullptr) {
    StoredFinding& finding = findings_[*slot];
    if (Judge::rank(judgement) <= Judge::rank(finding.judgement)) return;
    finding.judgement = judgement;
    emit(*slot, finding, cause, other);
    return;
  }
  slot = findings_.make_room() ? finding_ids_.insert(key) : nullptr;
  if (slot == nullptr || !findings_.push({check, judgement, nullptr, 0})) {
    ++losses_.memory;
    return;
  }
  *slot = findings_.size() - 1;
  emit(*slot, findings_[*slot], cause, other);
}

// The cycle's links into link_scratch_, each that is never direct written out over the locks its context took between.
bool Engine::write_out(const StoredFinding& stored) noexcept {
  link_scratch_.clear();
  std::uint32_t tail = 0;  // links that the closing one is written out to, but for its last: they go to the end
  bool ok = true;
  const auto used = [&](ClassId id) noexcept {
    for (std::uint32_t i = 0; i < stored.link_count; ++i)
      if (graph_.dependency(stored.links[i]).from == id) return true;
    for (const LinkInfo& link : link_scratch_)
      if (graph_.dependency(link.dependency).to == id) return true;
    return false;
  };
  for (std::uint32_t i = 0; i < stored.link_count; ++i) {
    const Dependency& whole = graph_.dependency(stored.links[i]);
    const Witness* chosen = i < judge_.chosen().size() ? judge_.chosen()[i] : nullptr;
    ClassId from = whole.from;
    if (chosen != nullptr && !whole.direct && stored.link_count <= Judge::kExactLength) {
      for (std::uint32_t j = between(chosen->info); j < chosen->info.held_count; ++j) {
        const HeldInfo& step = chosen->info.held[j];
        const DependencyId part = is_step(step) ? graph_.find_dependency(from, step.class_id) : kNone;
        if (part == kNone || graph_.find_dependency(step.class_id, whole.to) == kNone || used(step.class_id)) continue;
        ok = link_scratch_.push({part, witness_of(part, chosen->info.context)}) && ok;
        from = step.class_id;
      }
    }
    if (i == 0) tail = link_scratch_.size();
    const DependencyId last = from == whole.from ? stored.links[i] : graph_.find_dependency(from, whole.to);
    const std::uint32_t ordinal = from != whole.from ? witness_of(last, chosen->info.context)
                                  : chosen == nullptr ? kNone : chosen->ordinal;
    ok = link_scratch_.push({last, ordinal}) && ok;
  }
  if (ok && tail != 0) {
    for (std::uint32_t i = 0; i < tail && ok; ++i) {
      const LinkInfo link = link_scratch_[i];  // push() may move what it would refer to
      ok = link_scratch_.push(link);
    }
    if (ok) {
      const std::uint32_t size = link_scratch_.size();
      for (std::uint32_t i = tail; i < size; ++i) link_scratch_[i - tail] = link_scratch_[i];
      ok = link_scratch_.resize(size - tail);
    }
  }
  return ok;
}

// The ordinal of a witness of this dependency by `context` if there is one, else of the first.
std::uint32_t Engine::witness_of(DependencyId id, ContextId context) const noexcept {
  const Witness* first = graph_.dependency(id).witnesses;
  for (const Witness* witness = first; witness != nullptr; witness = witness->next)
    if (witness->info.context == context) return witness->ordinal;
  return first == nullptr ? kNone : first->ordinal;
}

void Engine::emit(FindingId id, const StoredFinding& stored, const Cause& cause, LockInstance* other) noexcept {
  FindingInfo info{};
  info.id = id;
  info.check = stored.check;
  info.verdict = stored.judgement.verdict;
  info.reason = stored.judgement.reason;
  info.reason_site[0] = stored.judgement.reason_site[0];
  info.reason_site[1] = stored.judgement.reason_site[1];
  info.reason_instance = stored.judgement.gate;
  info.reason_context = stored.judgement.releaser;
  info.context = cause.context == nullptr ? kNone : cause.context->id_;
  if (cause.context != nullptr && info.verdict >= Verdict::kLatent) cause.context->found_in_ = cause.context->activity_;
  info.instance = cause.lock == nullptr ? kNone : cause.lock->id;
  info.mode = cause.mode;
  info.site = cause.site;
  info.stack = cause.stack;
  info.at_commit = cause.at_commit;
  info.other = other == nullptr ? kNone : other->id;
  info.range_begin = range_begin_;
  info.range_end = range_end_;
  info.held_count = held_scratch_.size();
  info.held = held_scratch_.data();
  if (cause.lock == nullptr && stored.link_count != 0 && judge_.chosen().size() != 0 && judge_.chosen()[0] != nullptr) {
    // Not found at a request of now: the closing dependency's own occurrence tells where.
    const WitnessInfo& closing = judge_.chosen()[0]->info;
    info.context = closing.context;
    info.instance = closing.to;
    info.mode = closing.to_mode;
    info.site = closing.to_site;
    info.stack = closing.to_stack;
    info.held_count = closing.held_count;
    info.held = closing.held;
  }
  if (!write_out(stored)) ++losses_.memory;
  info.link_count = link_scratch_.size();
  info.links = link_scratch_.data();
  announce(cause.lock);
  announce(other);
  if (cause.context != nullptr)
    for (std::uint32_t i = cause.context->floor_ + 1; i < cause.context->top(); ++i)
      announce(cause.context->held()[i].lock);
  announce(cause.stack);
  sink_.on_finding(info);
}

// --- dependencies from elsewhere -------------------------------------------------------------------------------------------------

void Engine::import_dependency(ClassId from, ClassId to, const WitnessInfo& given, const Site* frames,
                               unsigned count) noexcept {
  if (from == kNone || to == kNone || from == to) return;
  WitnessInfo witness = given;
  witness.to_stack = graph_.intern_stack(frames, count);
  held_scratch_.clear();
  for (std::uint32_t i = 0; i < given.held_count; ++i)
    if (!held_scratch_.push(given.held[i])) ++losses_.memory;
  const Cause cause{nullptr, nullptr, to, given.to_mode, given.flags, given.to_site, witness.to_stack, false};
  depend(cause, witness, from, to, nullptr);
}

}  // namespace crossdep::engine
