// SPDX-License-Identifier: MIT
//
// See handler.h. What is not wrapped, and then runs as part of what it interrupts: handlers that are reset when they run
// (SA_RESETHAND), and those set by other means than sigaction() and signal(). Handlers of faults (SIGSEGV ...) are
// contexts, but strike only where the fault is: nothing is open to them.
//
// A jump out of a handler ends it: siglongjmp() and longjmp() compare where they go with where the handler's frame lies.
// Threading: any thread, in handlers.  Allocation: none here.
#include "interpose/handler.h"

#include <errno.h>
#include <setjmp.h>
#include <ucontext.h>

#include "core/events.h"
#include "core/runtime.h"
#include "core/signal_mask.h"
#include "interpose/lock_call.h"

using namespace crossdep::runtime;
using crossdep::engine::ContextKind;

namespace {

constexpr int kMostSignals = 65;
using Handler = void (*)(int, siginfo_t*, void*);

struct sigaction programs[kMostSignals];   // as the program set it

bool is_fault(int number) noexcept {
  return number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL || number == SIGTRAP ||
         number == SIGSYS || number == SIGABRT;
}

// The innermost handler of this thread is over.
void leave_handler(ThreadState& self) noexcept {
  --self.handlers;
  if (Inside inside = Inside::enter()) leave(inside, 0);
}

// Frames that lie deeper than this one belong to handlers that were left by an exception.
void leave_dead_handlers(ThreadState& self, std::uint64_t here) noexcept {
  constexpr std::uint64_t kSameStack = 64u << 20;
  while (self.handlers != 0 && self.handler_frames[self.handlers - 1] < here &&
         here - self.handler_frames[self.handlers - 1] < kSameStack)
    leave_handler(self);
}

void handle(int number, siginfo_t* info, void* state) {
  const auto program = reinterpret_cast<Handler>(programs[number].sa_sigaction);
  ThreadState& self = this_thread();
  const auto here = reinterpret_cast<std::uint64_t>(__builtin_frame_address(0));
  const int error = errno;
  bool entered = false;
  if (self.phase == Phase::kNew) {   // its first event is this: what is blocked now is not what it had blocked
    std::uint64_t interrupted;
    __builtin_memcpy(&interrupted, &static_cast<const ucontext_t*>(state)->uc_sigmask, sizeof interrupted);
    if (Inside inside = Inside::enter()) note_signal_mask(static_cast<Token>(inside).thread(), interrupted);
  }
  // A thread that is in the runtime just now is not observed in its handler either.
  if (self.phase == Phase::kReady) {
    leave_dead_handlers(self, here);
    if (self.handlers < ThreadState::kMostHandlers) {
      if (Inside inside = Inside::enter()) {
        enter(inside, ContextKind::kSignal, nullptr, nullptr, reinterpret_cast<Site>(program), is_fault(number) ? 0 : static_cast<unsigned>(number));
        entered = true;
        self.handler_frames[self.handlers++] = here;
      }
    }
  }
  errno = error;
  program(number, info, state);
  if (!entered) return;
  const int after = errno;
  if (self.handlers != 0 && self.handler_frames[self.handlers - 1] == here) leave_handler(self);
  errno = after;
}

// Where a jump goes to; 0 where the C library hides that.
std::uint64_t stack_pointer_in(const struct __jmp_buf_tag* environment) noexcept {
#if defined(__x86_64__)
  constexpr unsigned kStackPointer = 6;   // setjmp.S: mangled by a rotation and the thread's pointer guard
  std::uint64_t value, guard;
  value = static_cast<std::uint64_t>(environment->__jmpbuf[kStackPointer]);
  __asm__("mov %%fs:0x30, %0" : "=r"(guard));
  return (value >> 17 | value << 47) ^ guard;
#else
  (void)environment;
  return 0;
#endif
}

void jump(const struct __jmp_buf_tag* environment) noexcept {
  ThreadState& self = this_thread();
  if (self.handlers == 0 || self.phase != Phase::kReady) return;
  const auto here = reinterpret_cast<std::uint64_t>(__builtin_frame_address(0));
  const std::uint64_t to = stack_pointer_in(environment);
  // A jump within the innermost handler goes to between here and that handler's frame.
  while (self.handlers != 0 && !(to >= here && to < self.handler_frames[self.handlers - 1])) leave_handler(self);
}

template <typename Function>
int change_mask(Function& function, int how, const sigset_t* set, sigset_t* old) noexcept {
  sigset_t before;
  const int result = call_real(function, how, set, &before);
  if (result != 0) return result;
  if (set != nullptr && this_thread().phase == Phase::kReady) {
    // The system's 64 signals are the first word of glibc's set.
    std::uint64_t now, asked;
    __builtin_memcpy(&now, &before, sizeof now);
    __builtin_memcpy(&asked, set, sizeof asked);
    now = how == SIG_BLOCK ? now | asked : how == SIG_UNBLOCK ? now & ~asked : asked;
    const int error = errno;
    if (Inside inside = Inside::enter()) note_signal_mask(static_cast<Token>(inside).thread(), now);
    errno = error;
  }
  if (old != nullptr) *old = before;
  return result;
}

}  // namespace

namespace crossdep::runtime {

void wrap_handler(int number, struct sigaction& asked) noexcept {
  if (number <= 0 || number >= kMostSignals || runtime.state.load(std::memory_order_acquire) == State::kOff) return;
  const bool handled = (asked.sa_flags & SA_SIGINFO) != 0 || (asked.sa_handler != SIG_DFL && asked.sa_handler != SIG_IGN);
  if (!handled || (asked.sa_flags & SA_RESETHAND) != 0) return;
  programs[number] = asked;
  asked.sa_sigaction = handle;
  asked.sa_flags |= SA_SIGINFO;
}

void unwrap_handler(int number, struct sigaction& found) noexcept {
  if (number > 0 && number < kMostSignals && (found.sa_flags & SA_SIGINFO) != 0 && found.sa_sigaction == handle)
    found = programs[number];
}

}  // namespace crossdep::runtime

CROSSDEP_EXPORT int pthread_sigmask(int how, const sigset_t* set, sigset_t* old) noexcept {
  return change_mask(real.pthread_sigmask, how, set, old);
}
CROSSDEP_EXPORT int sigprocmask(int how, const sigset_t* set, sigset_t* old) noexcept {
  return change_mask(real.sigprocmask, how, set, old);
}

#define CROSSDEP_JUMP(name)                                                                      \
  CROSSDEP_EXPORT __attribute__((noreturn)) void name(struct __jmp_buf_tag* environment, int value) noexcept { \
    jump(environment);                                                                           \
    call_real(real.name, environment, value);                                                    \
    __builtin_unreachable();                                                                     \
  }
CROSSDEP_JUMP(longjmp)
CROSSDEP_JUMP(_longjmp)
CROSSDEP_JUMP(siglongjmp)
CROSSDEP_JUMP(__longjmp_chk)
