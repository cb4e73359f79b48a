// SPDX-License-Identifier: MIT
//
// See container.h. One pass over the chunk headers (1 KiB of each 64), all by pread: a mapped file that somebody
// truncates would be a SIGBUS.
//
// Threading: one thread.  Allocation: the heap.
#include "traces/container.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace crossdep::traces {

using record::ChunkHeader;
using record::FileHeader;
using record::kChunkSize;

Container::~Container() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool Container::sniff(std::string_view first_bytes) {
  const std::string_view magic(record::kMagic, sizeof record::kMagic);
  return first_bytes.substr(0, magic.size()) == magic;
}

std::size_t Container::read(std::uint64_t offset, void* buffer, std::size_t size) const {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = ::pread(descriptor_, static_cast<char*>(buffer) + done, size - done,
                                static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

Status Container::open(const std::string& path) {
  path_ = path;
  if (descriptor_ >= 0) ::close(descriptor_);
  journal_.clear();
  streams_.clear();
  stream_index_.clear();
  header_ = {};
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor_ < 0) return Status::fail(path, std::string("cannot open: ") + std::strerror(errno));
  struct stat info{};
  if (::fstat(descriptor_, &info) != 0) return Status::fail(path, std::string("cannot read: ") + std::strerror(errno));
  if (S_ISDIR(info.st_mode)) return Status::fail(path, "is a directory, not a trace");
  if (!S_ISREG(info.st_mode)) return Status::fail(path, "is not a regular file: a binary trace cannot be read from a pipe");
  size_ = static_cast<std::uint64_t>(info.st_size);
  if (size_ == 0) return Status::fail(path, "is empty");

  const std::size_t got = read(0, &header_, sizeof header_);
  if (got < std::min<std::uint64_t>(size_, sizeof header_))
    return Status::at_offset(Status::Outcome::kFailed, path, got, std::string("cannot read: ") + std::strerror(errno));
  const auto fail = [&](std::uint64_t offset, std::string cause) {
    return Status::at_offset(Status::Outcome::kFailed, path, offset, std::move(cause));
  };
  if (std::memcmp(header_.magic, record::kMagic, std::min(got, sizeof header_.magic)) != 0)
    return fail(0, "not a crossdep trace");
  if (got < sizeof header_)
    return fail(got, "the file header is cut short (" + std::to_string(got) + " of " +
                         std::to_string(sizeof header_) + " bytes)");
  if (header_.major > record::kVersionMajor)
    return fail(8, "trace version " + std::to_string(header_.major) + "." + std::to_string(header_.minor) +
                       " is newer than this program reads (" + std::to_string(record::kVersionMajor) + ".x)");
  if (header_.major == 0 || header_.header_size < sizeof header_ || header_.chunk_size != kChunkSize ||
      header_.check != record::header_check(header_))
    return fail(0, "the file header is damaged");

  Status status;
  status.file = path;
  scan(status);
  return status;
}

void Container::scan(Status& status) {
  const std::uint64_t whole = std::uint64_t{header_.chunk_count} * kChunkSize;
  std::map<std::uint32_t, Extent> journal;
  for (std::uint64_t offset = kChunkSize; offset < size_; offset += kChunkSize) scan_chunk(offset, status, journal);
  if (size_ < whole)
    note_trouble(status, Status::at_offset(Status::Outcome::kPartial, path_, size_,
                                           "cut short: " + std::to_string(whole) + " bytes were written"));

  std::uint32_t expected = 0;
  for (const auto& [ordinal, extent] : journal) {
    if (ordinal != expected) {
      note_trouble(status, Status::at_offset(Status::Outcome::kPartial, path_, extent.begin,
                                             "a part of the journal before this one is missing"));
      break;
    }
    journal_.push_back(extent);
    ++expected;
  }
  std::sort(streams_.begin(), streams_.end(), [](const Stream& a, const Stream& b) { return a.context < b.context; });
  for (Stream& stream : streams_)
    std::stable_sort(stream.parts.begin(), stream.parts.end(),
                     [](const StreamPart& a, const StreamPart& b) { return a.ordinal < b.ordinal; });
}

void Container::scan_chunk(std::uint64_t offset, Status& status, std::map<std::uint32_t, Extent>& journal) {
  ChunkHeader chunk;
  const auto trouble = [&](std::uint64_t at, std::string cause) {
    note_trouble(status, Status::at_offset(Status::Outcome::kPartial, path_, at, std::move(cause)));
  };
  const std::size_t got = read(offset, &chunk, sizeof chunk);
  if (got < sizeof chunk) return trouble(offset + got, "a chunk's header is cut short");
  if (chunk.magic == 0) return;   // reserved, not used yet
  const bool journal_chunk = chunk.kind == record::ChunkKind::kJournal;
  if (chunk.magic != record::kChunkMagic || chunk.index != offset / kChunkSize ||
      (!journal_chunk && chunk.kind != record::ChunkKind::kEvents))
    return trouble(offset, "a chunk's header is damaged; the chunk is skipped");
  std::uint32_t committed = chunk.committed;
  if (committed < sizeof chunk || committed > kChunkSize) {
    trouble(offset + offsetof(ChunkHeader, committed), "a chunk's length is damaged");
    if (committed < sizeof chunk) return;
    committed = kChunkSize;
  }
  if (committed > size_ - offset) {
    committed = static_cast<std::uint32_t>(size_ - offset);
    trouble(size_, "cut short in the middle of a chunk");
  }
  if (journal_chunk) {
    if (!journal.emplace(chunk.ordinal, Extent{offset + sizeof chunk, offset + committed}).second)
      trouble(offset + offsetof(ChunkHeader, ordinal), "two chunks claim the same part of the journal");
    return;
  }
  std::uint32_t count = chunk.segment_count;
  if (count > record::kSegmentCapacity) {
    trouble(offset + offsetof(ChunkHeader, segment_count), "a chunk's directory is damaged");
    count = record::kSegmentCapacity;
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    const record::Segment& segment = chunk.segments[i];
    // The last segment ends at the committed length; one entered but not begun when the process was killed is empty.
    const std::uint32_t end = i + 1 < count ? std::min(chunk.segments[i + 1].begin, committed) : committed;
    if (segment.begin < sizeof chunk || segment.begin > kChunkSize || (i + 1 < count && end < segment.begin)) {
      trouble(offset + offsetof(ChunkHeader, segments) + i * sizeof segment, "a chunk's directory is damaged");
      continue;
    }
    if (segment.begin > end) continue;   // lies behind the cut
    const StreamPart part{{offset + segment.begin, offset + end}, segment.ordinal, segment.time};
    auto at = stream_index_.try_emplace(segment.stream, streams_.size());
    if (at.second) streams_.push_back({segment.stream, {}});
    streams_[at.first->second].parts.push_back(part);
  }
}

}  // namespace crossdep::traces
