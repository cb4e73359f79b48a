// SPDX-License-Identifier: MIT
//
// The file a process leaves behind: the engine's output (classes, instances, contexts, stacks, dependencies, witnesses,
// findings) and the module table, record by record; in record mode also the chunks of the event streams (stream.h).
// FORMAT.md is the grammar.
//
// What is committed is in the file even after SIGKILL: chunks are shared mappings of the file, and a chunk's committed
// length is stored after each record. Space is reserved (fallocate) before it is mapped, so a full disk is an error code
// here and never a SIGBUS in the tested program. On any trouble the journal stops writing, says so once, and counts.
//
// Fork: the writable state lives in pages that the kernel wipes in a fork child, so a child - even one made by a raw
// clone() - finds a closed journal, never writes into its parent's file, and may open() one of its own.
//
// Threading: Sink calls, module() and finish() with the engine's Serialiser held; tick(), seen(), take() and give() from
// any thread. Not async-signal re-entrant: the caller keeps handlers out of a running call.
// Allocation: own mmap only. System calls are made directly (system.h); nothing here can be interposed.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "engine/sink.h"
#include "record/format.h"

namespace crossdep::record {

struct ProcessInfo {
  std::uint32_t pid, parent_pid;
  const char* executable;        // terminated; absolute
  const char* arguments;         // as in /proc/self/cmdline: each one terminated by a NUL
  std::uint32_t arguments_length;
};

struct ModuleSegment {
  std::uint64_t begin, end;      // addresses
  std::uint64_t file_offset;
};

struct ModuleInfo {
  std::uint32_t serial;          // the caller's number of this load, never used twice: 0, 1, 2 … in load order
  const char* path;              // terminated; empty for the vDSO
  const std::uint8_t* build_id;
  std::uint32_t build_id_length; // 0 if it has none
  std::uint64_t bias;            // address - link-time address (dlpi_addr)
  const ModuleSegment* segments; // its executable ranges
  std::uint32_t segment_count;
};

/// A mapped chunk and how far it is filled.
struct Window {
  ChunkHeader* chunk = nullptr;
  std::uint32_t used = 0;        // == chunk->committed
};

/// The system's words for the errors that writing a file has; nullptr for others.
const char* error_name(int error) noexcept;

class Journal final : public engine::Sink {
 public:
  using Tell = void (*)(const char* line, std::size_t length);   // gets one line, newline included

  /// Creates `path` (an old file there is replaced) and writes the process record. `tell` is where the one line on
  /// trouble goes; nullptr: standard error. False: told, closed, every other call does nothing.
  bool open(const char* path, const ProcessInfo& process, Tell tell = nullptr) noexcept;

  bool is_open() const noexcept { return state_ != nullptr && load_state() == kOpen; }
  /// Absolute if it was given so; "" before open().
  const char* path() const noexcept { return path_; }
  /// Unmaps and closes; no other thread may be in a call, no Stream open. The file stays.
  void close() noexcept;

  // --- engine::Sink ------------------------------------------------------------------------------------------------
  void on_class(const engine::ClassInfo&) noexcept override;
  void on_class_usage(engine::ClassId, std::uint8_t usage) noexcept override;
  void on_instance(const engine::InstanceInfo&) noexcept override;
  void on_context(const engine::ContextInfo&) noexcept override;
  void on_stack(engine::StackId, const engine::Site* frames, unsigned count) noexcept override;
  void on_dependency(const engine::DependencyInfo&) noexcept override;
  void on_witness(const engine::WitnessInfo&) noexcept override;
  void on_finding(const engine::FindingInfo&) noexcept override;

  // --- what the engine does not know ---------------------------------------------------------------------------------
  void module(const ModuleInfo&) noexcept;
  void module_unloaded(std::uint32_t serial) noexcept;
  /// The totals. May be called again: the last one counts.
  void finish(const engine::Losses& losses, std::uint64_t requests) noexcept;
  /// Records and chunks that could not be written, and strings or lists that were cut.
  std::uint64_t lost() const noexcept;

  // --- the order of events across threads (see stream.h) ------------------------------------------------------------
  /// The next number of the process-wide clock: 1, 2, 3 …
  std::uint64_t tick() noexcept;
  /// The last number given out. One relaxed load.
  std::uint64_t seen() const noexcept { return clock() == nullptr ? 0 : clock()->load(std::memory_order_relaxed); }
  const std::atomic<std::uint64_t>* clock() const noexcept;

  // --- chunks for event streams ---------------------------------------------------------------------------------------
  /// A window with room for a new segment of `stream`, the segment entered in its directory; chunk == nullptr: none to be
  /// had. `fresh` asks for an empty chunk (the stream has just filled one).
  Window take(std::uint32_t stream, std::uint32_t ordinal, bool fresh) noexcept;
  /// Back to the pool for the next thread, or unmapped if too full.
  void give(Window window) noexcept;

 private:
  enum : std::uint32_t { kClosed = 0, kOpen = 1, kBroken = 2 };
  struct State;   // in wiped-on-fork pages

  std::uint32_t load_state() const noexcept;
  ChunkHeader* map_chunk(ChunkKind kind) noexcept;
  bool extend(std::uint32_t chunks) noexcept;
  bool check_descriptor() noexcept;
  void fail(const char* what, int error) noexcept;
  void put_process(const ProcessInfo& process) noexcept;
  void append(const std::uint8_t* record, std::uint32_t size) noexcept;
  friend class RecordWriter;

  State* state_ = nullptr;
  Tell tell_ = nullptr;
  char path_[4096] = {};
};

}  // namespace crossdep::record
