// SPDX-License-Identifier: MIT
//
// hang_timeout: who waits for whom, printed once when threads are blocked and no lock event has happened in the process
// for that long; and the same on request (SIGQUIT). A process that does nothing because it has nothing to do may look the
// same: the report is no finding and changes no exit status.
//
// Threading: start_watchdog() while the runtime starts.  Allocation: pages for its stack.
#pragma once

namespace crossdep::runtime {

/// A thread of the kernel's, not of the C library's, that watches; if the option is set.
void start_watchdog() noexcept;
/// Prints who is blocked, if anybody is. For a signal handler.
void report_blocked_now() noexcept;

}  // namespace crossdep::runtime
