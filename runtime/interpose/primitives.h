// SPDX-License-Identifier: MIT
//
// A program's own primitives, named by a rule file: functions that acquire, release, wait or signal.
//
// Threading: load_primitives() while alone; watch_new_modules() from any thread.  Allocation: none; tables of fixed size.
#pragma once

namespace crossdep::runtime {

/// Has the rule files read (core/rule_needs.h), and comes between their primitives and whoever calls them.
void load_primitives() noexcept;
/// Modules were loaded: their calls too.
void watch_new_modules() noexcept;
/// For the end of the process: a line if there are primitives and no call of any can be seen.
void tell_unseen_primitives() noexcept;

}  // namespace crossdep::runtime
