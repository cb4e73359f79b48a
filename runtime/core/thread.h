// SPDX-License-Identifier: MIT
//
// What the runtime knows of the calling thread, and its recursion guard: while an `Inside` lives, this thread is in the
// runtime, and nothing it calls, nor a signal handler that interrupts it, will be observed. Whatever touches the engine
// takes a `Token`, which only an Inside can make, so that the compiler checks the guard is held.
//
// The hot path is one comparison and two stores to the thread's own TLS block (initial-exec: no call to find it).
// Threading: each thread its own block.  Allocation: none here.
#pragma once

#include <atomic>
#include <cstdint>

#include "engine/engine.h"
#include "record/stream.h"

namespace crossdep::runtime {

struct ThreadRecord;
struct HoldTimes;

enum class Phase : std::uint32_t {
  kNew,       // not seen yet
  kReady,     // observed, outside the runtime
  kInside,    // in the runtime
  kForking,   // in fork(): whose process this is must be asked before each use
  kMasked,    // in a primitive of the program's own: what it is made of is not observed
  kOff,       // not observed: its context has ended, or the runtime is off
};

struct ThreadState {
  Phase phase;
  Phase resting;                  // what to go back to when it leaves the runtime
  engine::Context* context;
  record::Stream* stream;         // nullptr unless recording
  HoldTimes* hold_times;          // nullptr unless a rule limits how long a lock is held
  bool watched;                   // one of the two is not null
  ThreadRecord* record;           // of a thread whose creation was seen
  std::uint64_t saved_signals;    // while the engine is held
  bool record_stacks;             // a stack taken now belongs to the event that is recorded next
  bool halts;                     // it made a finding, halt_on_finding is set, and the event is not recorded yet
  bool unrecorded;                // it made a finding, and the event is not recorded yet
  std::uint64_t stack_end;        // 0: not asked for yet
  std::uint64_t lowest_object;    // on its stack, of those first used by itself; 0: none
  std::uint32_t end_rounds;       // how often the thread-end destructor has put itself off
  static constexpr std::uint32_t kMostHandlers = 8;
  std::uint32_t handlers;         // signal handlers it is in, innermost last
  std::uint64_t handler_frames[kMostHandlers];
  const std::uint64_t* masked_by; // while kMasked: where the primitive's return address lies,
  std::uint64_t masked_return;    // and what it is
  std::uint64_t blocked_signals;  // as last told to the engine
};

extern thread_local constinit ThreadState thread_state_block __attribute__((tls_model("initial-exec")));

inline ThreadState& this_thread() noexcept { return thread_state_block; }

__attribute__((always_inline)) inline engine::Context* context_of(const ThreadState* self) noexcept {
  engine::Context* context = self->context;
  if (context == nullptr) __builtin_unreachable();
  return context;
}

/// Proof that the guard is held; passed by value.
class Token {
 public:
  ThreadState& thread() const noexcept { return *self_; }
  /// Not null: without one a thread is never inside.
  engine::Context* context() const noexcept { return context_of(self_); }
  record::Stream* stream() const noexcept { return self_->stream; }
  /// More has to be done at a lock's request, acquisition and release than to tell the engine.
  bool watched() const noexcept { return self_->watched; }

 private:
  friend class Inside;
  explicit Token(ThreadState* self) noexcept : self_(self) {}
  ThreadState* self_;
};

class Inside {
 public:
  /// The guard, or an empty one if the thread is not to be observed now. Starts the runtime and the thread's context
  /// where that has not happened yet.
  __attribute__((always_inline)) static Inside enter() noexcept {
    ThreadState& self = this_thread();
    if (self.phase != Phase::kReady) [[unlikely]] return Inside(enter_slow(self));
    self.phase = Phase::kInside;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    return Inside(&self);
  }
  ~Inside() {
    if (self_ == nullptr) return;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    self_->phase = self_->resting;
  }
  Inside(Token) = delete;
  Inside& operator=(Token) = delete;

  explicit operator bool() const noexcept { return self_ != nullptr; }
  operator Token() const noexcept { return Token(self_); }
  engine::Context* context() const noexcept { return context_of(self_); }
  record::Stream* stream() const noexcept { return self_->stream; }

 private:
  explicit Inside(ThreadState* self) noexcept : self_(self) {}
  static ThreadState* enter_slow(ThreadState& self) noexcept;

  ThreadState* self_;
};

/// As Inside for the runtime's own housekeeping, which may run where no context can begin (start, exit, fork): sets the
/// phase and puts the old one back, whatever it was.
class Quiet {
 public:
  Quiet() noexcept : self_(this_thread()), before_(self_.phase) {
    self_.phase = Phase::kInside;
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  ~Quiet() {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    self_.phase = before_;
  }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;

 private:
  ThreadState& self_;
  Phase before_;
};

}  // namespace crossdep::runtime
