// SPDX-License-Identifier: MIT
//
// Small spellings every report shares: numbers, places, contexts, plurals.
//
// Threading: pure functions.  Allocation: the heap.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "reports/graph.h"

namespace crossdep::reports {

/// "0x1f"
std::string hex(std::uint64_t number);
/// The text with control characters as \xNN: a name from a trace must not write lines of its own.
std::string printable(std::string_view text);
/// "000000000000001f", as the kernel prints an address.
std::string address(std::uint64_t number);
/// "symbol+0xoff/0xlen [module]", the kernel's %pS; "module+0xoff" or "0xoff" where the symbol is unknown,
/// "file.c:12" where only that is known.
std::string symbol(const Frame& frame);
/// symbol() and, as decoders of kernel logs add it, " (file.c:12)"; with directories if `full_path`.
std::string symbol_and_place(const Frame& frame, bool full_path);
/// "file.c:12" (without directories) if known, else symbol().
std::string short_place(const Frame& frame);
/// short_place() of a site's own frame; "an unknown place" for none.
std::string short_place(const Graph& graph, Index site);
/// "comm/tid", the kernel's spelling of a task.
std::string context_name(const Graph& graph, Index context);
/// In single quotes if a shell would take it apart.
std::string shell_word(const std::string& text);
/// "1 lock", "2 locks"
std::string count_of(std::uint64_t count, const char* noun);
/// "{+.+.}" without the braces.
std::string usage_characters(std::uint8_t usage);
/// What the finding's context held: locks, and what it runs for (its own end, its work item) only if the finding is
/// about that.
std::vector<Held> shown_locks(const Finding& finding);
/// The file name without directories.
std::string base_name(const std::string& path);
/// The frames to show: libraries' are left out unless `verbose` or there are no others.
std::vector<Index> shown_frames(const Graph& graph, Index stack, bool verbose);
/// Index into `frames` of the first frame of this stack that is not a library's; kNoIndex for an empty stack.
Index own_frame(const Graph& graph, Index stack);
/// As own_frame(), but the function that a call was inlined into: what the kernel's %pS would name.
Index own_function(const Graph& graph, Index stack);

}  // namespace crossdep::reports
