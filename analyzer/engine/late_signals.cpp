// SPDX-License-Identifier: MIT
//
// A wait that timed out, and the signal that comes too late for it: whoever gives that signal asked meanwhile for a lock
// which the waiter held all the time, or waited for a signal which the waiter gave only after its timeout, so without the
// timeout both would hang. Such waits are remembered, the last few, with the locks held through them and what was signalled
// after them; the next signal by another context commits the requests for just those.
//
// Threading: under the Serialiser.  Allocation: none.
#include "engine/engine.h"

namespace crossdep::engine {

// Its wait for `crosslock` is over, and the mutex it gave up is not yet held again.
void Engine::note_timeout(const Context* context, LockInstance* crosslock, const Wait& wait) noexcept {
  if (!wait.timed || wait.matched || !any_release_ends(crosslock->kind)) return;
  LateWait late{crosslock->id, wait.epoch, {context->id_, wait.site, wait.stack}, {}, 0};
  for (std::uint32_t i = context->floor_ + 1; i < context->top() && late.held_count < LateWait::kMostHeld; ++i) {
    const Held& held = context->held()[i];
    if (!held.pseudo && held.breaks == held.lock->breaks.load(std::memory_order_relaxed))
      late.held[late.held_count++] = held.lock->id;
  }
  late_[next_late_++ % kMostLate] = late;
  crosslock->late.store(true, std::memory_order_relaxed);
}

void Engine::commit_late(Context* context, LockInstance* crosslock, Site site, StackId& stack) noexcept {
  crosslock->late.store(false, std::memory_order_relaxed);
  for (LateWait& late : late_) {
    if (late.crosslock == kNone || late.crosslock != crosslock->id || late.waited.context == context->id_) continue;
    for (Seen* seen = context->newest_; seen != nullptr && seen->epoch >= late.epoch; seen = seen->older) {
      if (seen->activity != context->activity_ || (seen->flags & kTry) || seen->class_id == crosslock->class_id) continue;
      bool held = false;
      for (std::uint32_t i = 0; i < late.held_count; ++i) held = held || late.held[i] == seen->lock->id;
      if (!held) continue;
      if (stack == 0) {
        Site frames[kMaxFrames];
        stack = graph_.intern_stack(frames, capture(context, site, frames));
      }
      commit_one(context, crosslock, late.waited, *seen, Origin::kOverlap, site, stack);
    }
    late.crosslock = kNone;
  }
}

// `context` ends a wait for `crosslock`, or will: whoever that is, was kept waiting by what `context` waited for in vain.
void Engine::note_late_signaller(const Context* context, const LockInstance* crosslock) noexcept {
  if (!any_release_ends(crosslock->kind)) return;
  for (LateWait& late : late_) {
    if (late.crosslock == kNone || late.crosslock == crosslock->id || late.waited.context != context->id_) continue;
    bool known = late.held_count == LateWait::kMostHeld;
    for (std::uint32_t i = 0; i < late.held_count; ++i) known = known || late.held[i] == crosslock->id;
    if (!known) late.held[late.held_count++] = crosslock->id;
  }
}

}  // namespace crossdep::engine
