// SPDX-License-Identifier: MIT
//
// A finding as another tool printed it (the kernel's lockdep, ThreadSanitizer, Helgrind, crossdep itself): in words, as far
// as its text tells. The readers of such texts make these; printed_sink.h brings them to the engine's Sink, by the same
// door as the engine's own findings.
//
// Threading: values.  Allocation: the heap.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/sink.h"

namespace crossdep::traces {

/// Nobody, if both name and number are unknown.
struct PrintedContext {
  std::string name;
  std::uint64_t tid = 0;
  engine::ContextKind kind = engine::ContextKind::kTask;

  bool known() const { return !name.empty() || tid != 0; }
};

/// Places, innermost first, each as reports/site_text.h understands it.
using PrintedStack = std::vector<std::string>;

/// One lock, and the way it is or was to be held; its class is told by name, subclass and kind. A key_kind of kInitSite or
/// kFirstSite without a name is named by the place `made_at`.
struct PrintedLock {
  std::string name;
  std::string made_at;
  std::uint32_t ordinal = 0;                    // of the objects first requested there, see engine::ClassKey::kFirstSite
  std::uint8_t subclass = 0;
  engine::Kind kind = engine::Kind::kOther;
  engine::ClassKey key_kind = engine::ClassKey::kNamed;
  std::uint8_t usage = 0;                       // engine::Usage
  std::uint8_t wait_outer = 0, wait_inner = 0;
  std::uint64_t address = 0;                    // 0: no instance is known
  engine::Mode mode = engine::Mode::kWrite;
  std::string site;                             // where it was got or asked for, empty if unknown

  bool known() const { return !name.empty() || !made_at.empty(); }
};

/// X -> Y with all that is printed of it.
struct PrintedLink {
  PrintedLock from, to;
  std::uint8_t flags = 0;                       // engine::RequestFlag of the request
  engine::Origin origin = engine::Origin::kHeld;
  PrintedContext context;                       // who requested Y
  PrintedStack stack;                           // where
  PrintedContext waiter;                        // event dependencies: who waited for X, ...
  PrintedStack wait_stack, release_stack;       // ... where, and where it was released
};

struct PrintedFinding {
  engine::Check check = engine::Check::kLockOrderCycle;
  engine::Verdict verdict = engine::Verdict::kPossible;
  std::string said;                             // why, without the verdict: "reported by ..."
  std::string tool;                             // who printed it: "lockdep of Linux 6.1.192"
  std::uint64_t line = 0;                       // of its first line in the log
  PrintedContext context;
  PrintedLock lock;                             // the lock concerned, the one requested
  PrintedLock other;                            // recursive-lock: the one held
  std::vector<PrintedLink> links;               // the cycle; [0] closes it, [i].to is [i+1].from. Empty where it is no cycle
  std::vector<PrintedLink> more;                // dependencies that are printed but no part of a whole cycle
  std::vector<PrintedLock> held;                // outermost first
  PrintedStack stack;
  std::string site;                             // of the finding, if it is not stack.front()
  bool at_commit = false;
  std::uint64_t range_begin = 0, range_end = 0; // destroy-held: memory freed
};

/// What a log reader has to say: findings, and remarks for the user about the log as a whole.
struct PrintedConsumer {
  std::function<void(const PrintedFinding&)> on_finding;
  std::function<void(const std::string&)> on_note;
};

}  // namespace crossdep::traces
