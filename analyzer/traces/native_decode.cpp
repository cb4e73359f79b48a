// SPDX-License-Identifier: MIT
//
// See native_decode.h. The hot records (request, acquired, release) are decoded in one loop; a record never spans the end
// of the buffer but where the part itself ends, because the last kilobyte of a block is read again with the next one.
//
// Threading: one thread.  Allocation: the heap.
#include "traces/native_decode.h"

#include <algorithm>

namespace crossdep::traces {

using record::EventOp;
using record::kMiss;
using record::kNumber;
using record::kOpMask;
using record::kPlace;
using record::kSlots;

StreamDecoder::StreamDecoder(const Container& container, const Container::Stream& stream, std::size_t block)
    : container_(container), stream_(stream), block_(block) {
  status_.file = container.path();
}

void StreamDecoder::trouble(std::uint64_t offset, const char* cause) {
  note_trouble(status_, Status::at_offset(Status::Outcome::kPartial, container_.path(), offset, cause));
}

inline std::uint64_t StreamDecoder::varint(const std::uint8_t*& p) {
  std::uint64_t value = *p++;
  if (value < 128) [[likely]] return value;
  value &= 127;
  for (unsigned shift = 7; shift < 64; shift += 7) {
    const std::uint64_t byte = *p++;
    value |= (byte & 127) << shift;
    if (byte < 128) return value;
  }
  bad_ = true;
  return 0;
}

inline std::uint32_t StreamDecoder::small(const std::uint8_t*& p) {
  const std::uint64_t value = varint(p);
  if (value > 0xffffffffu) bad_ = true;
  return static_cast<std::uint32_t>(value);
}

inline std::uint64_t StreamDecoder::step_from(std::uint64_t from, const std::uint8_t*& p) {
  const std::uint64_t coded = varint(p);
  return from + ((coded >> 1) ^ (0 - (coded & 1)));
}

inline void StreamDecoder::tick(const std::uint8_t*& p, Step& step) {
  tick_ = step_from(tick_, p);
  step.tick = tick_;
  step.need = static_cast<std::uint8_t>((step.need & ~kNeedClock) | kNeedTick | kRare);
}

inline void StreamDecoder::how(std::uint8_t byte, Event& event) {
  if ((byte & 3) > static_cast<unsigned>(engine::Mode::kRecursiveRead)) bad_ = true;
  event.mode = static_cast<engine::Mode>(byte & 3);
  event.flags = byte >> 2;
}

void StreamDecoder::fill(Batch& batch, std::size_t capacity) {
  batch.size = 0;
  batch.frames.clear();
  batch.text.clear();
  if (batch.events.size() < capacity + 1) {   // one more: a kLost before the first event of a part
    batch.events.resize(capacity + 1);
    batch.steps.resize(capacity + 1);
  }
  while (batch.size == 0) {
    if (at_ == end_ && !load() && !next_part()) return;
    decode(batch, capacity);
  }
  // Only now do the frames stay where they are.
  for (std::size_t i = 0; i < batch.size; ++i)
    if (batch.events[i].kind == EventKind::kSetStack)
      batch.events[i].frames = batch.frames.data() + batch.events[i].number2;
}

/// The next block of the current part; false: the part is over.
bool StreamDecoder::load() {
  if (rest_.begin >= rest_.end) return false;
  const std::size_t wanted = std::min<std::uint64_t>(rest_.end - rest_.begin, block_);
  if (buffer_.size() < wanted + kPadding) buffer_.resize(wanted + kPadding);
  base_ = rest_.begin;
  const std::size_t got = container_.read(base_, buffer_.data(), wanted);
  std::fill_n(buffer_.begin() + static_cast<std::ptrdiff_t>(got), kPadding, std::uint8_t{0});
  at_ = 0;
  end_ = got;
  rest_.begin += got;
  if (got < wanted) {
    trouble(base_ + got, "cannot be read");
    rest_.begin = rest_.end;
    lost_ = true;
  }
  return got > 0;
}

bool StreamDecoder::next_part() {
  while (part_ < stream_.parts.size()) {
    const Container::StreamPart& part = stream_.parts[part_++];
    if (part.ordinal != expected_) {
      trouble(part.extent.begin, "a part of an event stream before this one is missing");
      lost_ = true;
    }
    expected_ = part.ordinal + 1;
    rest_ = part.extent;
    slots_.assign(kSlots, Slot{});
    tick_ = 0;
    clock_noted_ = false;
    site_ = 0;
    last_request_ = kNone;
    if (load()) return true;
  }
  return false;
}

bool StreamDecoder::decode(Batch& batch, std::size_t capacity) {
  const bool last_block = rest_.begin >= rest_.end;
  const std::uint8_t* const data = buffer_.data();
  const std::uint8_t* const end = data + end_;
  // A record that begins before `stop` is wholly in the buffer, unless the part itself is cut.
  const std::uint8_t* const stop = last_block ? end : end - std::min(end_, kPadding);
  const std::uint8_t* p = data + at_;
  std::size_t n = 0;
  bad_ = false;

  if (lost_ && p < stop) {
    lost_ = false;
    ++holes_;
    batch.events[n] = Event{};
    batch.events[n].kind = EventKind::kLost;
    batch.events[n].context = stream_.context;
    batch.events[n].number = 1;
    batch.events[n].position = base_ + at_;
    batch.steps[n] = Step{};
    batch.steps[n].need = kRare;
    ++n;
  }
  const std::size_t limit = capacity + (n != 0 ? 1 : 0);
  const char* cause = nullptr;
  while (n < limit && p < stop) {
    const std::uint8_t* const begin = p;
    const unsigned first = *p++;
    const auto op = static_cast<EventOp>(first & kOpMask);
    Event& event = batch.events[n];
    Step& step = batch.steps[n];
    if (op >= EventOp::kRequest && op <= EventOp::kDowngrade) [[likely]] {
      event = Event{};
      event.context = stream_.context;
      event.position = base_ + static_cast<std::uint64_t>(begin - data);
      step.special = Special::kNone;
      step.tick = tick_;
      Slot* slot;
      if (op == EventOp::kAcquired) {
        slot = &slots_[last_request_ % kSlots];
        if ((first & (kMiss | kPlace)) != 0 || slot->instance != last_request_) bad_ = true;
      } else {
        const unsigned index = *p++;
        slot = &slots_[index];
        if ((first & kMiss) != 0) [[unlikely]] {
          const std::uint64_t high = varint(p);
          if (high > 0xffffffffu / kSlots) bad_ = true;
          *slot = Slot{};
          slot->instance = static_cast<std::uint32_t>(high * kSlots + index);
        }
      }
      event.lock = step.lock = slot->instance;
      if (op == EventOp::kRequest) {
        if ((first & kNumber) != 0) slot->number = step_from(slot->number, p);
        if ((first & kPlace) != 0) {
          how(*p++, event);
          slot->mode = event.mode;
          slot->flags = event.flags;
          slot->request_site = site(p);
        }
        event.kind = EventKind::kRequest;
        event.mode = slot->mode;
        event.flags = slot->flags;
        event.site = slot->request_site;
        step.need = clock_noted_ ? kNeedSeen | kNeedClock : kNeedSeen;
        clock_noted_ = false;
        last_request_ = slot->instance;
      } else if (op == EventOp::kFailed) {
        if ((first & (kNumber | kPlace)) != 0) bad_ = true;
        event.kind = EventKind::kFailed;
        step.need = kRare;
      } else {
        slot->number = slot->number + 1;
        if ((first & kNumber) != 0) slot->number = step_from(slot->number, p);
        step.need = kNeedNumber;
        if (op == EventOp::kAcquired || op == EventOp::kAcquiredOf) {
          if ((first & kPlace) != 0) {
            how(*p++, event);
            slot->mode = event.mode;
            slot->flags = event.flags;
            slot->request_site = site(p);
          }
          event.kind = EventKind::kAcquired;
          event.mode = slot->mode;
          event.flags = slot->flags;
          event.site = slot->request_site;
        } else {
          if ((first & kPlace) != 0) slot->release_site = site(p);
          event.kind = op == EventOp::kRelease ? EventKind::kRelease : EventKind::kDowngrade;
          event.site = slot->release_site;
        }
      }
      step.number = slot->number;
      ++n;
    } else if (op == EventOp::kSeen) {
      if (first > kOpMask) bad_ = true;
      tick_ += varint(p);
      clock_noted_ = true;
    } else if (op == EventOp::kEnd && first <= kOpMask) {
      complete_ = true;
      part_ = stream_.parts.size();
      p = end;
      rest_.begin = rest_.end;
      break;
    } else {
      event = Event{};
      event.context = stream_.context;
      event.position = base_ + static_cast<std::uint64_t>(begin - data);
      step = Step{};
      p = decode_rare(p, first, batch, event, step);
      ++n;
    }
    if (p > end || bad_) [[unlikely]] {
      cause = p > end ? "an event is cut short" : "an event has an impossible value";
      if (n > 0 && op != EventOp::kSeen) --n;
      trouble(base_ + static_cast<std::uint64_t>(begin - data), cause);
      lost_ = true;
      rest_.begin = rest_.end;
      p = end;
      break;
    }
  }
  batch.size = n;
  at_ = static_cast<std::size_t>(p - data);
  if (!last_block && cause == nullptr && !complete_ && p >= stop) {
    rest_.begin = base_ + at_;   // the tail again, with what follows it
    at_ = end_ = 0;
  }
  return n > 0;
}

const std::uint8_t* StreamDecoder::decode_rare(const std::uint8_t* p, unsigned op, Batch& batch, Event& event,
                                               Step& step) {
  step.need = kRare;
  const auto last_kind = static_cast<std::uint8_t>(engine::ContextKind::kLoader);
  const auto numbered = [&](InstanceId lock, std::uint64_t number) {
    step.lock = lock;
    step.number = number;
    step.need |= kNeedNumber;
  };
  const auto context_kind = [&](std::uint8_t byte) {
    if (byte > last_kind) bad_ = true;
    event.nested = static_cast<engine::ContextKind>(byte);
  };
  switch (static_cast<EventOp>(op)) {
    case EventOp::kRequestAs:
      event.kind = EventKind::kRequest;
      event.lock = small(p);
      event.class_id = optional(p);
      step.lock = event.lock;
      step.number = varint(p);
      step.need |= kNeedSeen;
      if (clock_noted_) step.need |= kNeedClock;
      clock_noted_ = false;
      step.tick = tick_;
      how(*p++, event);
      event.site = site(p);
      event.other = optional(p);
      last_request_ = kNone;
      break;
    case EventOp::kAcquiredAs:
      event.kind = EventKind::kAcquired;
      event.lock = small(p);
      event.class_id = optional(p);
      numbered(event.lock, varint(p));
      how(*p++, event);
      event.site = site(p);
      break;
    case EventOp::kInit: {
      step.special = Special::kInit;
      event.kind = EventKind::kReinit;
      event.lock = small(p);
      event.class_id = optional(p);
      const std::uint8_t kind = *p++;
      if (kind >= engine::kKindCount) bad_ = true;
      event.number2 = kind | static_cast<std::uint64_t>(*p++) << 8;
      event.number = varint(p);
      numbered(event.lock, varint(p));
      event.site = site(p);
      break;
    }
    case EventOp::kDestroy:
      event.kind = EventKind::kDestroy;
      event.lock = small(p);
      numbered(event.lock, varint(p));
      event.site = site(p);
      break;
    case EventOp::kMightLock:
    case EventOp::kAssertHeld:
    case EventOp::kSync:
      event.kind = op == static_cast<unsigned>(EventOp::kMightLock)    ? EventKind::kMightLock
                   : op == static_cast<unsigned>(EventOp::kAssertHeld) ? EventKind::kAssertHeld
                                                                       : EventKind::kSync;
      event.lock = small(p);
      how(*p++, event);
      event.site = site(p);
      break;
    case EventOp::kWaitBegin: {
      event.kind = EventKind::kWaitBegin;
      event.lock = small(p);
      event.other = optional(p);
      const std::uint64_t number = varint(p);
      if (event.other != kNone && number != 0) numbered(event.other, number);
      event.flags = *p++;
      tick(p, step);
      event.site = site(p);
      break;
    }
    case EventOp::kWaitEnd: {
      event.kind = EventKind::kWaitEnd;
      event.lock = small(p);
      event.peer = optional(p);
      event.flags = *p++ != 0 ? 0 : kFailedWait;
      event.other = optional(p);
      const std::uint64_t number = varint(p);
      if (event.other != kNone && number != 0) numbered(event.other, number);
      tick(p, step);
      event.site = site(p);
      break;
    }
    case EventOp::kSignal: {
      event.kind = EventKind::kSignal;
      event.lock = small(p);
      const std::uint32_t count = optional(p);
      event.number = count == kNone ? kAllWaits : count;
      tick(p, step);
      event.site = site(p);
      break;
    }
    case EventOp::kFork:
      step.special = Special::kFork;
      event.peer = small(p);
      event.lock = optional(p);
      tick(p, step);
      break;
    case EventOp::kJoinBegin:
      event.kind = EventKind::kJoinBegin;
      event.peer = small(p);
      event.flags = *p++;
      tick(p, step);
      event.site = site(p);
      break;
    case EventOp::kJoinEnd:
      event.kind = EventKind::kJoinEnd;
      event.peer = small(p);
      event.flags = *p++ != 0 ? 0 : kFailedWait;
      tick(p, step);
      break;
    case EventOp::kContextBegin:
      step.special = Special::kContextBegin;
      event.peer = optional(p);
      context_kind(*p++);
      event.number = varint(p);
      event.lock = optional(p);
      event.flags = *p++ != 0 ? 1 : 0;
      tick(p, step);
      break;
    case EventOp::kContextEnd:
      event.kind = EventKind::kContextEnd;
      tick(p, step);
      event.site = site(p);
      break;
    case EventOp::kEnter:
      event.kind = EventKind::kEnter;
      context_kind(*p++);
      event.number = varint(p);
      event.lock = optional(p);
      event.other = optional(p);
      tick(p, step);
      event.site = site(p);
      break;
    case EventOp::kLeave:
      event.kind = EventKind::kLeave;
      tick(p, step);
      event.site = site(p);
      break;
    case EventOp::kMask:
      context_kind(*p++);
      event.number = varint(p);
      event.kind = *p++ != 0 ? EventKind::kMask : EventKind::kUnmask;
      break;
    case EventOp::kOperation: {
      step.special = Special::kOperation;
      event.kind = EventKind::kOperation;
      event.site = site(p);
      const std::uint64_t length = varint(p);
      if (length > record::kMaxOperationName) {
        bad_ = true;
        break;
      }
      event.number = batch.text.size();
      event.number2 = length;
      batch.text.append(reinterpret_cast<const char*>(p), length);
      p += length;
      break;
    }
    case EventOp::kLost:
      event.kind = EventKind::kLost;
      event.number = varint(p);
      break;
    case EventOp::kStack: {
      event.kind = EventKind::kSetStack;
      const std::uint64_t count = varint(p);
      if (count > record::kMaxFrames) {
        bad_ = true;
        break;
      }
      event.number = count;
      event.number2 = batch.frames.size();
      for (std::uint64_t i = 0; i < count; ++i) batch.frames.push_back(site(p));
      break;
    }
    default:
      bad_ = true;
  }
  return p;
}

}  // namespace crossdep::traces
