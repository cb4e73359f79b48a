// SPDX-License-Identifier: MIT
//
// How long locks are held, measured only if a rule limits it (max_hold): nobody else pays for a clock. A time beyond the
// shortest limit becomes an operation just before the release, "held-126ms@0", the number of locks taken after this one
// behind the @; which class may be held how long is judged where rules are (rules/evaluate.cpp).
//
// Threading: a table per thread.  Allocation: pages, kept until the thread ends.
#pragma once

#include "core/thread.h"

namespace crossdep::runtime {

/// Gives this thread a table if it needs one.
void open_hold_times(ThreadState&) noexcept;
void close_hold_times(ThreadState&) noexcept;

/// A clock for all of this, in nanoseconds.
std::int64_t hold_clock() noexcept;

void begin_hold(HoldTimes&, engine::LockInstance*) noexcept;
/// What this thread holds was held for so much longer because we printed or judged: that is not its fault.
void excuse_holds(ThreadState&, std::int64_t nanoseconds) noexcept;
/// Before the lock is released: tells if it was held for too long.
void end_hold(Token, HoldTimes&, engine::LockInstance*, engine::Site) noexcept;

}  // namespace crossdep::runtime
