// SPDX-License-Identifier: MIT
//
// Barriers. Everybody who has to arrive is a releaser of those who wait already, so an arrival is both: a release, which
// commits what this thread requested since they began to wait, and a wait of its own. Which arrival was the last is chance.
//
// Threading: any thread.  Allocation: none here.
#include "interpose/wait_call.h"

using namespace crossdep::runtime;
using crossdep::engine::Kind;
using crossdep::engine::kNone;

namespace {

struct Barrier {
  using Object = pthread_barrier_t;
  static constexpr Kind kKind = Kind::kBarrier;
  static constexpr int kDone = 0;
  static std::uint8_t flags(const Object*) noexcept { return 0; }
};

}  // namespace

CROSSDEP_EXPORT int pthread_barrier_init(pthread_barrier_t* barrier, const pthread_barrierattr_t* attributes,
                                         unsigned count) noexcept {
  return initialise<Barrier>(real.pthread_barrier_init, CROSSDEP_CALLER, barrier, attributes, count);
}
CROSSDEP_EXPORT int pthread_barrier_destroy(pthread_barrier_t* barrier) noexcept {
  return destroy<Barrier>(real.pthread_barrier_destroy, CROSSDEP_CALLER, barrier);
}
CROSSDEP_EXPORT int pthread_barrier_wait(pthread_barrier_t* barrier) noexcept {
  Waiting waiting;
  waiting.site = CROSSDEP_CALLER;
  if (Inside inside = Inside::enter()) {
    waiting.crosslock = instance_of<Barrier>(inside, barrier, waiting.site);
    signal(inside, waiting.crosslock, kNone, waiting.site);
    wait_begin(inside, waiting.crosslock, nullptr, 0, waiting.site);
  }
  const int result = call_real(real.pthread_barrier_wait, barrier);
  // Whoever destroys it right after has got here: the instance is asked for again.
  if (waiting.crosslock != nullptr && identity.find(barrier) == waiting.crosslock)
    end_wait(waiting, result == 0 || result == PTHREAD_BARRIER_SERIAL_THREAD);
  return result;
}
