// SPDX-License-Identifier: MIT
//
// The end of a process, in all its forms: exit handlers, _exit, quick_exit, a signal, exec. The journal gets its totals
// and, unless `crossdep run` does it, is turned into the graph file.
//
// Threading: the first caller does it, others return at once.  Allocation: none.
#pragma once

namespace crossdep::runtime {

/// The hooks that run when the process ends regularly; as early as possible, so that they run last.
void install_exit_hooks() noexcept;

enum class Ending { kHandlers, kImmediate, kSignal, kHalt, kExec };

/// Writes what there is to write.
void finish(Ending how) noexcept;
/// The status to end with: the program's own, or `exitcode` if that is 0 and there are findings.
int final_status(int status) noexcept;
/// For _exit() and its like: finish() and final_status() in one.
int finish_now(int status) noexcept;
/// halt_on_finding: ends the process here and now, its results written. Returns only where it is not ours to end.
void halt() noexcept;
/// quick_exit() was called with this status: its handlers are not told.
void note_quick_exit(int status) noexcept;
/// A fork child has its own end still before it.
void finished_in_child() noexcept;

}  // namespace crossdep::runtime
