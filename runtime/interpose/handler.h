// SPDX-License-Identifier: MIT
//
// Signal handlers as contexts of their own: a program's handler is called through ours, which tells the engine when it
// begins and ends.
//
// Threading: sigaction() of one signal in two threads at once is the program's own race.  Allocation: none.
#pragma once

#include <signal.h>

namespace crossdep::runtime {

/// `asked` is about to be set for `number`: where it has a handler, ours takes its place and the program's is kept.
void wrap_handler(int number, struct sigaction& asked) noexcept;
/// `found` is what the system says is set: where that is ours, what the program set.
void unwrap_handler(int number, struct sigaction& found) noexcept;

}  // namespace crossdep::runtime
