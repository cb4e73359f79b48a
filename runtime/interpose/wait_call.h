// SPDX-License-Identifier: MIT
//
// The shape of an interposed call that waits for a crosslock: begin, the real call, end - also when the thread is
// cancelled in it: glibc has the condition variable's mutex again before it runs the cleanup handlers, and so must we.
//
// Threading: any thread; the guard is not held while waiting.  Allocation: none.
#pragma once

#include <pthread.h>

#include "interpose/lock_call.h"

namespace crossdep::runtime {

struct Waiting {
  LockInstance* crosslock = nullptr;
  LockInstance* mutex = nullptr;
  Site site = 0;
};

inline void end_wait(const Waiting& waiting, bool matched) noexcept {
  if (Inside inside = Inside::enter()) wait_end(inside, waiting.crosslock, waiting.mutex, matched, waiting.site);
}
inline void wait_cancelled(void* waiting) noexcept { end_wait(*static_cast<Waiting*>(waiting), false); }

/// Calls function(arguments...) between the two events; wait_begin() was called. The result is judged by `matched`.
template <typename Matched, typename Function, typename... Arguments>
auto wait_call(Waiting& waiting, Matched matched, Function& function, Arguments... arguments) {
  decltype(function(arguments...)) result;
  pthread_cleanup_push(wait_cancelled, &waiting);
  result = call_real(function, arguments...);
  pthread_cleanup_pop(0);
  end_wait(waiting, matched(result));
  return result;
}

}  // namespace crossdep::runtime
