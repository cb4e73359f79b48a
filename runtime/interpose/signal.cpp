// SPDX-License-Identifier: MIT
//
// See signal.h. Our handler stands only where the program has the default; the program is told it has the default, and
// may replace it. When the signal comes, the graph is written, the default put back, and the signal let through: a fault
// happens again at the same instruction, anything else is sent again, so status and core file are what they would be.
// Handlers do not survive exec, and a signal that is ignored or blocked never gets here: nothing else changes.
//
// Threading: sigaction() of one signal in two threads at once is the program's own race.  Allocation: none.
#include "interpose/signal.h"

#include <errno.h>
#include <signal.h>

#include <atomic>

#include "core/finish.h"
#include "core/runtime.h"
#include "core/syscalls.h"
#include "core/watchdog.h"
#include "interpose/handler.h"
#include "interpose/lock_call.h"

using namespace crossdep::runtime;

namespace {

constexpr int kWatched[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGILL,  SIGABRT, SIGBUS,  SIGFPE, SIGUSR1, SIGSEGV,
                            SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGXCPU, SIGXFSZ, SIGSYS, SIGTRAP};
constexpr int kMostSignals = 65;

// Ours stands in for the default; `shown` is what the program last set (flags and mask of its default), for its queries.
std::atomic<bool> ours[kMostSignals];
struct sigaction shown[kMostSignals];

bool is_fault(int number, const siginfo_t* info) noexcept {
  return info->si_code > 0 && info->si_code != SI_KERNEL &&
         (number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL || number == SIGTRAP);
}

void last_words(int number, siginfo_t* info, void*) {
  const int error = errno;
  // A copy of the process (vfork's child shares our memory) ends alone.
  if (!in_unknown_child() && system_getpid() == runtime.pid) {
    if (number == SIGQUIT) report_blocked_now();
    finish(Ending::kSignal);
  }
  ours[number].store(false, std::memory_order_relaxed);
  struct sigaction standard{};
  standard.sa_handler = SIG_DFL;
  real.sigaction(number, &standard, nullptr);
  // Blocked while this handler runs: delivered as soon as it returns.
  if (!is_fault(number, info))
    system_call(SYS_tgkill, system_getpid(), system_gettid(), number);
  errno = error;
}

bool is_ours(const struct sigaction& action) noexcept {
  return (action.sa_flags & SA_SIGINFO) != 0 && action.sa_sigaction == last_words;
}

bool stand_in(int number) noexcept {
  struct sigaction action{};
  action.sa_sigaction = last_words;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  sigfillset(&action.sa_mask);
  if (real.sigaction(number, &action, nullptr) != 0) return false;
  ours[number].store(true, std::memory_order_relaxed);
  return true;
}

bool is_watched(int number) noexcept {
  for (int watched : kWatched)
    if (watched == number) return true;
  return false;
}

int change(int number, const struct sigaction* wanted, struct sigaction* old) noexcept {
  if (real.sigaction == nullptr) find_real_functions();
  const bool watched = number > 0 && number < kMostSignals && is_watched(number);
  const bool was_ours = watched && ours[number].load(std::memory_order_relaxed);
  const bool to_default = wanted != nullptr && (wanted->sa_flags & SA_SIGINFO) == 0 && wanted->sa_handler == SIG_DFL;
  struct sigaction before{};
  const struct sigaction told = watched ? shown[number] : before;
  if (was_ours && (wanted == nullptr || to_default)) {
    // Ours stays; the program sees and sets its default. `wanted` may be the same object as `old`.
    if (wanted != nullptr) shown[number] = *wanted;
    if (old != nullptr) *old = told;
    return 0;
  }
  struct sigaction asked{};
  if (wanted != nullptr) asked = *wanted;
  if (real.sigaction(number, nullptr, &before) == 0) unwrap_handler(number, before);   // as the program knows it
  if (wanted != nullptr) wrap_handler(number, asked);
  const int result = real.sigaction(number, wanted == nullptr ? nullptr : &asked, nullptr);
  if (result != 0) return result;
  if (old != nullptr) *old = is_ours(before) ? told : before;
  if (wanted != nullptr && watched) {
    ours[number].store(false, std::memory_order_relaxed);
    if (to_default && runtime.state.load(std::memory_order_acquire) == State::kStarted && !runtime.options.supervised &&
        !in_unknown_child() && system_getpid() == runtime.pid) {
      shown[number] = asked;
      stand_in(number);
    }
  }
  return 0;
}

}  // namespace

namespace crossdep::runtime {

void watch_signals() noexcept {
  for (int number : kWatched) {
    struct sigaction now{};
    if (ours[number].load(std::memory_order_relaxed)) continue;
    if (real.sigaction(number, nullptr, &now) != 0 || (now.sa_flags & SA_SIGINFO) != 0 || now.sa_handler != SIG_DFL) continue;
    shown[number] = now;
    stand_in(number);
  }
}

}  // namespace crossdep::runtime

CROSSDEP_EXPORT int sigaction(int number, const struct sigaction* wanted, struct sigaction* old) noexcept {
  return change(number, wanted, old);
}

CROSSDEP_EXPORT sighandler_t signal(int number, sighandler_t handler) noexcept {
  if (real.signal == nullptr) find_real_functions();
  const bool mine = number > 0 && number < kMostSignals && ours[number].load(std::memory_order_relaxed);
  if (mine && handler == SIG_DFL) return SIG_DFL;
  const bool watched = number > 0 && number < kMostSignals && is_watched(number);
  if (handler == SIG_DFL && watched) {
    struct sigaction wanted{}, old{};
    wanted.sa_handler = SIG_DFL;
    wanted.sa_flags = SA_RESTART;
    if (change(number, &wanted, &old) != 0) return SIG_ERR;
    return old.sa_handler;
  }
  struct sigaction earlier{}, now{};
  if (real.sigaction(number, nullptr, &earlier) == 0) unwrap_handler(number, earlier);
  const sighandler_t before = real.signal(number, handler);
  if (before == SIG_ERR) return before;
  // Set once more, wrapped: with the flags that signal() chose.
  if (real.sigaction(number, nullptr, &now) == 0) {
    wrap_handler(number, now);
    real.sigaction(number, &now, nullptr);
  }
  if (!mine) return earlier.sa_handler;
  ours[number].store(false, std::memory_order_relaxed);
  return SIG_DFL;
}
