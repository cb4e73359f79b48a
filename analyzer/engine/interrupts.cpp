// SPDX-License-Identifier: MIT
//
// Interrupts and signal handlers. The end of a handler is something its victim waits for: the interrupted context goes on
// only when the handler is done. So lockdep's irq rules are dependencies like all others:
//
//   B -> (hardirq)     B is held where a hardirq may interrupt: whoever is to release B must let the handler end first
//   (hardirq) -> A     the handler requested A
//
// A cycle through such a node is lockdep's "inconsistent lock state" (A = B), "HARDIRQ-safe -> HARDIRQ-unsafe lock order"
// or "irq lock inversion": the same judge, modes and splat parts serve it. One node each for hardirqs, softirqs and every
// signal, made when the first handler is seen; what was open to it before is kept (OpenUse) and added then.
//
// Source: kernel/locking/lockdep.c, mark_lock_irq() and check_irq_usage(), Linux 6.1: what counts as use inside and as
// enabled use; interrupts off stands for softirqs off too.
// Threading: see engine.h.  Allocation: one OpenUse per class, mode and new kind of handler.
#include "engine/engine.h"
#include "engine/serial.h"

namespace crossdep::engine {

namespace {
constexpr std::uint8_t kHard = 1, kSoft = 2;

bool is_handler(ContextKind kind) {
  return kind == ContextKind::kSignal || kind == ContextKind::kHardirq || kind == ContextKind::kSoftirq || kind == ContextKind::kNmi;
}

unsigned put_number(char* text, unsigned at, unsigned number) {
  if (number >= 10) at = put_number(text, at, number / 10);
  text[at] = static_cast<char>('0' + number % 10);
  return at + 1;
}
}  // namespace

// Usage characters as lockdep's, and what the requested lock is open to.
void Engine::note_usage(const Cause& cause) noexcept {
  Context* context = cause.context;
  const ContextKind kind = context->runs_in().floor_kind;
  const bool hard = kind == ContextKind::kSignal || kind == ContextKind::kHardirq || kind == ContextKind::kNmi;
  const bool soft = kind == ContextKind::kSoftirq;
  const bool holds = (cause.flags & kSync) == 0 && !is_crosslock(graph_.lock_class(cause.class_id).info.kind);
  std::uint8_t open = 0;
  if (holds && !hard && !(context->masked_ & kHard)) open |= kHard;
  if (holds && !hard && !soft && context->masked_ == 0) open |= kSoft;
  const std::uint64_t signals = holds && !is_handler(kind) ? ~context->masked_signals_ : 0;
  unsigned usage = 0;
  if (hard && !(cause.flags & kTry)) usage |= kUsedInHard;
  if (soft && !(cause.flags & kTry)) usage |= kUsedInSoft;
  if (open & kHard) usage |= kEnabledHard;
  if (open & kSoft) usage |= kEnabledSoft;
  if (cause.mode != Mode::kWrite) usage <<= 1;
  LockClass& lock_class = graph_.lock_class(cause.class_id);
  if ((lock_class.usage | usage) != lock_class.usage) {
    lock_class.usage |= static_cast<std::uint8_t>(usage);
    sink_.on_class_usage(cause.class_id, lock_class.usage);
  }
  if (open != 0 || signals != 0) interruptible(cause, open, signals);
}

void Engine::interruptible(const Cause& cause, std::uint8_t interrupts, std::uint64_t signals) noexcept {
  LockClass& lock_class = graph_.lock_class(cause.class_id);
  const unsigned mode = cause.mode == Mode::kWrite ? 0 : 1;
  const auto fresh = static_cast<std::uint8_t>(interrupts & ~lock_class.open[mode]);
  const std::uint64_t fresh_signals = signals & ~lock_class.open_signals[mode];
  if (fresh != 0 || fresh_signals != 0) {
    if (!open_uses_.push({cause.lock, cause.class_id, cause.lock->id, cause.context->id_, cause.stack, cause.site, fresh_signals, fresh, cause.mode}))
      ++losses_.memory;
    lock_class.open[mode] |= fresh;
    lock_class.open_signals[mode] |= fresh_signals;
  }
  if (!any_interrupt_) return;
  for (unsigned i = 0; i < 2 + kSignals; ++i) {
    LockInstance* const interrupt = interrupts_[i].load(std::memory_order_relaxed);
    if (interrupt == nullptr) continue;
    if (i < 2 ? (interrupts >> i & 1) != 0 : (signals >> (i - 2) & 1) != 0) open_to(cause, interrupt);
  }
}

// cause.lock, held, can be interrupted by this.
void Engine::open_to(const Cause& cause, LockInstance* interrupt) noexcept {
  WitnessInfo witness{};
  witness.origin = Origin::kHeld;
  witness.from_mode = cause.mode;
  witness.to_mode = Mode::kWrite;
  witness.context = cause.context == nullptr ? kNone : cause.context->id_;
  witness.from = cause.lock->id;
  witness.to = interrupt->id;
  witness.from_site = witness.to_site = cause.site;
  witness.to_stack = cause.stack;
  witness.waiter = kNone;
  witness.ordinal = cause.context == nullptr ? 0 : cause.context->requests_;
  announce(cause.lock);
  announce(interrupt);
  depend(cause, witness, cause.class_id, interrupt->class_id, nullptr);
}

// The end of this kind of handler; nullptr where none is kept (work items, NMIs, memory out).
LockInstance* Engine::interrupt_of(Context* context, ContextKind kind, unsigned number) noexcept {
  unsigned index = 0;
  if (kind == ContextKind::kSoftirq) index = 1;
  else if (kind == ContextKind::kSignal && number >= 1 && number <= kSignals) index = 1 + number;
  else if (kind != ContextKind::kHardirq) return nullptr;
  if (LockInstance* known = interrupts_[index].load(std::memory_order_acquire)) return known;
  char name[16] = "(hardirq)";
  if (index == 1) std::memcpy(name, "(softirq)", 9);
  unsigned length = 9;
  if (index > 1) {
    std::memcpy(name, "(signal ", 8);
    length = put_number(name, 8, number);
    name[length++] = ')';
  }
  ClassSpec spec;
  spec.kind = Kind::kInterrupt;
  spec.name = name;
  spec.name_length = length;
  const ClassId class_id = declare_class(spec);
  LockInstance* const made = create(class_id, Kind::kInterrupt, 0, 0);
  if (made == nullptr) return nullptr;
  Lock serial(*this);
  if (LockInstance* known = interrupts_[index].load(std::memory_order_relaxed)) {   // made at the same time elsewhere
    made->alive = false;
    instances_.give_back(made);
    return known;
  }
  interrupts_[index].store(made, std::memory_order_release);
  any_interrupt_ = true;
  // What was open to it before it was first seen. It can close no cycle yet: nothing was requested inside.
  const std::uint32_t count = open_uses_.size();
  for (std::uint32_t i = 0; i < count; ++i) {
    const OpenUse use = open_uses_[i];
    if (index < 2 ? (use.interrupts >> index & 1) == 0 : (use.signals >> (index - 2) & 1) == 0) continue;
    WitnessInfo witness{};
    witness.from_mode = use.mode;
    witness.context = use.context;
    const bool known = use.lock->alive && use.lock->id == use.instance;
    if (known) announce(use.lock);
    witness.from = known ? use.instance : kNone;
    witness.to = made->id;
    witness.from_site = witness.to_site = use.site;
    witness.to_stack = use.stack;
    witness.waiter = kNone;
    held_scratch_.clear();
    const Cause cause{context, made, class_id, Mode::kWrite, 0, use.site, use.stack, false};
    depend(cause, witness, use.class_id, class_id, nullptr);
  }
  return made;
}

void Engine::mask(Context* context, ContextKind kind, unsigned number, bool blocked) noexcept {
  if (context == nullptr || context->ended_) return;
  std::uint8_t masked = context->masked_;
  std::uint64_t signals = context->masked_signals_;
  if (kind == ContextKind::kSignal) {
    if (number == 0 || number > kSignals) return;
    const std::uint64_t bit = std::uint64_t{1} << (number - 1);
    signals = blocked ? signals | bit : signals & ~bit;
  } else {
    const std::uint8_t bit = kind == ContextKind::kSoftirq ? kSoft : kHard;
    masked = static_cast<std::uint8_t>(blocked ? masked | bit : masked & ~bit);
  }
  if (masked == context->masked_ && signals == context->masked_signals_) return;
  context->masked_ = masked;
  context->masked_signals_ = signals;
  context->state_key_ = masked == 0 && signals == 0 ? 0 : mix(masked ^ mix(signals + 1));
  if (blocked || context->top() == context->floor_ + 1) return;
  // What is held is open to it from now on.
  Lock serial(*this);
  for (std::uint32_t i = context->floor_ + 1; i < context->top(); ++i) {
    const Held held = context->held()[i];
    if (held.lock == nullptr || held.pseudo || held.breaks != held.lock->breaks.load(std::memory_order_relaxed)) continue;
    gather_held(context);
    note_usage({context, held.lock, held.class_id, held.mode, held.flags, held.site, graph_.intern_stack(&held.site, held.site == 0 ? 0 : 1), false});
  }
}

// Some lock of the cycle and some interrupt of it make one by themselves, and any way round between them is the same story.
bool Engine::told_by_interrupt(const Vec<DependencyId>& cycle) const noexcept {
  const auto strong = [this](ClassId from, ClassId to) {
    const DependencyId id = graph_.find_dependency(from, to);
    return id != kNone && (graph_.dependency(id).modes & mode_bit(false, false)) != 0;
  };
  for (std::uint32_t i = 0; i < cycle.size() && cycle.size() > 2; ++i) {
    const ClassId interrupt = graph_.dependency(cycle[i]).from;
    if (graph_.lock_class(interrupt).info.kind != Kind::kInterrupt) continue;
    for (const DependencyId id : cycle) {
      const ClassId lock = graph_.dependency(id).from;
      if (lock != interrupt && strong(lock, interrupt) && strong(interrupt, lock)) return true;
    }
  }
  return false;
}

}  // namespace crossdep::engine
