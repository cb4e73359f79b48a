// SPDX-License-Identifier: MIT
//
// The common language of all trace readers: what a recorded program did, as plain events, and the definitions they refer
// to. A reader (native trace, text, ftrace ...) turns its format into these calls; a consumer (Replay, TextWriter,
// Validator) does not know which format they came from. They carry exactly the events of DESIGN §3.
//
// Numbers are dense, one space each for contexts, locks, classes, names and numbered sites, counted from 0 by the reader;
// a definition precedes its first use. A lock's number may be defined again after its kDestroy, a context's after its
// kContextEnd; nothing else is ever defined twice.
//
// Threading: one thread drives a consumer.  Ownership: string views and frame pointers are valid during the call only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/types.h"

namespace crossdep::traces {

using engine::ClassId;
using engine::ContextId;
using engine::InstanceId;
using engine::kNone;
using engine::Site;
using NameId = std::uint32_t;

/// What happened. Append only; the fields an event uses beside `kind`, `context`, `site` and `position` are named.
enum class EventKind : std::uint8_t {
  kContextEnd,   // the thread, task or process ended (its beginning is its definition)
  kEnter,        // a nested context begins: nested, number (signal), name (if not kNone), lock = work item, other = queue
  kLeave,        // it ends
  kMask,         // nested (and number for a signal): blocked from here on
  kUnmask,       //   ... allowed again
  kRequest,      // lock, class_id, mode, flags, other = nest lock: asks for it, may block here
  kAcquired,     // lock, class_id, mode, flags: got it
  kFailed,       // lock: the last request ended without it (a trylock that failed, a time that ran out)
  kRelease,      // lock
  kDowngrade,    // lock: write to read, still held
  kSync,         // lock, class_id, mode: waits for all holders, holds nothing
  kMightLock,    // lock, mode: could be asked for here
  kAssertHeld,   // lock, mode: is held here, says the code
  kReinit,       // lock, class_id: initialised again while it lives (its first initialisation is its definition)
  kDestroy,      // lock
  kFree,         // memory [number, number2) is freed: every lock in it ends
  kWaitBegin,    // lock = crosslock, class_id, other = mutex released by the wait, flags
  kWaitEnd,      // lock, peer = who released it or kNone; kFailedWait in flags when the wait ended without a signal
  kSignal,       // lock, number = waits it ends (kAllWaits: all)
  kJoinBegin,    // peer, flags: waits for its end
  kJoinEnd,      // peer; kFailedWait in flags when the wait ended by itself
  kOperation,    // name: a call a rule may forbid
  kRead, kWrite, // name or number (address): a data access
  kLost,         // number: so many events of this context are missing before here
  kSetStack,     // frames, number = how many: the stack of this context's next request, wait or signal
};

/// Beside engine::RequestFlag in Event::flags.
enum EventFlag : std::uint8_t {
  kFailedWait = 64,      // kWaitEnd, kJoinEnd: timed out or interrupted, no signal was consumed
  kUnjoined = 64,        // kContextEnd: nobody waits for its end, nothing more will be said of it
  kThreaded = 128,       // kEnter of a hardirq: threaded (its wait type is a sleeping-spinlock context)
};

inline constexpr std::uint64_t kAllWaits = ~std::uint64_t{0};

/// One event. Fields its kind does not name keep these defaults.
struct Event {
  EventKind kind = EventKind::kOperation;
  engine::Mode mode = engine::Mode::kWrite;
  std::uint8_t flags = 0;                                              // RequestFlag | EventFlag
  engine::ContextKind nested = engine::ContextKind::kThread;
  ContextId context = kNone;
  InstanceId lock = kNone;
  InstanceId other = kNone;
  ClassId class_id = kNone;                                            // kNone: the lock's own
  ContextId peer = kNone;
  NameId name = kNone;
  std::uint8_t wait_outer = 0, wait_inner = 0;                         // requested wait types, 0 = as the class
  Site site = 0;
  std::uint64_t number = 0, number2 = 0;
  const Site* frames = nullptr;
  std::uint64_t position = 0;                                          // line of a text format, else byte offset
};

struct ClassDefinition {
  ClassId id = kNone;
  engine::ClassKey key_kind = engine::ClassKey::kNamed;
  engine::Kind kind = engine::Kind::kOther;
  std::uint8_t subclass = 0;          // a class and its subclasses are definitions of their own
  std::uint8_t flags = 0;             // InstanceFlag that every instance has: kOrderAddress, kNestOk
  std::uint8_t wait_outer = 0, wait_inner = 0;
  std::uint32_t ordinal = 0;
  std::uint64_t key = 0;
  std::string_view name;
  const engine::Site* callers = nullptr;   // of the place `key`, from it outwards
  std::uint32_t caller_count = 0;
};

/// A new lock instance. Whoever initialised it is named where the format knows.
struct LockDefinition {
  InstanceId id = kNone;
  ClassId class_id = kNone;
  engine::Kind kind = engine::Kind::kOther;
  std::uint8_t flags = 0;             // InstanceFlag
  std::uint64_t address = 0;          // or the trace's own number
  std::string_view name;              // as the trace calls it; empty where locks have addresses only
  ContextId context = kNone;          // who initialised it
  Site site = 0;                      // where
  std::uint64_t position = 0;
};

/// A thread, task or process; its definition is its beginning and, with a parent, the create/fork edge.
struct ContextDefinition {
  ContextId id = kNone;
  ContextId parent = kNone;
  engine::ContextKind kind = engine::ContextKind::kThread;
  std::uint64_t tid = 0;
  std::string_view name;
  InstanceId end = kNone;             // the crosslock its end releases, if the trace defined one
  bool middle = false;                // it lived before the trace began: releases of locks never seen acquired are no error
  std::uint64_t position = 0;
};

/// A piece of code that was mapped: addresses in [begin, end) lie at offset + (address - begin) in the file.
struct ModuleDefinition {
  std::uint64_t begin = 0, end = 0, offset = 0, bias = 0;
  std::string_view path;
  std::string_view build_id;          // raw bytes
};

struct ProcessDefinition {
  std::uint64_t pid = 0;
  std::string_view executable;
  std::string_view arguments;         // separated by NUL
};

/// Two things a trace says that cannot both be true, found by its reader: `WHAT WHY EARLIER; CONSEQUENCE`.
struct Problem {
  std::uint64_t position = 0;         // of the second event
  std::string_view what;              // the second event: "T2 goes on"
  std::string_view why;               // what it contradicts, up to where that stands: "after T1 has joined it at"
  std::uint64_t earlier = 0;          // position of the first event, 0 = none
  std::string_view consequence;       // what becomes of the trace: "what it does from here on is left out"
};

class EventConsumer {
 public:
  virtual ~EventConsumer() = default;

  /// Locks held longer than so many nanoseconds are to be told by an operation `held-MSms@N` just before their release, N
  /// locks of that context having been taken later (rules/needs.h); 0: nobody asks. For formats with times.
  virtual std::uint64_t hold_limit() const { return 0; }

  virtual void on_class(const ClassDefinition&) = 0;
  virtual void on_lock(const LockDefinition&) = 0;
  virtual void on_context(const ContextDefinition&) = 0;
  virtual void on_event(const Event&) = 0;
  /// Many at once, for readers of dense formats. The events' definitions have been given before the call.
  virtual void on_events(const Event* events, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) on_event(events[i]);
  }

  /// A context's name became known or changed (comm of a task).
  virtual void on_context_name(ContextId, std::string_view) {}
  /// An operation's or variable's name.
  virtual void on_name(NameId, std::string_view) {}
  /// A site that is no address: its text, `FILE:LINE` or `SYMBOL+0xOFF`. Sites never described are return addresses.
  virtual void on_site(Site, std::string_view) {}
  virtual void on_module(const ModuleDefinition&) {}
  virtual void on_process(const ProcessDefinition&) {}
  /// One independent trace ends and the next, of this name, begins: nothing defined so far is valid any more.
  virtual void on_case(std::string_view) {}
  /// The text of a `%expect` line, for tests.
  virtual void on_expect(std::string_view) {}
  /// Something a reader of the results should know (classes that are names only, events missing), once each.
  virtual void on_note(std::string_view) {}
  /// The trace contradicts itself; the reader goes on as `consequence` says.
  virtual void on_problem(const Problem&) {}
};

}  // namespace crossdep::traces
