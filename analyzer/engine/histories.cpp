// SPDX-License-Identifier: MIT
//
// Acquisition histories: which locks a context has got and released since it got each of those it holds now.
//
// Two contexts cannot both get where they are seen if the one has passed, holding l1, the lock l2 that the other one holds
// there, and the other has passed, holding l2, the lock l1: whichever of the two locks was got last for good, its holder
// had still to pass the other one.
//
//     T1: l1 [l2] a b        T2: l2 [l1] b a        a and b cannot strike: l1 and l2 do first, and are reported
//
// The hot path writes no history. It is told from the `Seen` records where every request since l1 was new, so that their
// ordinals follow each other without a gap: the first time through a piece of code. A request that relies on it is looked
// at again each time it is made, and keeps it only while each time says the same.
//
// Source: V. Kahlon, F. Ivancic, A. Gupta, "Reasoning about Threads Communicating via Locks", CAV 2005.
// Threading: serialised by the engine, on the calling context's own tables.  Allocation: a scratch vector.
#include "engine/engine.h"

namespace crossdep::engine {

namespace {
constexpr unsigned kFarthest = 64;   // requests looked back over

bool is_passed(const Seen& seen) {
  return (seen.flags & (kTry | kTimed | kSync)) == 0 && !is_crosslock(seen.lock->kind) && seen.lock->alive;
}
}  // namespace

// Into passed_scratch_, by the held lock, outermost first. The present request is the newest of the context's records.
void Engine::gather_passed(Context* context) noexcept {
  passed_scratch_.clear();
  if (context->passed_destroyed_ != destroyed_) {
    // A record of a lock may be another's by now.
    context->passed_destroyed_ = destroyed_;
    context->passed_from_ = context->requests_;
    return;
  }
  const Seen* const present = context->newest_;
  if (present == nullptr || present->ordinal != context->requests_) return;
  for (std::uint32_t i = context->floor_ + 1; i < context->top(); ++i) {
    const Held& held = context->held()[i];
    if (held.lock == nullptr || held.pseudo || (held.flags & (kTry | kTimed)) != 0) continue;
    if (held.breaks != held.lock->breaks.load(std::memory_order_relaxed)) continue;
    // Back to its own request, without a gap.
    const Seen* got = nullptr;
    std::uint64_t ordinal = present->ordinal;
    for (const Seen* seen = present->older; seen != nullptr && present->ordinal - ordinal < kFarthest; seen = seen->older) {
      if (seen->ordinal != --ordinal || ordinal <= context->passed_from_ || seen->activity != context->activity_) break;
      if (seen->lock != held.lock || (seen->flags & kTry) != 0) continue;
      got = seen;
      break;
    }
    if (got == nullptr) continue;
    for (const Seen* seen = present->older; seen != got; seen = seen->older) {
      bool mine = !is_passed(*seen);
      for (std::uint32_t j = context->floor_ + 1; j < context->top() && !mine; ++j)
        mine = context->held()[j].lock == seen->lock;
      if (mine) continue;
      if (!passed_scratch_.push({held.lock->id, seen->lock->id, seen->site, held.mode, seen->mode})) {
        ++losses_.memory;
        return;
      }
    }
  }
}

}  // namespace crossdep::engine
