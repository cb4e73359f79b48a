// SPDX-License-Identifier: MIT
//
// The event stream of one thread (record mode): what the thread did, in its own order, in a few bytes each.
//
// There is no timestamp per event. Two kinds of numbers let a reader merge the streams into an order that can have
// happened (a linear extension):
//   - a *number* per lock instance: the runtime keeps one counter per instance (it starts at 0; its low 32 bits count, it
//     may wrap) and adds 1 for init, acquired, release, downgrade and destroy, while the instance is owned (acquired:
//     after it was obtained; release and downgrade: before it is given up). `number` is the counter after that addition:
//     1, 2, 3 … A request is not numbered: it carries `seen`, the counter as read at that moment, a lower bound. An
//     instance's first event is its init, also where it is first seen in use. A lock initialised again while it lives
//     gets a new id and goes on counting; no other id begins above 1, and none is used twice.
//   - a *tick* of the process-wide clock (Journal::tick()) for events that order threads otherwise: waits, signals,
//     fork, join, begin and end of contexts. Take it where the order is real: for signal, fork and context_end before the
//     effect is visible to others, for wait_end, join_end and context_begin after it was seen, for wait_begin and
//     join_begin before blocking. Requests note the clock's value by themselves.
//
// The hot events (request, acquired, release) find what the thread last said of the instance in a table of 256 slots that
// the reader keeps likewise, so that a repeated one is 1-2 bytes.
//
// A Stream full of zero bytes is a closed one, and every put on it does nothing: keep Streams in MADV_WIPEONFORK pages
// and a fork child can never write into its parent's file.
//
// Threading: one thread. Not async-signal re-entrant: the caller's own guard keeps handlers out of a running put.
// Allocation: none; a full chunk asks the Journal for another (the only system calls here).
#pragma once

#include <atomic>
#include <cstdint>

#include "engine/types.h"
#include "record/format.h"
#include "record/journal.h"

namespace crossdep::record {

class Stream {
 public:
  using ContextId = engine::ContextId;
  using InstanceId = engine::InstanceId;
  using ClassId = engine::ClassId;
  using Mode = engine::Mode;
  using Site = engine::Site;

  /// Begins the stream of this context (one stream per ContextId). False: no chunk to be had, it stays closed.
  bool open(Journal& journal, ContextId context) noexcept;
  /// The stream is complete; its half-empty chunk goes back to the pool for the next thread.
  void close() noexcept;
  bool is_open() const noexcept { return cursor_ != nullptr; }
  /// Events dropped because no chunk could be had.
  std::uint64_t dropped() const noexcept { return dropped_; }

  // --- hot -----------------------------------------------------------------------------------------------------------

  /// Before the caller blocks. `seen`: the instance's counter now (relaxed load).
  __attribute__((always_inline)) void request(InstanceId instance, std::uint64_t seen, Mode mode, std::uint8_t flags, Site site) noexcept {
    if (!ready()) return;
    std::uint8_t* q = note_clock(cursor_);
    std::uint8_t* const p = q;
    q += 2;
    std::uint8_t op = static_cast<std::uint8_t>(EventOp::kRequest);
    Slot& slot = find(instance, op, q);
    if (slot.number != seen) [[unlikely]] {
      op |= kNumber;
      q = put_signed(q, static_cast<std::int64_t>(seen - slot.number));
      slot.number = seen;
    }
    const std::uint8_t how = pack_how(static_cast<unsigned>(mode), flags);
    if (slot.request_site != site || slot.how != how) [[unlikely]] {
      op |= kPlace;
      *q++ = how;
      q = put_site(q, site);
      slot.request_site = site;
      slot.how = how;
    }
    p[0] = op;
    p[1] = static_cast<std::uint8_t>(instance % kSlots);
    last_request_ = instance;
    commit(q);
  }

  /// It was obtained. `number`: see above.
  __attribute__((always_inline)) void acquired(InstanceId instance, std::uint64_t number, Mode mode, std::uint8_t flags,
                                               Site site) noexcept {
    if (!ready()) return;
    Slot& slot = slots_[instance % kSlots];
    if (last_request_ == instance && slot.instance == instance && slot.request_site == site &&
        slot.how == pack_how(static_cast<unsigned>(mode), flags)) [[likely]] {
      std::uint8_t* const p = cursor_;
      std::uint8_t* q = p + 1;
      std::uint8_t op = static_cast<std::uint8_t>(EventOp::kAcquired);
      put_number(slot, number, op, q);
      p[0] = op;
      commit(q);
      return;
    }
    acquired_of(instance, number, mode, flags, site);
  }

  /// Before it is given up.
  __attribute__((always_inline)) void release(InstanceId instance, std::uint64_t number, Site site) noexcept {
    put_release(static_cast<std::uint8_t>(EventOp::kRelease), instance, number, site);
  }
  /// Write to read, still held.
  void downgrade(InstanceId instance, std::uint64_t number, Site site) noexcept {
    put_release(static_cast<std::uint8_t>(EventOp::kDowngrade), instance, number, site);
  }

  // --- locks -----------------------------------------------------------------------------------------------------------

  /// The last request of this instance ended without the lock.
  void failed(InstanceId instance) noexcept;
  /// Under another class than the instance's own (subclass), and / or nested inside `nest` (kNone: none).
  void request_as(InstanceId instance, ClassId class_id, std::uint64_t seen, Mode mode, std::uint8_t flags, Site site,
                  InstanceId nest) noexcept;
  void acquired_as(InstanceId instance, ClassId class_id, std::uint64_t number, Mode mode, std::uint8_t flags,
                   Site site) noexcept;
  /// A new instance (number 1), or the one at this address initialised again while it lives (its next number).
  void init(InstanceId instance, ClassId class_id, engine::Kind kind, std::uint8_t flags, std::uint64_t address,
            std::uint64_t number, Site site) noexcept;
  void destroy(InstanceId instance, std::uint64_t number, Site site) noexcept;
  void might_lock(InstanceId instance, Mode mode, Site site) noexcept;
  void assert_held(InstanceId instance, Mode mode, Site site) noexcept;
  void sync(InstanceId instance, Mode mode, Site site) noexcept;

  // --- crosslocks and contexts -------------------------------------------------------------------------------------------

  /// `mutex` is released by the wait (kNone: none). Its own release and acquired events are not put beside it, but its
  /// counter is: `mutex_number` is the release's number (0 without a mutex).
  void wait_begin(InstanceId crosslock, InstanceId mutex, std::uint64_t mutex_number, std::uint8_t flags,
                  std::uint64_t tick, Site site) noexcept;
  /// `by`: who released it, kNone if not known. `matched`: false for a timeout. `mutex_number`: of its re-acquisition.
  void wait_end(InstanceId crosslock, ContextId by, bool matched, InstanceId mutex, std::uint64_t mutex_number,
                std::uint64_t tick, Site site) noexcept;
  /// `count` waits are matched, kNone for all.
  void signal(InstanceId crosslock, std::uint32_t count, std::uint64_t tick, Site site) noexcept;
  /// `end`: the crosslock the child's end releases, kNone if none.
  void fork(ContextId child, InstanceId end, std::uint64_t tick) noexcept;
  void join_begin(ContextId child, std::uint8_t flags, std::uint64_t tick, Site site) noexcept;
  void join_end(ContextId child, bool joined, std::uint64_t tick) noexcept;
  /// First event of a stream. `parent` and `end` as at its fork. `middle`: it lived before the recording began.
  void context_begin(ContextId parent, engine::ContextKind kind, std::uint64_t tid, InstanceId end, bool middle,
                     std::uint64_t tick) noexcept;
  void context_end(std::uint64_t tick, Site site) noexcept;

  /// A nested context: handler, interrupt, work item. `number`: of the signal; `work`, `queue`: crosslocks it releases.
  void enter(engine::ContextKind kind, std::uint64_t number, InstanceId work, InstanceId queue, std::uint64_t tick,
             Site site) noexcept;
  void leave(std::uint64_t tick, Site site) noexcept;
  void mask(engine::ContextKind kind, std::uint64_t number, bool blocked) noexcept;

  // --- the rest ------------------------------------------------------------------------------------------------------------

  /// A call a rule may forbid; `name` up to 255 bytes.
  void operation(const char* name, std::uint32_t length, Site site) noexcept;
  /// `count` events of this context are missing here.
  void lost(std::uint64_t count) noexcept;
  /// The stack of this context's next request, wait or signal, innermost first; frames beyond 64 are cut.
  void stack(const Site* frames, unsigned count) noexcept;

 private:
  /// Room for one event of up to kMaxEvent bytes, by a new chunk if need be.
  bool ready() noexcept { return cursor_ < limit_ || refill(kMaxEvent); }
  bool refill(std::uint32_t room) noexcept;
  bool begin_segment(bool fresh) noexcept;
  void acquired_of(InstanceId instance, std::uint64_t number, Mode mode, std::uint8_t flags, Site site) noexcept;
  __attribute__((always_inline)) void put_release(std::uint8_t op, InstanceId instance, std::uint64_t number, Site site) noexcept {
    if (!ready()) return;
    std::uint8_t* const p = cursor_;
    std::uint8_t* q = p + 2;
    Slot& slot = find(instance, op, q);
    put_number(slot, number, op, q);
    if (slot.release_site != site) [[unlikely]] {
      op |= kPlace;
      q = put_site(q, site);
      slot.release_site = site;
    }
    p[0] = op;
    p[1] = static_cast<std::uint8_t>(instance % kSlots);
    commit(q);
  }

  Slot& find(InstanceId instance, std::uint8_t& op, std::uint8_t*& q) noexcept {
    Slot& slot = slots_[instance % kSlots];
    if (slot.instance != instance) [[unlikely]] {
      slot = Slot{instance, 0, 0, 0, 0};
      op |= kMiss;
      q = put_varint(q, instance / kSlots);
    }
    return slot;
  }
  static void put_number(Slot& slot, std::uint64_t number, std::uint8_t& op, std::uint8_t*& q) noexcept {
    if (number != slot.number + 1) [[unlikely]] {
      op |= kNumber;
      q = put_signed(q, static_cast<std::int64_t>(number - slot.number - 1));
    }
    slot.number = number;
  }
  std::uint8_t* note_clock(std::uint8_t* q) noexcept {
    const std::uint64_t now = clock_->load(std::memory_order_relaxed);
    if (now > tick_) [[unlikely]] {
      *q++ = static_cast<std::uint8_t>(EventOp::kSeen);
      q = put_varint(q, now - tick_);
      tick_ = now;
    }
    return q;
  }
  std::uint8_t* put_site(std::uint8_t* q, Site site) noexcept {
    const std::uint64_t last = site_;
    site_ = site;
    return put_signed(q, static_cast<std::int64_t>(site - last));
  }
  std::uint8_t* put_tick(std::uint8_t* q, std::uint64_t tick) noexcept {
    const std::uint64_t last = tick_;
    tick_ = tick;
    return put_signed(q, static_cast<std::int64_t>(tick - last));
  }
  static std::uint8_t* put_varint(std::uint8_t* q, std::uint64_t value) noexcept {
    while (value >= 128) {
      *q++ = static_cast<std::uint8_t>(value | 128);
      value >>= 7;
    }
    *q++ = static_cast<std::uint8_t>(value);
    return q;
  }
  static std::uint8_t* put_signed(std::uint8_t* q, std::int64_t value) noexcept {
    return put_varint(q, (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
  }
  /// kNone is written as 0, everything else one higher.
  static std::uint8_t* put_optional(std::uint8_t* q, std::uint32_t id) noexcept {
    return put_varint(q, static_cast<std::uint32_t>(id + 1));
  }
  void commit(std::uint8_t* q) noexcept {
    cursor_ = q;
    std::atomic_ref<std::uint32_t>(chunk_->committed)
        .store(static_cast<std::uint32_t>(q - reinterpret_cast<std::uint8_t*>(chunk_)), std::memory_order_release);
  }

  // Invariant: closed <=> cursor_ == nullptr == limit_; open: chunk_ < cursor_, *cursor_ is the chunk's committed end.
  std::uint8_t* cursor_;
  std::uint8_t* limit_;
  ChunkHeader* chunk_;
  const std::atomic<std::uint64_t>* clock_;
  std::uint64_t tick_;          // the last tick or clock value written
  Site site_;                   // the last site written
  InstanceId last_request_;
  ContextId context_;
  std::uint32_t ordinal_;       // of the next segment
  bool opened_;
  Journal* journal_;
  std::uint64_t dropped_;
  Slot slots_[kSlots];
};

}  // namespace crossdep::record
