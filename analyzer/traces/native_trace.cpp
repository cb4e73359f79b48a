// SPDX-License-Identifier: MIT
//
// See native_trace.h. Three kinds of waiting streams: ready ones in a queue, those waiting for a lock's count in a list at
// the lock (sorted by the count they need), those waiting for the clock in a heap. A stream runs until it must wait;
// while it runs, its events go to the consumer in place, a whole run at a time.
//
// Threading: one thread.  Allocation: the heap.
#include "traces/native_trace.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <queue>
#include <unordered_map>

#include "traces/native_decode.h"
#include "traces/native_definitions.h"

namespace crossdep::traces {
namespace {

constexpr std::size_t kFirstBatch = 8, kBatch = 256;

/// Numbers wrap at 32 bits; two that are compared are less than 2^31 apart.
constexpr bool before(std::uint32_t a, std::uint64_t b) { return static_cast<std::int32_t>(a - static_cast<std::uint32_t>(b)) < 0; }

struct StreamState {
  ContextId context = kNone;
  std::unique_ptr<StreamDecoder> decoder;   // only while the thread is alive
  Batch batch;
  std::size_t at = 0;                   // next event of the batch
  std::uint32_t next = kNoStream;       // in a lock's list
  std::uint32_t needed = 0;             // count it waits for
  InstanceId waits_for = kNone;         // the lock in whose list it is
  bool waits_for_life = false;          // for a lock at an address
  bool granted = false;                 // its tick has come
  bool forced = false;                  // what its next event needs will never come
};

class Merger {
 public:
  Merger(const Container& container, EventConsumer& consumer, TraceFacts& facts)
      : container_(container), consumer_(consumer), facts_(facts), definitions_(consumer), locks_(definitions_.locks()) {}

  Status read() {
    Status status = read_journal(container_, definitions_, facts_.journal);
    give_facts();
    open_streams();
    merge();
    note_trouble(status, std::move(trouble_));
    if (!facts_.journal.finished)
      consumer_.on_note("the recording has no end (the process was killed or still runs); what it had written is judged");
    return status;
  }

 private:
  struct Timer {
    std::uint64_t tick;
    bool takes;              // kNeedTick; else kNeedClock
    std::uint32_t stream;
    // Smallest first; at the same value, who only looks at the clock comes after who sets it.
    bool operator<(const Timer& other) const {
      if (tick != other.tick) return tick > other.tick;
      if (takes != other.takes) return !takes;
      return stream > other.stream;
    }
  };

  void give_facts() {
    const JournalFacts& journal = facts_.journal;
    consumer_.on_process({journal.pid, journal.executable, journal.arguments});
    for (const Module& module : journal.modules.all())
      for (const Module::Range& range : module.ranges)
        consumer_.on_module({range.begin, range.end, range.file_offset, module.bias, module.path, module.build_id});
  }

  void open_streams() {
    Batch first;
    for (const Container::Stream& stream : container_.streams()) {
      const auto index = static_cast<std::uint32_t>(streams_.size());
      streams_.push_back(std::make_unique<StreamState>());
      streams_.back()->context = stream.context;
      // A look at its first event: what a thread says of itself is known to its creator's fork event, and a thread whose
      // time has not come needs no memory yet.
      StreamDecoder(container_, stream, StreamDecoder::kSmallBlock).fill(first, 1);
      if (first.size > 0 && first.steps[0].special == Special::kContextBegin) {
        const Event& event = first.events[0];
        definitions_.expect_context(stream.context, {event.number, event.lock, event.nested, event.flags != 0});
        timers_.push({first.steps[0].tick, true, index});
      } else {
        ready_.push_back(index);
      }
    }
    facts_.streams = streams_.size();
    alive_ = streams_.size();
  }

  void merge() {
    for (;;) {
      if (!ready_.empty()) {
        const std::uint32_t index = ready_.front();
        ready_.pop_front();
        run(index);
      } else if (!timers_.empty()) {
        const Timer timer = timers_.top();
        timers_.pop();
        if (timer.takes) {
          if (timer.tick > clock_ + 1) facts_.skipped_ticks += timer.tick - clock_ - 1;
          else if (timer.tick <= clock_) ++facts_.out_of_order;
          streams_[timer.stream]->granted = true;
          clock_ = std::max(clock_, timer.tick);
        } else if (timer.tick > clock_) {
          facts_.skipped_ticks += timer.tick - clock_;
          clock_ = timer.tick;
        }
        run(timer.stream);
      } else if (alive_ > 0) {
        force();
      } else {
        return;
      }
    }
  }

  /// All streams wait for a lock: a number is missing. The next stream in turn names the lock; the one that needs least
  /// of that lock goes on.
  void force() {
    for (;; turn_ = turn_ + 1 == streams_.size() ? 0 : turn_ + 1)
      if (streams_[turn_]->waits_for != kNone || streams_[turn_]->waits_for_life) break;
    StreamState& stream = *streams_[turn_];
    if (stream.waits_for_life) {
      stream.waits_for_life = false;
      stream.forced = true;
      ++facts_.missing_numbers;
      const std::uint64_t address = stream.batch.events[stream.at].number;
      for (auto [at, end] = unborn_.equal_range(address); at != end; ++at) {
        if (at->second != turn_) continue;
        unborn_.erase(at);
        break;
      }
      ready_.push_back(static_cast<std::uint32_t>(turn_));
      return;
    }
    LockState& lock = locks_.get(stream.waits_for);
    const std::uint32_t needed = streams_[lock.waiter]->needed;
    facts_.missing_numbers += needed - lock.count;
    lock.count = needed;
    wake(lock);
  }

  void wake(LockState& lock) {
    while (lock.waiter != kNoStream && !before(lock.count, streams_[lock.waiter]->needed)) {
      StreamState& stream = *streams_[lock.waiter];
      ready_.push_back(lock.waiter);
      lock.waiter = stream.next;
      stream.next = kNoStream;
      stream.waits_for = kNone;
    }
  }

  void wake_unborn() {
    for (const std::uint64_t address : definitions_.settled) {
      const auto [from, to] = unborn_.equal_range(address);
      for (auto at = from; at != to; ++at) {
        streams_[at->second]->waits_for_life = false;
        ready_.push_back(at->second);
      }
      unborn_.erase(from, to);
    }
    definitions_.settled.clear();
  }

  void wait_for(std::uint32_t index, InstanceId id, LockState& lock, std::uint64_t needed) {
    StreamState& stream = *streams_[index];
    stream.needed = static_cast<std::uint32_t>(needed);
    stream.waits_for = id;
    std::uint32_t* at = &lock.waiter;
    while (*at != kNoStream && !before(stream.needed, streams_[*at]->needed)) at = &streams_[*at]->next;
    stream.next = *at;
    *at = index;
  }

  bool refill(std::uint32_t index);
  void run(std::uint32_t index);
  bool rare(std::uint32_t index, StreamState& stream, Event& event, Step& step);
  bool may_begin(std::uint32_t index, StreamState& stream, const Event& event, const Step& step);
  bool init(StreamState& stream, Event& event, const Step& step);
  bool special(StreamState& stream, Event& event, const Step& step);

  void flush(StreamState& stream, std::size_t from) {
    if (stream.at > from) consumer_.on_events(stream.batch.events.data() + from, stream.at - from);
    facts_.events += stream.at - from;
  }

  const Container& container_;
  EventConsumer& consumer_;
  TraceFacts& facts_;
  NativeDefinitions definitions_;
  LockTable& locks_;
  std::vector<std::unique_ptr<StreamState>> streams_;
  std::deque<std::uint32_t> ready_;
  std::priority_queue<Timer> timers_;                    // streams that wait for the clock
  std::unordered_multimap<std::uint64_t, std::uint32_t> unborn_;   // streams waiting for a lock to live there
  std::unordered_map<std::string, NameId> names_;
  std::uint64_t clock_ = 0;
  std::size_t turn_ = 0;
  std::size_t alive_ = 0;
  Status trouble_;                                       // the first of the streams'
};

/// The next events of the stream; false: it is over, and its memory free.
bool Merger::refill(std::uint32_t index) {
  StreamState& stream = *streams_[index];
  StreamDecoder& decoder = *stream.decoder;
  decoder.fill(stream.batch, stream.batch.size < kFirstBatch ? kFirstBatch : kBatch);
  stream.at = 0;
  if (stream.batch.size > 0) return true;
  note_trouble(trouble_, decoder.status());
  if (!decoder.complete()) ++facts_.unfinished_streams;
  facts_.holes += decoder.holes();
  stream.decoder.reset();
  stream.batch = {};
  --alive_;
  return false;
}

void Merger::run(std::uint32_t index) {
  StreamState& stream = *streams_[index];
  if (stream.decoder == nullptr) {
    stream.decoder = std::make_unique<StreamDecoder>(container_, container_.streams()[index]);
    if (!refill(index)) return;
  }
  for (;;) {
    std::size_t from = stream.at;
    while (stream.at < stream.batch.size) {
      Event& event = stream.batch.events[stream.at];
      Step& step = stream.batch.steps[stream.at];
      LockState* const known = locks_.find(step.lock);
      if ((step.need & (kRare | kNeedClock)) == 0 && known != nullptr && known->live) [[likely]] {
        LockState& lock = *known;
        event.lock = lock.number;
        if (step.need == kNeedSeen) {
          if (before(lock.count, step.number)) [[unlikely]] {
            flush(stream, from);
            return wait_for(index, step.lock, lock, step.number);
          }
        } else {
          if (lock.count + 1 != static_cast<std::uint32_t>(step.number)) [[unlikely]] {
            if (before(lock.count, step.number - 1)) {
              flush(stream, from);
              return wait_for(index, step.lock, lock, step.number - 1);
            }
            ++facts_.out_of_order;
          } else {
            ++lock.count;
          }
          if (lock.waiter != kNoStream) [[unlikely]] wake(lock);
        }
        ++stream.at;
        continue;
      }
      flush(stream, from);
      if (!rare(index, stream, event, step)) return;
      from = ++stream.at;
    }
    flush(stream, from);
    if (!refill(index)) return;
  }
}

/// Has everything happened that the event needs? If not, the stream waits in the list of what is missing.
bool Merger::may_begin(std::uint32_t index, StreamState& stream, const Event& event, const Step& step) {
  if (step.special == Special::kInit && step.number != 1 && !stream.forced) {
    // The lock at this address, initialised again: it gets a new id and goes on counting.
    if (const LockState* same = locks_.find(step.lock); same == nullptr || !same->live) {
      const InstanceId old = definitions_.at(event.number);
      if (old == kNone) {
        stream.waits_for_life = true;
        unborn_.emplace(event.number, index);
        return false;
      }
      LockState& lock = locks_.get(old);
      if (before(lock.count, step.number - 1)) return wait_for(index, old, lock, step.number - 1), false;
    } else if (before(same->count, step.number - 1)) {
      return wait_for(index, step.lock, locks_.get(step.lock), step.number - 1), false;
    }
  } else if ((step.need & (kNeedSeen | kNeedNumber)) != 0 && !stream.forced) {
    LockState& lock = locks_.get(step.lock);
    const std::uint64_t needed = (step.need & kNeedSeen) != 0 ? step.number : step.number - 1;
    if (before(lock.count, needed)) return wait_for(index, step.lock, lock, needed), false;
  }
  if (step.special == Special::kNone) {
    // Who names a lock without a number saw it live all the same.
    for (const InstanceId id : {event.lock, event.other}) {
      if (id == kNone || (id == step.lock && (step.need & (kNeedSeen | kNeedNumber)) != 0)) continue;
      LockState& lock = locks_.get(id);
      if (!lock.live && lock.count == 0) return wait_for(index, id, lock, 1), false;
    }
  }
  if ((step.need & kNeedTick) != 0 && !stream.granted) return timers_.push({step.tick, true, index}), false;
  if ((step.need & kNeedClock) != 0 && step.tick > clock_) return timers_.push({step.tick, false, index}), false;
  return true;
}

/// One event by itself: everything it needs and names is looked at. False: it must wait.
bool Merger::rare(std::uint32_t index, StreamState& stream, Event& event, Step& step) {
  if (!may_begin(index, stream, event, step)) return false;
  stream.granted = stream.forced = false;
  if (step.special != Special::kContextBegin) definitions_.need_context(stream.context);
  if ((step.need & kNeedNumber) != 0 && step.special != Special::kInit) {
    LockState& lock = locks_.get(step.lock);
    if (lock.count + 1 == static_cast<std::uint32_t>(step.number)) ++lock.count;
    else ++facts_.out_of_order;
    wake(lock);
  }
  if (step.special != Special::kNone) {
    const bool left = special(stream, event, step);
    if (!definitions_.settled.empty()) wake_unborn();
    if (!left) return true;
    consumer_.on_event(event);
    ++facts_.events;
    return true;
  }

  const InstanceId id = event.lock;
  event.lock = definitions_.number_of(event.lock);
  // A wait's mutex is a matter of its begin.
  event.other = event.kind == EventKind::kWaitEnd ? kNone : definitions_.number_of(event.other);
  if (event.class_id != kNone) event.class_id = definitions_.need_class(event.class_id, id);
  if (event.peer != kNone) definitions_.need_context(event.peer);
  if (event.kind == EventKind::kContextEnd) definitions_.end_context(stream.context);
  if (!definitions_.settled.empty()) wake_unborn();
  if (event.kind == EventKind::kSetStack) event.number2 = 0;
  consumer_.on_event(event);
  ++facts_.events;
  if (event.kind == EventKind::kDestroy) definitions_.end_lock(id);
  return true;
}

/// A lock's life begins, or begins anew; true: the event says so, else its definition did.
bool Merger::init(StreamState& stream, Event& event, const Step& step) {
  const InstanceId id = event.lock;
  const std::uint64_t address = event.number;
  LockDefinition definition;
  definition.class_id = definitions_.need_class(event.class_id, id);
  definition.kind = static_cast<engine::Kind>(event.number2 & 255);
  definition.flags = static_cast<std::uint8_t>(event.number2 >> 8);
  definition.address = address;
  definition.context = stream.context;
  definition.site = event.site;
  definition.position = event.position;
  locks_.account(1);
  LockState& lock = locks_.get(id);

  bool again = lock.live && lock.address == address;
  if (!lock.live && step.number != 1) {
    if (const InstanceId old = definitions_.at(address); old != kNone) {
      definitions_.continue_lock(old, id, lock, address);
      again = true;
    }
  }
  if (lock.live && before(step.number, std::uint64_t{lock.count} + 1)) ++facts_.out_of_order;
  else lock.count = static_cast<std::uint32_t>(step.number);
  wake(lock);
  if (again) {
    event.lock = lock.number;
    event.class_id = definition.class_id;
    event.number = event.number2 = 0;
    return true;
  }
  if (lock.live) {   // its end is missing
    Event end = event;
    end.kind = EventKind::kDestroy;
    end.lock = lock.number;
    end.class_id = kNone;
    end.number = end.number2 = 0;
    consumer_.on_event(end);
    ++facts_.events;
    definitions_.replace_lock(id, lock, definition);
  } else {
    definitions_.begin_lock(id, lock, definition);
  }
  return false;
}

/// Turns the event into what the consumer knows; false: that was a definition and no event is left.
bool Merger::special(StreamState& stream, Event& event, const Step& step) {
  switch (step.special) {
    case Special::kInit:
      return init(stream, event, step);
    case Special::kFork:
      definitions_.fork_context(event.peer, stream.context, event.lock);
      return false;
    case Special::kContextBegin:
      definitions_.start_context(stream.context, event.peer, event.lock);
      return false;
    case Special::kOperation: {
      const std::string name(stream.batch.text, event.number, event.number2);
      const auto [at, fresh] = names_.try_emplace(name, static_cast<NameId>(names_.size()));
      if (fresh) consumer_.on_name(at->second, at->first);
      event.name = at->second;
      event.number = event.number2 = 0;
      return true;
    }
    case Special::kNone:
      break;
  }
  return true;
}

}  // namespace

Status read_native_trace(const Container& container, EventConsumer& consumer, TraceFacts& facts) {
  return Merger(container, consumer, facts).read();
}

Status read_native_trace(const std::string& path, EventConsumer& consumer, TraceFacts& facts) {
  Container container;
  Status status = container.open(path);
  if (status.failed()) return status;
  note_trouble(status, read_native_trace(container, consumer, facts));
  return status;
}

}  // namespace crossdep::traces
