// SPDX-License-Identifier: MIT
//
// Looking at other contexts from outside: who is blocked at this moment, for a driver that suspects a hang, and who holds
// what, for a fork child. Their own sides are read while they may be written: what comes out is exact once nothing moves
// any more, which is when it is asked for.
//
// Threading: the Serialiser is held by the caller, or nobody else is there; no thread-local data is touched.
// Allocation: none.
#include "engine/engine.h"

namespace crossdep::engine {

unsigned Engine::blocked(Blocked* out, unsigned most) const noexcept {
  unsigned count = 0;
  for (const Context* waiter = living_; waiter != nullptr; waiter = waiter->next_) {
    const Wait* wait = waiter->wait_;
    const LockInstance* wanted = wait != nullptr ? wait->lock : waiter->pending_.load(std::memory_order_relaxed);
    if (wanted == nullptr || (wait != nullptr && wait->matched)) continue;
    if (count++ >= most) continue;
    Blocked& entry = out[count - 1];
    entry = Blocked{waiter->id_, wanted->class_id, is_crosslock(wanted->kind), 0, {}};
    const std::uint32_t breaks = wanted->breaks.load(std::memory_order_relaxed);
    for (const Context* holder = living_; holder != nullptr; holder = holder->next_) {
      const Held* held = holder->held();
      bool holds = false;
      for (std::uint32_t i = 1; i < holder->top() && !holds; ++i)
        holds = held[i].lock == wanted && (held[i].pseudo || held[i].breaks == breaks);
      if (!holds) continue;
      if (entry.holder_count < Blocked::kMostHolders) entry.holders[entry.holder_count] = holder->id_;
      ++entry.holder_count;
    }
  }
  return count;
}

unsigned Engine::held_by_others(const Context* except, HeldByOther* out, unsigned most,
                                bool (*readable)(const void*, std::size_t)) const noexcept {
  constexpr unsigned kMostContexts = 1u << 20;   // a list caught in the middle of a change may be a circle
  unsigned count = 0, seen = 0;
  for (const Context* holder = living_; holder != nullptr && seen++ < kMostContexts; holder = holder->next_) {
    if (!readable(holder, sizeof *holder)) break;
    const std::uint32_t top = holder->top();
    const Held* held = holder->held();
    if (holder == except || holder->ended_ || top > holder->capacity_ || !readable(held, top * sizeof(Held))) continue;
    for (std::uint32_t i = 1; i < top; ++i) {
      LockInstance* lock = held[i].lock;
      if (lock == nullptr || held[i].pseudo || !readable(lock, sizeof *lock)) continue;
      if (!lock->alive || held[i].breaks != lock->breaks.load(std::memory_order_relaxed)) continue;
      if (count < most) out[count] = {lock, held[i].site, held[i].mode};
      ++count;
    }
  }
  return count;
}

std::uint64_t Engine::progress() const noexcept {
  std::uint64_t sum = epoch_.load(std::memory_order_relaxed) + past_requests_ + next_context_;
  for (const Context* context = living_; context != nullptr; context = context->next_) {
    std::uint64_t state = context->requests_ * 3 + context->top() + 1;
    if (context->pending_.load(std::memory_order_relaxed) != nullptr) state += 1u << 20;
    if (context->wait_ != nullptr) state += 1u << 21;
    sum = (sum ^ state) * 0x9e3779b97f4a7c15u;
  }
  return sum;
}

}  // namespace crossdep::engine
