// SPDX-License-Identifier: MIT
//
// What the text of one splat says, in the splat's own terms: filled line by line by splat_parser.h, turned into findings by
// findings_of() (splat_findings.cpp) when it is over.
//
// Threading: a value.  Allocation: the heap.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "traces/printed.h"

namespace crossdep::traces {

enum class SplatKind : std::uint8_t {
  kNone, kCircular, kRecursive, kInconsistent, kInversion, kIrqOrder, kBadUnlock, kBadContention, kFreed, kReturnHeld,
  kExitHeld, kWaitContext, kSleeping, kRcu, kNestedNotTaken, kWarning, kMisuse, kLimit, kDept, kForkHeld,
};

/// Which splat a title line begins; kNone if it begins none. With or without brackets, `WARNING:`, `INFO:` or `BUG:`.
SplatKind splat_kind(std::string_view line);

struct Splat {
  struct Entry {                      // "-> #i CLASS:" and the stack behind it
    PrintedLock lock;
    PrintedStack stack;
  };
  struct Side {                       // one context of a DEPT report
    std::string start, wait, event;   // [S] [W] [E], as printed: function(class:subclass)
    PrintedStack wait_stack, event_stack;
  };

  SplatKind kind = SplatKind::kNone;
  std::uint64_t line = 0;             // of its title in the log
  std::string title, release;
  bool beginless = false;             // its title is missing: the log begins in the middle of it
  bool displaced = false;             // something else begins where it should go on
  bool followed = false;              // by lines that are not its own: whoever copied it left its end out
  bool reached_trace = false;         // "stack backtrace:" or "Call Trace:"
  bool turned_off = false;            // "turning off the locking correctness validator"

  PrintedContext task;
  PrintedLock requested, held_lock;   // "is trying to acquire lock", "already holding lock"
  std::map<unsigned, Entry> chain;
  bool by_crosslock = false, sync = false;
  std::vector<std::pair<std::string, engine::Mode>> scenario;   // CPU0's column: what is locked, and how
  std::vector<std::string> chain_of;          // "Chain exists of: A --> B --> C"

  // Interrupt rules.
  std::string first_state, second_state;      // inconsistent {first} -> {second}
  PrintedStack first_stack;                   // "state was registered at"
  std::string interrupt;
  PrintedLock other;                          // the class at the other end of the rule
  bool other_is_safe = false;
  PrintedLock safe, unsafe;                   // lock order: the classes that became so ...
  PrintedStack safe_stack, unsafe_stack;      // ... and where
  std::vector<Entry> first_path, second_path; // shortest dependencies, printed from the far end to the root
  bool whole_paths = true;                    // false: the older layout, which lists all dependencies instead

  std::vector<PrintedLock> held;
  unsigned held_promised = 0;                 // "2 locks held by"
  std::uint64_t range_begin = 0, range_end = 0;
  std::string place, message;                 // kRcu, kWarning, kMisuse: file.c:12 and what is said of it
  PrintedStack backtrace;
  std::vector<Side> sides;                    // kDept

  // Our own splats (the ident line begins "crossdep").
  bool ours = false;
  std::string our_verdict, our_reason, our_check, our_lock;
  std::set<std::string> crosslocks;
  struct Story {                              // who waits [W], who requests [S], who releases [E]
    PrintedContext waiter, releaser;
    PrintedStack wait_stack, request_stack, release_stack;
    bool history = false;
  };
  std::map<std::string, Story> stories;       // by the crosslock's name
};

/// What the splat's text amounts to; several for several locks leaked. Empty for what is no finding (kLimit), and where too
/// little is left of it.
std::vector<PrintedFinding> findings_of(const Splat& splat);

/// Whether something that belongs to it is missing, and what; empty if it is whole.
std::string missing_in(const Splat& splat);

}  // namespace crossdep::traces
