// SPDX-License-Identifier: MIT
//
// The calls that let time pass, as operations: nothing is waited for, so they order nothing, but a rule may forbid them
// while a lock is held. They are cancellation points: none of these may be noexcept.
//
// Threading: any thread.  Allocation: none here.
#include <time.h>
#include <threads.h>

#include "interpose/operation.h"

using namespace crossdep::runtime;

CROSSDEP_EXPORT unsigned sleep(unsigned seconds) {
  perform("sleep", CROSSDEP_CALLER);
  return call_real(real.sleep, seconds);
}
CROSSDEP_EXPORT int usleep(useconds_t microseconds) {
  perform("usleep", CROSSDEP_CALLER);
  return call_real(real.usleep, microseconds);
}
CROSSDEP_EXPORT int nanosleep(const timespec* wanted, timespec* rest) {
  perform("nanosleep", CROSSDEP_CALLER);
  return call_real(real.nanosleep, wanted, rest);
}
CROSSDEP_EXPORT int clock_nanosleep(clockid_t clock, int flags, const timespec* wanted, timespec* rest) {
  perform("clock_nanosleep", CROSSDEP_CALLER);
  return call_real(real.clock_nanosleep, clock, flags, wanted, rest);
}
CROSSDEP_EXPORT int thrd_sleep(const timespec* wanted, timespec* rest) {
  perform("thrd_sleep", CROSSDEP_CALLER);
  return call_real(real.thrd_sleep, wanted, rest);
}
