// SPDX-License-Identifier: MIT
//
// The one door to recorded traces: recognises what a file is by its content and runs the reader for it.
//
// What cannot be a trace is refused with one line that says why: a directory, an unreadable or empty file, a newer
// version, foreign content. `-` is standard input. What xz, gzip or zstd compressed is unpacked on the way.
//
// Threading: one thread.  Allocation: the first 64 KiB of the file; then the reader's. Standard input that turns out to be
// a binary trace is copied to memory, since that format is not read front to back.
#pragma once

#include <string>
#include <string_view>

#include "traces/event.h"
#include "traces/native_trace.h"
#include "traces/printed.h"
#include "traces/proc_lockdep.h"
#include "traces/status.h"
#include "traces/unpacker.h"

namespace crossdep::traces {

enum class Format {
  kUnknown,
  kNative,      // crossdep's binary file: a trace if it holds events, else the journal of a run
  kText,        // text trace, *.cdt
  kFtrace,      // the kernel's ftrace text
  kPerf,        // text of `perf script`
  kTraceDat,    // trace-cmd's trace.dat
  kLttng,       // LTTng-UST's pthread events: a CTF folder, or the text babeltrace2 makes of it
  kRapid,       // RAPID's standard text
  kRapidBinary, // and its binary form
  kLog,         // what another tool printed: a kernel log, ThreadSanitizer's or Helgrind's output
  kLockdep,     // /proc/lockdep or /proc/lockdep_chains
  kGraph,       // a graph (JSON): no trace, but accepted beside traces by the commands
};

/// The name used by --format.
std::string_view format_name(Format format);
/// kUnknown if there is no such format; some have a second name (the file's usual ending, for instance).
Format format_by_name(std::string_view name);
/// All names, separated by `, `.
std::string format_names();

/// An open file and what it seems to be.
class TraceFile {
 public:
  TraceFile() = default;
  ~TraceFile();
  TraceFile(const TraceFile&) = delete;
  TraceFile& operator=(const TraceFile&) = delete;

  /// Opens `path` and recognises it. `forced` is believed instead of the content unless it is kUnknown.
  Status open(const std::string& path, Format forced = Format::kUnknown);

  Format format() const { return format_; }
  /// What is read from: a file, a pipe; -1 before open().
  int descriptor() const { return fd_; }
  /// The name for messages: the path, or `standard input`.
  const std::string& name() const { return name_; }
  /// A path that can be opened again (for standard input: a copy).
  const std::string& path() const { return path_; }
  /// Everything in it, for formats that are read at once.
  Status read_all(std::string& content);

  /// Reading ends early once `*stop` is true (looked at now and then); it must outlive the reading.
  void stop_when(const bool* stop) { stop_ = stop; }

  /// What Event::position counts in this file.
  Status::Unit position_unit() const {
    return format_ == Format::kNative || format_ == Format::kRapidBinary ? Status::Unit::kOffset : Status::Unit::kLine;
  }

  /// Gives all events to `consumer`; `facts` says more of a native trace. Fails for a graph, and for a native file without
  /// events (a journal: read_journal).
  Status read_events(EventConsumer& consumer, TraceFacts* facts = nullptr);
  /// Gives all findings of a log to `consumer`.
  Status read_findings(PrintedConsumer& consumer);
  /// Gives the classes, dependencies and cycles of /proc/lockdep or /proc/lockdep_chains to `sink`.
  Status read_lockdep(engine::Sink& sink, ProcLockdepFacts& facts);
  /// Its beginning is no text.
  bool is_binary() const;

 private:
  Status copy_input();
  Status unpack(const char* program);
  Status read_format(EventConsumer& consumer, TraceFacts* facts);

  const bool* stop_ = nullptr;
  int fd_ = -1;
  bool owned_ = false;
  bool is_input_ = false;
  bool is_folder_ = false;
  Unpacker unpacker_;
  Format format_ = Format::kUnknown;
  std::string name_, path_, prefix_;
};

/// What the first bytes of a file make it; `cause` is set for kUnknown.
Format recognise(std::string_view first_bytes, std::string& cause);

}  // namespace crossdep::traces
