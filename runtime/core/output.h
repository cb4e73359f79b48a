// SPDX-License-Identifier: MIT
//
// What the runtime says, and to whom: lines of its own, and findings, which it has the analyzer program print
// (`crossdep render JOURNAL --finding N`) - the runtime itself never symbolises. Without that program a short raw text
// is printed and the journal is left, which every command of the analyzer accepts.
//
// Standard error is written to only while it is still the file it was at start: a daemon that has closed it and got the
// number for something else never finds our text there.
//
// Threading: any thread; findings are printed one at a time.  Allocation: pages for the helper's stack, given back.
#pragma once

#include <cstddef>

#include "core/sink.h"
#include "core/text.h"

namespace crossdep::runtime {

/// Notes what standard error is. Once, at start.
void remember_standard_error() noexcept;
/// One line to standard error or the log; `Line` must end in a newline.
void say(const char* line, std::size_t length) noexcept;
template <std::size_t kCapacity>
void say(const Text<kCapacity>& line) noexcept { say(line.data(), line.length()); }

/// Prints these findings now, and halts if that is wanted. No lock of the runtime may be held.
void print_findings(const Pending& findings) noexcept;
/// Has the rules judge all that is known, and prints what they find that was not printed before; halts if that is wanted.
/// Unless it is, no more than a tenth of the time goes into this: what is passed over now is judged at the next news or at
/// the end. No lock of the runtime may be held.
void judge_by_rules() noexcept;
/// Prints who is blocked: `list` as core/watchdog.cpp has it, `seconds` of standstill or 0. Touches no thread-local data.
void print_blocked(const char* list, unsigned count, unsigned seconds) noexcept;
/// Has the journal turned into the graph file `path` (nullptr: only judged) and, where there are rules, what they find
/// printed; false if that could not be done.
bool write_graph(const char* path) noexcept;
/// Returns once the findings that are being printed are, and what is suppressed of them does not count any more.
void wait_for_printing() noexcept;
/// The event that this thread's findings came from is recorded.
void finding_recorded() noexcept;
/// Returns once that holds for all other threads, or after some seconds: the record is to be judged like the run.
void wait_for_recording() noexcept;
/// In a fork child: nobody is printing.
void restart_output() noexcept;

}  // namespace crossdep::runtime
