// SPDX-License-Identifier: MIT
//
// How the benchmarks take time: processor time, and the best of a few rounds, since noise only ever adds.
//
// Threading: none of its own.  Allocation: none.
#pragma once

#include <time.h>

namespace crossdep::bench {

/// Seconds of this thread's processor time: what else runs on the machine does not count.
inline double now() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

template <class F>
double best_of(int rounds, F&& run) {
  double best = 1e9;
  for (int i = 0; i < rounds; ++i) {
    const double start = now();
    run();
    const double took = now() - start;
    if (took < best) best = took;
  }
  return best;
}

}  // namespace crossdep::bench
