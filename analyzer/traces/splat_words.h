// SPDX-License-Identifier: MIT
//
// The pieces splats are made of, of every kernel since 2.6.17 and of crossdep: lock and class texts, stack frames, who runs.
//
//   lock    ffffffffa00025b0 (NAME){+.+.}-{4:4}, at: SITE             from 4.16; -{outer:inner} from 5.7
//            (NAME){+.+.+.}, at: [<ffffffff81065f81>] SITE            before; {--..} in 2.6
//   NAME    name#version/subclass; the version stays part of the name
//   frame   [<ffffffff81065f81>] ? symbol+0x1/0x2 [module]  file.c:12 [inline] or (file.c:12 other.h:3) behind, by decoders;
//           the kernel's `?` marks what was found on the stack without being part of the call chain
//   usage   one character for each of hardirq, softirq (before 4.14 also reclaim) and write, read
//
// Threading: pure functions.  Allocation: std::string.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "traces/printed.h"

namespace crossdep::traces {

std::string_view trimmed(std::string_view text);
bool has(std::string_view text, std::string_view word);
/// What stands between the two, which both must be there; empty otherwise.
std::string between(std::string_view text, std::string_view begin, std::string_view end);
/// The number directly behind the first `words` in `text`; 0 if there is none.
std::uint64_t number_behind(std::string_view text, std::string_view words, int base = 10);

/// ` (NAME){usage}-{o:i}` with or without what follows; `text` becomes what stands behind it. False: no class there.
bool parse_class(std::string_view& text, PrintedLock& out);
/// A lock's line; the address and the place may be missing.
bool parse_lock(std::string_view line, PrintedLock& out);
/// Sets name, subclass and kind from a name as printed.
void set_printed_name(std::string_view name, PrintedLock& out);

/// A frame as reports/site_text.h reads it; empty if the line is none. `reliable` is false behind a `?`.
std::string parse_frame(std::string_view line, bool& reliable);
/// What decoders put behind a frame, alone: "fs/inode.c:12 [inline]" -> " (fs/inode.c:12) [inline]"; empty if it is no such.
std::string parse_place(std::string_view text);
/// The function of such a text, empty if it has none.
std::string_view function_of(std::string_view site);
/// Functions that only carry a request or a report: locking, lockdep, printing. The place meant lies above them.
bool is_carrier(std::string_view function);
/// Functions that only take or release a lock: kernels that do not inline them print them as the place.
bool is_lock_function(std::string_view function);
/// Functions that give memory back, their allocator's inner ones too.
bool is_free_function(std::string_view function);
/// Functions that allocate it.
bool is_allocation_function(std::string_view function);
/// The first of the stack that is no carrier, nor one of the kind passed over; the first if there is none.
enum class PassedOver : std::uint8_t { kNothing, kFreeing, kAllocating };
std::string own_place(const PrintedStack& stack, PassedOver what = PassedOver::kNothing);

/// "insmod/40" at the front of `text`, which ends there or goes on with a blank; the name may hold both. False: none.
bool parse_task(std::string_view text, std::string_view before, PrintedContext& out);
/// "CPU: 0 PID: 40 Comm: insmod Not tainted ...", "Pid: 40, comm: insmod Not tainted 2.6.32": the task and, if printed, the
/// kernel's release.
bool parse_cpu_line(std::string_view line, PrintedContext& out, std::string& release);

/// "IN-HARDIRQ-W", "HARDIRQ-ON-R", old "in-hardirq-W": which interrupt, inside or enabled, and the mode. False: none.
struct UsageWord {
  std::string interrupt;         // "(hardirq)", "(softirq)", "(signal)", "(reclaim_fs)"
  bool inside = false;
  engine::Mode mode = engine::Mode::kWrite;
};
bool parse_usage_word(std::string_view word, UsageWord& out);
/// "HARDIRQ-irq-safe", "hard-safe", "SOFTIRQ-READ-unsafe", ...: which interrupt is meant, empty if none.
std::string interrupt_in(std::string_view text);

/// The class of an interrupt's end: `(hardirq)`.
PrintedLock interrupt_lock(const std::string& name);

}  // namespace crossdep::traces
