// SPDX-License-Identifier: MIT
//
// The graph every output is a view of: classes, dependencies with witnesses, findings, and the runs they come from, all
// names resolved. It is what a *.cdgraph file holds. Cross references are indices into the vectors below, kNoIndex is
// "none"; a Graph can be copied, compared and merged as a value.
//
// Made by graph_builder.h (from the engine's calls), json.h (from a file) or merge.h (from other graphs).
//
// Threading: a value, no state of its own.  Allocation: the heap.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/sink.h"
#include "engine/types.h"
#include "symbols/frame.h"

namespace crossdep::reports {

/// Version of the file format. A reader refuses a greater one.
inline constexpr unsigned kSchemaVersion = 1;

using Index = std::uint32_t;
inline constexpr Index kNoIndex = 0xffffffffu;

using symbols::Frame;

/// Frames, innermost first. A site is a stack of one place (more than one frame if calls are inlined there).
using Stack = std::vector<Index>;   // into Graph::frames

/// One process (or one recorded trace) that contributed.
struct Run {
  std::string id;              // names this run and no other: see make_run_id()
  std::string tool;            // "crossdep 0.1.0"
  std::string source;          // "live", or the name of the trace it was read from
  std::uint64_t pid = 0, parent_pid = 0;
  std::string executable;
  std::vector<std::string> arguments;
  std::uint64_t started_ns = 0;      // since the epoch, 0 if unknown
  bool ended = false;                // false: no end was recorded (killed, or a cut trace)
  std::int32_t exit_status = 0;      // as a shell would see it: 128+n for a signal
  engine::Losses losses{};
  std::uint64_t requests = 0;        // lock requests and waits
  std::uint64_t contexts = 0, instances = 0;   // how many there were; the graph keeps those its evidence names

};

struct Context {
  Index run = kNoIndex;
  std::uint64_t tid = 0;
  engine::ContextKind kind = engine::ContextKind::kThread;
  std::string name;
  std::uint32_t number = 0;          // in its run; tells apart contexts with a number used again

  auto operator<=>(const Context&) const = default;
};

struct Instance {
  Index run = kNoIndex;
  Index class_index = kNoIndex;
  engine::Kind kind = engine::Kind::kOther;
  std::uint8_t flags = 0;            // engine::InstanceFlag
  std::uint64_t address = 0;
  std::uint32_t number = 0;          // in its run; tells apart instances with an address used again

  auto operator<=>(const Instance&) const = default;
};

/// Identity across graphs is (base, kind, subclass).
struct Class {
  std::string base;                  // without subclass
  engine::Kind kind = engine::Kind::kOther;
  std::uint8_t subclass = 0;
  std::string name;                  // as printed, unique in its graph: base, "/subclass"
  engine::ClassKey key_kind = engine::ClassKey::kNamed;
  std::uint8_t usage = 0;            // engine::Usage bits
  std::uint8_t wait_outer = 0, wait_inner = 0;
};

struct Held {
  Index instance = kNoIndex, class_index = kNoIndex;
  engine::Mode mode = engine::Mode::kWrite;
  std::uint8_t flags = 0;            // engine::RequestFlag
  bool pseudo = false;
  Index site = kNoIndex;             // into Graph::stacks

  auto operator<=>(const Held&) const = default;
};

/// One concrete occurrence of a dependency. Fields as in engine::WitnessInfo; sites and stacks are into Graph::stacks.
struct Witness {
  Index run = kNoIndex;
  engine::Origin origin = engine::Origin::kHeld;
  engine::Mode from_mode = engine::Mode::kWrite, to_mode = engine::Mode::kWrite;
  std::uint8_t flags = 0;
  Index context = kNoIndex;          // who is to release X and requested Y
  Index from = kNoIndex, to = kNoIndex;                  // instances
  Index from_site = kNoIndex, to_site = kNoIndex;
  Index to_stack = kNoIndex;
  Index waiter = kNoIndex;           // the context whose wait on X was matched
  Index wait_site = kNoIndex, wait_stack = kNoIndex;
  Index release_stack = kNoIndex;
  std::uint64_t ordinal = 0;
  std::vector<Held> held;            // outermost first

  auto operator<=>(const Witness&) const = default;
};

/// A way in which a dependency was seen; the set of them decides which cycles count.
struct DependencyMode {
  engine::Origin origin = engine::Origin::kHeld;
  engine::Mode from_mode = engine::Mode::kWrite, to_mode = engine::Mode::kWrite;
  bool timed = false;

  auto operator<=>(const DependencyMode&) const = default;
};

/// Kept per dependency: the first few runs by id, and of each its first few witnesses by value, so that the union of
/// graphs keeps the same ones in whatever order it is made.
inline constexpr std::size_t kRunsKept = 4;
inline constexpr std::size_t kWitnessesKept = 4;
inline constexpr std::size_t kOperationWitnessesKept = 64;   // of a dependency on an operation: rules ask for each

struct Dependency {
  Index from = kNoIndex, to = kNoIndex;        // classes
  std::vector<DependencyMode> modes;           // sorted, unique
  std::vector<Index> runs;                     // sorted, unique, at most kRunsKept
  std::vector<Witness> witnesses;              // sorted, unique, at most kWitnessesKept of each run
};

/// One link of a cycle, with the evidence it was judged by.
struct Link {
  Index from = kNoIndex, to = kNoIndex;        // classes
  Witness witness;

  auto operator<=>(const Link&) const = default;
};

struct Finding {
  std::string id;                    // "cd-" and 12 hex digits, from class names and roles
  engine::Check check = engine::Check::kLockOrderCycle;
  engine::Verdict verdict = engine::Verdict::kPossible;
  std::string reason_code;           // see reason.h
  std::string reason;                // one sentence without the verdict
  bool from_union = false;           // no run saw it whole: its links come from several runs
  // What the runs alone said, where the union of runs raised the verdict; empty code: not raised.
  engine::Verdict run_verdict = engine::Verdict::kPossible;
  std::string run_reason_code, run_reason;

  std::vector<Index> classes;        // cycle order, splat's #0 first; the class concerned if it is no cycle
  std::vector<Link> links;           // links[0] closes the cycle, links[i].to is classes[i]

  // The request (or commit, release, destruction) that completed it.
  Index run = kNoIndex;
  Index context = kNoIndex;
  Index instance = kNoIndex;
  engine::Mode mode = engine::Mode::kWrite;
  Index site = kNoIndex, stack = kNoIndex;
  std::uint64_t address = 0;         // of the site, as recorded
  bool at_commit = false;
  Index other = kNoIndex;            // instance already held (recursive-lock, rules)
  Index other_stack = kNoIndex;      // where that was acquired, if known
  std::uint64_t range_begin = 0, range_end = 0;
  std::vector<Held> held;            // outermost first

  auto operator<=>(const Finding&) const = default;
};

/// A place in the source that acquires, waits or signals: what joins a run's locks, which have no names there, with the
/// classes the source names.
struct LockSite {
  std::string file;
  std::uint32_t line = 0, column = 0;
  std::string function;
  Index class_index = kNoIndex;
  engine::Mode mode = engine::Mode::kWrite;
  std::string operation;             // "acquire", "wait", "signal"

  auto operator<=>(const LockSite&) const = default;
};

struct Graph {
  unsigned schema = kSchemaVersion;
  std::string tool;                  // what wrote it: "crossdep 0.1.0"
  std::vector<Run> runs;
  std::vector<Frame> frames;
  std::vector<Stack> stacks;
  std::vector<Class> classes;
  std::vector<Context> contexts;
  std::vector<Instance> instances;
  std::vector<Dependency> dependencies;
  std::vector<Finding> findings;
  std::vector<LockSite> lock_sites;

  engine::Losses losses() const;     // of all runs together
  std::uint64_t requests() const;    // of all runs together; 0 means that nothing was recorded
  const Finding* find(const std::string& id) const;
};

/// 16 hex digits from what tells a run from any other (source, pid, start time, executable, arguments).
std::string make_run_id(const Run& run);

// Words of the graph file, the same in text, JSON and dot.
const char* word(engine::Mode mode);
const char* word(engine::Kind kind);
const char* word(engine::Origin origin);
const char* word(engine::Verdict verdict);
const char* word(engine::ContextKind kind);
const char* word(engine::ClassKey key);
/// false if there is no such word.
bool parse(std::string_view text, engine::Mode& out);
bool parse(std::string_view text, engine::Kind& out);
bool parse(std::string_view text, engine::Origin& out);
bool parse(std::string_view text, engine::Verdict& out);
bool parse(std::string_view text, engine::ContextKind& out);
bool parse(std::string_view text, engine::ClassKey& out);

}  // namespace crossdep::reports
