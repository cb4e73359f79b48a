// SPDX-License-Identifier: MIT
//
// Opens a trace or journal file (runtime/record/FORMAT.md) and finds its chunks. The content is read by
// native_journal.h and native_trace.h.
//
// Nothing in the file is trusted: sizes are clamped to what is there, a chunk that contradicts itself is skipped, and the
// first trouble is kept as the status. Memory is proportional to the number of chunks (24 bytes a segment), never to what
// a damaged length claims.
//
// Threading: one thread.  Allocation: the heap.  Errors: Status, no exceptions.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "record/format.h"
#include "traces/status.h"

namespace crossdep::traces {

class Container {
 public:
  /// A stretch of bytes in the file.
  struct Extent {
    std::uint64_t begin = 0, end = 0;
  };
  struct StreamPart {
    Extent extent;
    std::uint32_t ordinal = 0;
    std::uint32_t time = 0;        // ms since header().start_time
  };
  /// One context's event stream: its parts in order. A hole in the ordinals is a piece that is missing.
  struct Stream {
    std::uint32_t context = 0;
    std::vector<StreamPart> parts;
  };

  Container() = default;
  ~Container();
  Container(const Container&) = delete;
  Container& operator=(const Container&) = delete;

  /// True if a file that begins like this is (or claims to be) such a file.
  static bool sniff(std::string_view first_bytes);

  /// kFailed: nothing can be read. kPartial: something is missing or damaged, the rest can be read.
  Status open(const std::string& path);

  const std::string& path() const { return path_; }
  const record::FileHeader& header() const { return header_; }
  std::uint64_t size() const { return size_; }
  /// Recorded with event streams (whether or not one holds an event).
  bool has_events() const { return (header_.flags & record::kHasEvents) != 0 || !streams_.empty(); }

  /// The journal's chunks, in order, without a hole: what follows a missing one cannot be understood.
  const std::vector<Extent>& journal() const { return journal_; }
  /// Ordered by context number.
  const std::vector<Stream>& streams() const { return streams_; }

  /// Up to `size` bytes from `offset`; fewer only at the end of the file or on an error.
  std::size_t read(std::uint64_t offset, void* buffer, std::size_t size) const;

 private:
  void scan(Status& status);
  void scan_chunk(std::uint64_t offset, Status& status, std::map<std::uint32_t, Extent>& journal);

  std::string path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
  record::FileHeader header_{};
  std::vector<Extent> journal_;
  std::vector<Stream> streams_;
  std::unordered_map<std::uint32_t, std::size_t> stream_index_;   // while scanning
};

/// Keeps the first trouble: the one that explains the others.
inline void note_trouble(Status& status, Status trouble) {
  if (status.ok()) status = std::move(trouble);
}

}  // namespace crossdep::traces
