// SPDX-License-Identifier: MIT
//
// Decodes the event stream of one thread, a batch at a time: events, and beside each what must have happened elsewhere
// before it (its Step), which native_trace.cpp uses to merge the streams.
//
// A damaged or cut part ends where it cannot be understood; the next part begins afresh, after a kLost event.
//
// Threading: one thread.  Allocation: the heap; at most ~50 KiB a stream, whatever the file says.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "traces/container.h"
#include "traces/event.h"

namespace crossdep::traces {

/// Bits of Step::need.
enum Need : std::uint8_t {
  kNeedSeen = 1,      // `lock`'s count is at least `number`
  kNeedNumber = 2,    // `lock`'s count is number - 1, and becomes number
  kNeedTick = 4,      // the clock is tick - 1, and becomes tick
  kNeedClock = 8,     // the clock is at least `tick`
  kRare = 16,         // the event may name a second lock, define something, or carry a `special`
};

enum class Special : std::uint8_t {
  kNone,
  kInit,            // lock, class_id; number = address, number2 = kind | flags << 8
  kFork,            // peer = child, lock = its end
  kContextBegin,    // peer = parent, nested, number = tid, lock = its end, flags = 1: lived before
  kOperation,       // number, number2: offset and length of its name in Batch::text
};

struct Step {
  std::uint8_t need = 0;
  Special special = Special::kNone;
  std::uint32_t lock = 0;
  std::uint64_t number = 0;
  std::uint64_t tick = 0;
};

struct Batch {
  std::vector<Event> events;
  std::vector<Step> steps;
  std::vector<Site> frames;      // what kSetStack events point into
  std::string text;
  std::size_t size = 0;
};

class StreamDecoder {
 public:
  static constexpr std::size_t kBlock = 16 * 1024, kSmallBlock = 2 * 1024;

  /// `block`: how many bytes are read at a time.
  StreamDecoder(const Container& container, const Container::Stream& stream, std::size_t block = kBlock);

  /// Up to `capacity` further events; none (size 0): the stream is over.
  void fill(Batch& batch, std::size_t capacity);

  /// The thread ended the stream itself.
  bool complete() const { return complete_; }
  /// Pieces missing in the middle (each is a kLost event too).
  std::uint64_t holes() const { return holes_; }
  const Status& status() const { return status_; }

 private:
  struct Slot {
    std::uint32_t instance = 0;
    engine::Mode mode = engine::Mode::kWrite;
    std::uint8_t flags = 0;
    std::uint64_t number = 0, request_site = 0, release_site = 0;
  };
  /// Read ahead beyond the longest record, so that one record needs no bounds checks of its own.
  static constexpr std::size_t kPadding = 1024;
  static_assert(kPadding < kSmallBlock);

  bool next_part();
  bool load();
  bool decode(Batch& batch, std::size_t capacity);
  const std::uint8_t* decode_rare(const std::uint8_t* p, unsigned op, Batch& batch, Event& event, Step& step);
  void trouble(std::uint64_t offset, const char* cause);

  std::uint64_t varint(const std::uint8_t*& p);
  std::uint32_t small(const std::uint8_t*& p);
  std::uint32_t optional(const std::uint8_t*& p) { return static_cast<std::uint32_t>(small(p) - 1); }
  std::uint64_t step_from(std::uint64_t from, const std::uint8_t*& p);
  Site site(const std::uint8_t*& p) { return site_ = step_from(site_, p); }
  void tick(const std::uint8_t*& p, Step& step);
  void how(std::uint8_t byte, Event& event);

  const Container& container_;
  const Container::Stream& stream_;
  std::size_t block_;
  std::size_t part_ = 0;               // the next one
  std::uint32_t expected_ = 0;         // its ordinal
  bool lost_ = false;                  // something before the next event is missing
  bool complete_ = false;
  bool bad_ = false;                   // the record at hand is impossible
  std::uint64_t holes_ = 0;
  Container::Extent rest_;             // of the current part, not yet in the buffer
  std::vector<std::uint8_t> buffer_;
  std::size_t at_ = 0, end_ = 0;       // in the buffer
  std::uint64_t base_ = 0;             // file offset of buffer_[0]
  // As the writer keeps them (record/stream.h).
  std::vector<Slot> slots_;
  std::uint64_t tick_ = 0;
  bool clock_noted_ = false;           // kSeen stood before the event at hand
  Site site_ = 0;
  InstanceId last_request_ = kNone;
  Status status_;
};

}  // namespace crossdep::traces
