// SPDX-License-Identifier: MIT
//
// How the benchmarks take time: seconds of the steady clock, and the best of a few rounds, since noise only ever adds.
//
// Threading: none of its own.  Allocation: none.
#pragma once

#include <chrono>

namespace crossdep::bench {

inline double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
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
