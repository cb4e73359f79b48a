// SPDX-License-Identifier: MIT
//
// The rarer events of a stream and the way from one chunk to the next. Every segment begins with empty memory (slots,
// last site, clock), so that it can be read without the one before it.
//
// Threading: the stream's own thread.  Allocation: none.
#include "record/stream.h"

namespace crossdep::record {

bool Stream::open(Journal& journal, ContextId context) noexcept {
  close();
  journal_ = &journal;
  clock_ = journal.clock();
  context_ = context;
  ordinal_ = 0;
  dropped_ = 0;
  opened_ = true;
  return begin_segment(false);
}

void Stream::close() noexcept {
  opened_ = false;
  if (cursor_ == nullptr) return;
  // kMaxEvent bytes are free behind `limit_`, so there is room for one byte even in a full chunk.
  std::uint8_t* q = cursor_;
  *q++ = static_cast<std::uint8_t>(EventOp::kEnd);
  commit(q);
  journal_->give({chunk_, chunk_->committed});
  cursor_ = limit_ = nullptr;
  chunk_ = nullptr;
}

bool Stream::begin_segment(bool fresh) noexcept {
  const Window window = journal_->take(context_, ordinal_, fresh);
  chunk_ = window.chunk;
  if (chunk_ == nullptr) {
    cursor_ = limit_ = nullptr;
    return false;
  }
  ++ordinal_;
  auto* const base = reinterpret_cast<std::uint8_t*>(chunk_);
  cursor_ = base + window.used;
  limit_ = base + kChunkSize - kMaxEvent;
  for (Slot& slot : slots_) slot = Slot{};
  tick_ = 0;
  site_ = 0;
  last_request_ = engine::kNone;
  return true;
}

bool Stream::refill(std::uint32_t room) noexcept {
  if (!opened_) return false;
  if (cursor_ != nullptr) {
    if (limit_ + kMaxEvent - cursor_ >= static_cast<std::ptrdiff_t>(room)) return true;
    journal_->give({chunk_, chunk_->committed});
    cursor_ = limit_ = nullptr;
    if (begin_segment(true)) return true;
  }
  ++dropped_;
  return false;
}

void Stream::acquired_of(InstanceId instance, std::uint64_t number, Mode mode, std::uint8_t flags, Site site) noexcept {
  std::uint8_t* const p = cursor_;
  std::uint8_t* q = p + 2;
  auto op = static_cast<std::uint8_t>(EventOp::kAcquiredOf);
  Slot& slot = find(instance, op, q);
  put_number(slot, number, op, q);
  const std::uint8_t how = pack_how(static_cast<unsigned>(mode), flags);
  if (slot.request_site != site || slot.how != how) {
    op |= kPlace;
    *q++ = how;
    q = put_site(q, site);
    slot.request_site = site;
    slot.how = how;
  }
  p[0] = op;
  p[1] = static_cast<std::uint8_t>(instance % kSlots);
  commit(q);
}

void Stream::failed(InstanceId instance) noexcept {
  if (!ready()) return;
  std::uint8_t* const p = cursor_;
  std::uint8_t* q = p + 2;
  auto op = static_cast<std::uint8_t>(EventOp::kFailed);
  find(instance, op, q);
  p[0] = op;
  p[1] = static_cast<std::uint8_t>(instance % kSlots);
  commit(q);
}

/// A rare event: its first byte, then fields.
#define CROSSDEP_PUT(op_name)       \
  if (!ready()) return;             \
  std::uint8_t* q = cursor_;        \
  *q++ = static_cast<std::uint8_t>(EventOp::op_name)

void Stream::request_as(InstanceId instance, ClassId class_id, std::uint64_t seen, Mode mode, std::uint8_t flags,
                        Site site, InstanceId nest) noexcept {
  if (!ready()) return;
  std::uint8_t* q = note_clock(cursor_);
  *q++ = static_cast<std::uint8_t>(EventOp::kRequestAs);
  q = put_varint(q, instance);
  q = put_optional(q, class_id);
  q = put_varint(q, seen);
  *q++ = pack_how(static_cast<unsigned>(mode), flags);
  q = put_site(q, site);
  q = put_optional(q, nest);
  last_request_ = engine::kNone;   // its acquisition is an acquired_as()
  commit(q);
}

void Stream::acquired_as(InstanceId instance, ClassId class_id, std::uint64_t number, Mode mode, std::uint8_t flags,
                         Site site) noexcept {
  CROSSDEP_PUT(kAcquiredAs);
  q = put_varint(q, instance);
  q = put_optional(q, class_id);
  q = put_varint(q, number);
  *q++ = pack_how(static_cast<unsigned>(mode), flags);
  q = put_site(q, site);
  commit(q);
}

void Stream::init(InstanceId instance, ClassId class_id, engine::Kind kind, std::uint8_t flags, std::uint64_t address,
                  std::uint64_t number, Site site) noexcept {
  CROSSDEP_PUT(kInit);
  q = put_varint(q, instance);
  q = put_optional(q, class_id);
  *q++ = static_cast<std::uint8_t>(kind);
  *q++ = flags;
  q = put_varint(q, address);
  q = put_varint(q, number);
  q = put_site(q, site);
  commit(q);
}

void Stream::destroy(InstanceId instance, std::uint64_t number, Site site) noexcept {
  CROSSDEP_PUT(kDestroy);
  q = put_varint(q, instance);
  q = put_varint(q, number);
  q = put_site(q, site);
  commit(q);
}

void Stream::might_lock(InstanceId instance, Mode mode, Site site) noexcept {
  CROSSDEP_PUT(kMightLock);
  q = put_varint(q, instance);
  *q++ = pack_how(static_cast<unsigned>(mode), 0);
  q = put_site(q, site);
  commit(q);
}

void Stream::assert_held(InstanceId instance, Mode mode, Site site) noexcept {
  CROSSDEP_PUT(kAssertHeld);
  q = put_varint(q, instance);
  *q++ = pack_how(static_cast<unsigned>(mode), 0);
  q = put_site(q, site);
  commit(q);
}

void Stream::sync(InstanceId instance, Mode mode, Site site) noexcept {
  CROSSDEP_PUT(kSync);
  q = put_varint(q, instance);
  *q++ = pack_how(static_cast<unsigned>(mode), 0);
  q = put_site(q, site);
  commit(q);
}

void Stream::wait_begin(InstanceId crosslock, InstanceId mutex, std::uint64_t mutex_number, std::uint8_t flags,
                        std::uint64_t tick, Site site) noexcept {
  CROSSDEP_PUT(kWaitBegin);
  q = put_varint(q, crosslock);
  q = put_optional(q, mutex);
  q = put_varint(q, mutex_number);
  *q++ = flags;
  q = put_tick(q, tick);
  q = put_site(q, site);
  commit(q);
}

void Stream::wait_end(InstanceId crosslock, ContextId by, bool matched, InstanceId mutex, std::uint64_t mutex_number,
                      std::uint64_t tick, Site site) noexcept {
  CROSSDEP_PUT(kWaitEnd);
  q = put_varint(q, crosslock);
  q = put_optional(q, by);
  *q++ = matched ? 1 : 0;
  q = put_optional(q, mutex);
  q = put_varint(q, mutex_number);
  q = put_tick(q, tick);
  q = put_site(q, site);
  commit(q);
}

void Stream::signal(InstanceId crosslock, std::uint32_t count, std::uint64_t tick, Site site) noexcept {
  CROSSDEP_PUT(kSignal);
  q = put_varint(q, crosslock);
  q = put_optional(q, count);
  q = put_tick(q, tick);
  q = put_site(q, site);
  commit(q);
}

void Stream::fork(ContextId child, InstanceId end, std::uint64_t tick) noexcept {
  CROSSDEP_PUT(kFork);
  q = put_varint(q, child);
  q = put_optional(q, end);
  q = put_tick(q, tick);
  commit(q);
}

void Stream::join_begin(ContextId child, std::uint8_t flags, std::uint64_t tick, Site site) noexcept {
  CROSSDEP_PUT(kJoinBegin);
  q = put_varint(q, child);
  *q++ = flags;
  q = put_tick(q, tick);
  q = put_site(q, site);
  commit(q);
}

void Stream::join_end(ContextId child, bool joined, std::uint64_t tick) noexcept {
  CROSSDEP_PUT(kJoinEnd);
  q = put_varint(q, child);
  *q++ = joined ? 1 : 0;
  q = put_tick(q, tick);
  commit(q);
}

void Stream::context_begin(ContextId parent, engine::ContextKind kind, std::uint64_t tid, InstanceId end, bool middle,
                           std::uint64_t tick) noexcept {
  CROSSDEP_PUT(kContextBegin);
  q = put_optional(q, parent);
  *q++ = static_cast<std::uint8_t>(kind);
  q = put_varint(q, tid);
  q = put_optional(q, end);
  *q++ = middle ? 1 : 0;
  q = put_tick(q, tick);
  commit(q);
}

void Stream::context_end(std::uint64_t tick, Site site) noexcept {
  CROSSDEP_PUT(kContextEnd);
  q = put_tick(q, tick);
  q = put_site(q, site);
  commit(q);
}

void Stream::enter(engine::ContextKind kind, std::uint64_t number, InstanceId work, InstanceId queue,
                   std::uint64_t tick, Site site) noexcept {
  CROSSDEP_PUT(kEnter);
  *q++ = static_cast<std::uint8_t>(kind);
  q = put_varint(q, number);
  q = put_optional(q, work);
  q = put_optional(q, queue);
  q = put_tick(q, tick);
  q = put_site(q, site);
  commit(q);
}

void Stream::leave(std::uint64_t tick, Site site) noexcept {
  CROSSDEP_PUT(kLeave);
  q = put_tick(q, tick);
  q = put_site(q, site);
  commit(q);
}

void Stream::mask(engine::ContextKind kind, std::uint64_t number, bool blocked) noexcept {
  CROSSDEP_PUT(kMask);
  *q++ = static_cast<std::uint8_t>(kind);
  q = put_varint(q, number);
  *q++ = blocked ? 1 : 0;
  commit(q);
}

void Stream::lost(std::uint64_t count) noexcept {
  CROSSDEP_PUT(kLost);
  q = put_varint(q, count);
  commit(q);
}

void Stream::operation(const char* name, std::uint32_t length, Site site) noexcept {
  if (length > kMaxOperationName) length = kMaxOperationName;
  if (!ready() || !refill(kMaxEvent + length)) return;
  std::uint8_t* q = cursor_;
  *q++ = static_cast<std::uint8_t>(EventOp::kOperation);
  q = put_site(q, site);
  q = put_varint(q, length);
  for (std::uint32_t i = 0; i < length; ++i) *q++ = static_cast<std::uint8_t>(name[i]);
  commit(q);
}

void Stream::stack(const Site* frames, unsigned count) noexcept {
  if (count > kMaxFrames) count = kMaxFrames;
  if (!ready() || !refill(kMaxEvent + 10 * count)) return;
  std::uint8_t* q = cursor_;
  *q++ = static_cast<std::uint8_t>(EventOp::kStack);
  q = put_varint(q, count);
  for (unsigned i = 0; i < count; ++i) q = put_site(q, frames[i]);
  commit(q);
}

#undef CROSSDEP_PUT

}  // namespace crossdep::record
