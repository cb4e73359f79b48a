// SPDX-License-Identifier: MIT
//
// The probes that tell what a kernel's stock tracepoints do not: the class of a lock (key, subclass), the kind of reader, the
// nest lock and the caller of each acquisition; waits and signals of completions, semaphores and wait queues.
//
// One line a probe, in the syntax of tracefs' dynamic_events and kprobe_events (Documentation/trace/kprobetrace.rst). Events are
// named after their functions, which is how they are told where a format prints addresses only (kernel_details.cpp).
//
// Threading: pure functions.  Allocation: strings.
#pragma once

#include <string>
#include <string_view>

namespace crossdep::traces {

/// x86_64, arm64, and their other names (amd64, aarch64).
bool kernel_probes_know(std::string_view arch);
/// All that kernel_probes_know(), for messages.
std::string_view kernel_probe_archs();

/// The definitions. Arguments are $argN (Linux 4.20), or with `registers` the architecture's registers. Empty for an unknown one.
std::string kernel_probes(std::string_view arch, bool registers);

}  // namespace crossdep::traces
