// SPDX-License-Identifier: MIT
//
// Futures, and words waited on by the futex system call: std::atomic::wait, C++20's latches, barriers and semaphores, and
// the primitives other libraries build on syscall(SYS_futex). Only who really waits, and who wakes, comes this way: what
// succeeds without waiting is invisible, and makes no dependency.
//
//   libstdc++'s futures    __atomic_futex_unsigned_base's functions, which its library exports; the word lies in the shared
//                          state. The future's own system calls come from that library and are passed over
//   the C library's        syscall(). Anything else than a wait or wake of a futex goes on to the real one by a jump, with
//                          all registers and the stack as they were
//
// A word may be a mutex of the program's own, woken at its release: its waker's earlier requests say nothing then, so
// history is not committed for it (engine/CROSS_RELEASE.md).
//
// Threading: any thread.  Allocation: none here.
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <sys/syscall.h>

#include "core/elf_lookup.h"
#include "core/modules.h"
#include "interpose/wait_call.h"

using namespace crossdep::runtime;
using crossdep::engine::Kind;
using crossdep::engine::kNone;
using crossdep::engine::kTimed;

namespace {

struct Future {
  using Object = unsigned;
  static constexpr Kind kKind = Kind::kFuture;
  static std::uint8_t flags(const Object*) noexcept { return 0; }
};
struct Word {
  using Object = unsigned;
  static constexpr Kind kKind = Kind::kFutex;
  static std::uint8_t flags(const Object*) noexcept { return 0; }
};

template <typename Family>
Waiting begin(unsigned* word, bool timed, Site site) noexcept {
  Waiting waiting;
  waiting.site = site;
  if (Inside inside = Inside::enter()) {
    waiting.crosslock = instance_of<Family>(inside, word, site);
    wait_begin(inside, waiting.crosslock, nullptr, timed ? kTimed : 0, site);
  }
  return waiting;
}

void wake(unsigned* word, std::uint32_t count, Site site) noexcept {
  if (Inside inside = Inside::enter())
    if (LockInstance* known = identity.find(word)) signal(inside, known, count, site);   // else nobody ever waited for it
}

using NotifyAll = void(unsigned*);
using WaitUntil = bool(void*, unsigned*, unsigned, bool, long, long);

bool wait_until(std::atomic<WaitUntil*>& known, const char* name, void* self, unsigned* word, unsigned value, bool timed, long seconds,
                long nanoseconds, Site site) {
  WaitUntil* const function = late_definition(known, name);
  if (function == nullptr) return true;   // the caller looks at the word again
  const Waiting waiting = begin<Future>(word, timed, site);
  const bool result = function(self, word, value, timed, seconds, nanoseconds);
  if (waiting.crosslock != nullptr) end_wait(waiting, result);
  return result;
}

}  // namespace

#define CROSSDEP_WAIT_UNTIL(symbol)                                                                                    \
  CROSSDEP_EXPORT bool symbol(void*, unsigned*, unsigned, bool, long, long);                                           \
  CROSSDEP_EXPORT bool symbol(void* self, unsigned* word, unsigned value, bool timed, long seconds, long nanoseconds) { \
    static constinit std::atomic<WaitUntil*> known{nullptr};                                                           \
    return wait_until(known, #symbol, self, word, value, timed, seconds, nanoseconds, CROSSDEP_CALLER);                \
  }
CROSSDEP_WAIT_UNTIL(
    _ZNSt28__atomic_futex_unsigned_base19_M_futex_wait_untilEPjjbNSt6chrono8durationIlSt5ratioILl1ELl1EEEENS2_IlS3_ILl1ELl1000000000EEEE)
CROSSDEP_WAIT_UNTIL(
    _ZNSt28__atomic_futex_unsigned_base26_M_futex_wait_until_steadyEPjjbNSt6chrono8durationIlSt5ratioILl1ELl1EEEENS2_IlS3_ILl1ELl1000000000EEEE)

CROSSDEP_EXPORT void _ZNSt28__atomic_futex_unsigned_base19_M_futex_notify_allEPj(unsigned* word);
CROSSDEP_EXPORT void _ZNSt28__atomic_futex_unsigned_base19_M_futex_notify_allEPj(unsigned* word) {
  static constinit std::atomic<NotifyAll*> known{nullptr};
  wake(word, kNone, CROSSDEP_CALLER);
  if (auto* const function = late_definition(known, "_ZNSt28__atomic_futex_unsigned_base19_M_futex_notify_allEPj"); function != nullptr)
    function(word);
}

// --- syscall() ------------------------------------------------------------------------------------------------------------------

// Read by the jump below; also filled there, at the first call of any kind.
using SystemCall = long(long, ...);
extern "C" {
__attribute__((visibility("hidden"), used)) constinit SystemCall* crossdep_real_syscall = nullptr;
}

extern "C" __attribute__((visibility("hidden"), used)) long crossdep_syscall(long number, long a, long b, long c, long d,
                                                                             long e, long f) noexcept {
  if (crossdep_real_syscall == nullptr)
    crossdep_real_syscall = reinterpret_cast<SystemCall*>(next_definition("syscall", nullptr));
  const Site site = CROSSDEP_CALLER;
  const long command = b & FUTEX_CMD_MASK;
  auto* const word = reinterpret_cast<unsigned*>(a);
  const bool waits = command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET;
  const bool wakes = command == FUTEX_WAKE || command == FUTEX_WAKE_BITSET;
  if (number != SYS_futex || (!waits && !wakes) || modules.is_cxx_library(site))
    return crossdep_real_syscall(number, a, b, c, d, e, f);
  if (wakes) {
    wake(word, c == INT_MAX ? kNone : static_cast<std::uint32_t>(c), site);
    return crossdep_real_syscall(number, a, b, c, d, e, f);
  }
  // The word has changed already: no wait.
  if (__atomic_load_n(word, __ATOMIC_RELAXED) != static_cast<unsigned>(c))
    return crossdep_real_syscall(number, a, b, c, d, e, f);
  const Waiting waiting = begin<Word>(word, d != 0, site);
  const long result = crossdep_real_syscall(number, a, b, c, d, e, f);
  if (waiting.crosslock != nullptr) end_wait(waiting, result == 0);
  return result;
}

#if defined(__x86_64__)
// 202 is SYS_futex. crossdep_syscall() has one parameter more than registers: it finds it where syscall()'s caller put it.
static_assert(SYS_futex == 202);
__asm__(R"(
  .text
  .globl syscall
  .type syscall, @function
syscall:
  .cfi_startproc
  endbr64
  cmpq $202, %rdi
  je crossdep_syscall
  movq crossdep_real_syscall(%rip), %rax
  testq %rax, %rax
  je crossdep_syscall
  jmp *%rax
  .cfi_endproc
  .size syscall, . - syscall
)");
#else
CROSSDEP_EXPORT long syscall(long number, ...) noexcept {
  va_list rest;
  va_start(rest, number);
  long arguments[6];
  for (long& argument : arguments) argument = va_arg(rest, long);
  va_end(rest);
  return crossdep_syscall(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
}
#endif
