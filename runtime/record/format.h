// SPDX-License-Identifier: MIT
//
// The numbers of the container file: what FORMAT.md describes in words. Writer (runtime/record) and reader
// (analyzer/traces) both include this file and nothing else of each other.
//
// A file is a row of 64 KiB chunks. Chunk 0 is the file header; every other chunk is empty, a piece of the journal, or
// pieces (segments) of event streams. All integers are little endian.
//
// Threading: constants and plain data.  Allocation: none.
#pragma once

#include <cstddef>
#include <cstdint>

namespace crossdep::record {

inline constexpr char kMagic[8] = {'c', 'r', 'o', 's', 's', 'd', 'e', 'p'};
inline constexpr std::uint16_t kVersionMajor = 1;   // a reader refuses a newer one
inline constexpr std::uint16_t kVersionMinor = 2;   // additions a reader of the same major version may skip
inline constexpr std::uint32_t kChunkSize = 64 * 1024;
inline constexpr std::uint32_t kChunkMagic = 0x4b434443;   // "CDCK"
inline constexpr std::uint32_t kSegmentCapacity = 60;

/// Flags of the file header.
enum FileFlag : std::uint32_t {
  kHasEvents = 1,   // at least one event stream was opened (record mode)
};

struct FileHeader {
  char magic[8];
  std::uint16_t major, minor;
  std::uint32_t header_size;       // of this struct
  std::uint32_t chunk_size;
  std::uint32_t flags;             // FileFlag
  std::uint32_t pid, parent_pid;
  std::uint64_t start_time;        // wall clock, ns since 1970
  std::uint32_t check;             // over the bytes before it except `flags`: see header_check()
  std::uint32_t chunk_count;       // chunks handed out so far, this one included; grows while the file is written
};
static_assert(sizeof(FileHeader) == 48);

/// A stretch of one event stream inside a chunk; it ends where the next one begins, or at `committed`.
struct Segment {
  std::uint32_t stream;            // the ContextId of the thread
  std::uint32_t ordinal;           // 0, 1, 2 … within the stream
  std::uint32_t begin;             // offset in the chunk
  std::uint32_t time;              // wall clock at its begin, ms since FileHeader::start_time
};

enum class ChunkKind : std::uint32_t { kJournal = 1, kEvents = 2 };

struct ChunkHeader {
  std::uint32_t magic;
  std::uint32_t index;             // its own position: file offset / chunk_size
  ChunkKind kind;
  std::uint32_t ordinal;           // journal chunks: 0, 1, 2 …; event chunks: 0
  std::uint32_t committed;         // bytes valid, this header included; stored (release) after each record
  std::uint32_t segment_count;     // entries valid; stored (release) after each entry
  std::uint32_t reserved[10];
  Segment segments[kSegmentCapacity];
};
static_assert(sizeof(ChunkHeader) == 1024);

/// FNV-1a over the header's fixed fields; catches a damaged or half-written header.
constexpr std::uint32_t header_check(const FileHeader& header) {
  std::uint32_t hash = 2166136261u;
  auto mix = [&hash](std::uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; ++i) hash = (hash ^ static_cast<std::uint8_t>(value >> (8 * i))) * 16777619u;
  };
  for (char c : header.magic) mix(static_cast<std::uint8_t>(c), 1);
  mix(header.major, 2);
  mix(header.minor, 2);
  mix(header.header_size, 4);
  mix(header.chunk_size, 4);
  mix(header.pid, 4);
  mix(header.parent_pid, 4);
  mix(header.start_time, 8);
  return hash;
}

// --- the journal: records of  varint(length of the rest) op field*  ------------------------------------------------

enum class JournalOp : std::uint8_t {
  kProcess = 1, kModule, kUnload, kClass, kClassUsage, kInstance, kContext, kStack, kDependency, kWitness, kFinding, kFinish,
};
inline constexpr std::uint32_t kMaxJournalRecord = 48 * 1024;   // longer strings and lists are cut, and counted as lost

// --- an event stream: records of  op field*  -------------------------------------------------------------------------

/// A record's first byte; the hot ones carry flag bits above it.
enum class EventOp : std::uint8_t {
  kEnd = 1,          // the stream is complete
  kRequest, kAcquired, kAcquiredOf, kFailed, kRelease, kDowngrade,     // hot: may carry kMiss, kNumber, kPlace
  kSeen,             // the clock's value changed
  kRequestAs, kAcquiredAs, kInit, kDestroy,
  kWaitBegin, kWaitEnd, kSignal, kFork, kJoinBegin, kJoinEnd, kContextBegin, kContextEnd,
  kEnter, kLeave, kMask, kOperation, kLost, kStack, kMightLock, kAssertHeld, kSync,
};
inline constexpr std::uint8_t kOpMask = 31;
inline constexpr std::uint8_t kMiss = 0x80;     // the slot now means another instance: varint(instance / 256)
inline constexpr std::uint8_t kNumber = 0x40;   // zigzag(number - the expected one)
inline constexpr std::uint8_t kPlace = 0x20;    // how (requests only), zigzag(site - last site)

/// `how`: a mode and request flags in one byte.
constexpr std::uint8_t pack_how(unsigned mode, unsigned flags) { return static_cast<std::uint8_t>(mode | flags << 2); }

inline constexpr std::uint32_t kSlots = 256;            // instances a stream remembers: slot = instance % 256
inline constexpr std::uint32_t kMaxEvent = 64;          // bytes of the longest event, kStack and kOperation apart
inline constexpr std::uint32_t kMaxFrames = 64;
inline constexpr std::uint32_t kMaxOperationName = 255;

/// What both sides remember of an instance between two events of one segment; zero at the segment's begin.
struct Slot {
  std::uint32_t instance;
  std::uint8_t how;
  std::uint64_t number;            // of the last event (or the value last seen by a request)
  std::uint64_t request_site, release_site;
};

}  // namespace crossdep::record
