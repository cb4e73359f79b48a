// SPDX-License-Identifier: MIT
//
// Nest locks (the kernel's mutex_lock_nest_lock(), ww_mutexes): under one that is held, locks of one class are taken in any
// order. That holds only as long as it is held: the request is judged in check_nesting(), its end here, when the nest lock is
// let go of before what was taken under it.
//
// Threading: as Engine.  Allocation: none.
#include "engine/engine.h"
#include "engine/serial.h"

namespace crossdep::engine {

void Engine::acquired_under(Context* context, LockInstance* lock, ClassId class_id, Mode mode, std::uint8_t flags, Site site,
                            LockInstance* nest) noexcept {
  acquired_as(context, lock, class_id, mode, flags, site);
  if (lock == nullptr || context == nullptr || nest == nullptr || context->ended_) return;
  Held& top = context->held()[context->top() - 1];
  const std::uint32_t index = find_held(context, nest, context->floor_);
  if (index == kNone || top.lock != lock || top.pseudo) return;
  top.nest = nest;
  top.depth |= Held::kUnderNest;
  context->held()[index].depth |= Held::kNest;
}

// As lockdep, which takes all locks above one that is released out of turn anew: the one nearest to it is told.
void Engine::check_nest_let_go(Context* context, std::uint32_t index, Site site) noexcept {
  if (context->tolerant_) return;
  Held* const held = context->held();
  LockInstance* const nest = held[index].lock;
  for (std::uint32_t i = index + 1; i < context->top(); ++i) {
    if ((held[i].depth & Held::kUnderNest) == 0 || held[i].nest != nest ||
        held[i].breaks != held[i].lock->breaks.load(std::memory_order_relaxed))
      continue;
    Site frames[kMaxFrames];
    const unsigned count = capture(context, site, frames);
    Lock serial(*this);
    gather_held(context);
    const Cause cause{context, nest, nest->class_id, Mode::kWrite, 0, site, graph_.intern_stack(frames, count), false};
    report_simple(cause, Check::kAssertHeld, observed(), nullptr, site);
    return;
  }
}

}  // namespace crossdep::engine
