// SPDX-License-Identifier: MIT
//
// Reads what a kernel shows of its own lockdep graph, and judges it:
//
//   /proc/lockdep          ADDRESS [OPS: n] FD: n BD: n USAGE: NAME       a class
//                           -> [ADDRESS] NAME                             a lock requested next while it was held
//   /proc/lockdep_chains   irq_context: hardirq                           then the locks of one chain, outermost first:
//                          [ADDRESS] NAME
//
// Classes are told apart by address, or by name where the kernel hides addresses (all zero). The usage characters of
// /proc/lockdep become the interrupt's dependencies (engine/interrupts.cpp). There are no modes, contexts, stacks or
// instances in it, and a chain also lists what was only tried for: cycles are candidates, `possible` and said to be so. The
// engine is driven by import_dependency(), not by events: the file holds the graph, not what made it.
//
// Threading: one thread.  Allocation: the heap, O(classes + dependencies).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/sink.h"
#include "traces/line_source.h"
#include "traces/status.h"

namespace crossdep::traces {

struct ProcLockdepFacts {
  std::uint64_t requests = 0;        // sum of OPS; where that is not printed, the number of dependencies
  std::uint64_t skipped = 0;         // lines that fit nowhere (the console's, in a listing taken from it)
  bool hashed = false;               // no addresses: classes are known by name
  engine::Losses losses{};
};

/// Gives the classes, dependencies and cycles to `sink`.
Status read_proc_lockdep(LineSource& source, const std::string& file, engine::Sink& sink, ProcLockdepFacts& facts);

bool looks_like_proc_lockdep(std::string_view line);

}  // namespace crossdep::traces
