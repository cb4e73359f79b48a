// SPDX-License-Identifier: MIT
//
// The one runtime of a process: options, engine, journal, and the order in which they come to life and end.
//   loaded   - prepare(): real functions, options, exit hooks. At our constructor, or before it if somebody calls first.
//   started  - at the first lock event (at once under `crossdep run`): engine, journal, module table.
//   off      - by option, in a privileged program, or where something failed: everything is forwarded unobserved.
//
// Thread safety: state() and engine() from any thread; the rest as said at each function.
// Allocation: Memory, own pages.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/futex_lock.h"
#include "core/options.h"
#include "core/sink.h"
#include "core/thread.h"
#include "engine/engine.h"
#include "record/journal.h"

namespace crossdep::runtime {

enum class State : std::uint32_t { kUnloaded, kLoaded, kStarted, kOff };

/// Where the process's output goes. Paths are absolute from start-up on: the program may change its folder.
struct Places {
  Path graph, journal, log, self, helper, executable, suppressions;
  static constexpr unsigned kMostRules = 16;
  Path rules;                           // each file's name with a terminator of its own
  const char* rule_files[kMostRules] = {};
  unsigned rule_count = 0;
  bool headings = false;                // each finding in the log gets the heading that ctest counts
};

class Serial final : public engine::Serialiser {
 public:
  /// Signals are blocked meanwhile: a handler must not run, nor jump away, while the engine is held.
  void lock() noexcept override;
  /// Prints what was found under it, once it is free.
  void unlock() noexcept override;
  bool try_lock() noexcept;
  void free_in_child() noexcept { lock_.free_in_child(); }
  /// For a thread of ours that has no thread-local data, makes no findings and has every signal blocked.
  void lock_alone() noexcept { lock_.lock(); }
  void unlock_alone() noexcept { lock_.unlock(); }

 private:
  FutexLock lock_;
};

struct Runtime {
  std::atomic<State> state{State::kUnloaded};
  int pid = 0;
  bool secure = false;
  Options options;
  Places places;
  Serial serial;
  FutexLock start_lock;
  // What rules need to be observed beside everything else (rules/needs.h).
  bool io_wanted = false;
  std::int64_t hold_limit = 0;          // milliseconds; 0: how long a lock is held does not matter
  record::Journal journal;
  Sink sink;
  alignas(engine::Engine) unsigned char engine_storage[sizeof(engine::Engine)] = {};
};
extern constinit Runtime runtime;

inline engine::Engine& engine_of_process() noexcept {
  return *reinterpret_cast<engine::Engine*>(runtime.engine_storage);
}

/// Brings the process to kLoaded; cheap if it is already. Any thread, before main too.
void prepare() noexcept;
/// Brings it to kStarted; false if it is off. Inside or Quiet must be held.
bool start() noexcept;
/// Off for good, with a line saying why.
void turn_off(const char* why) noexcept;

/// True in a process made by fork or clone behind our back (or in front of us, until become_child()).
bool in_unknown_child() noexcept;
/// A fork child starts anew: new engine, new journal; the locks this thread holds are held in it too.
void become_child(ThreadState& self) noexcept;
void mark_own_process() noexcept;

/// Gives the calling thread its context, as a thread whose creation was not seen.
bool attach_thread(ThreadState& self) noexcept;
/// Opens the calling thread's event stream if the run is recorded.
void open_stream(ThreadState& self, engine::ContextId parent, engine::InstanceId end, bool middle) noexcept;
void close_stream(ThreadState& self) noexcept;
/// In a fork child: no stream is in use.
void restart_streams() noexcept;
/// Registers `self` for end_thread() when its thread ends, after the destructors of its other thread-specific data.
void watch_thread_end(ThreadState& self) noexcept;
void prepare_thread_ends() noexcept;
/// Ends the calling thread's context; it is not observed any more.
void end_thread(engine::Site site) noexcept;

}  // namespace crossdep::runtime
