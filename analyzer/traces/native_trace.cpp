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
#include <unordered_set>

#include "traces/native_decode.h"

namespace crossdep::traces {
namespace {

constexpr std::size_t kFirstBatch = 8, kBatch = 256;
constexpr std::uint32_t kNoStream = 0xffffffffu;

struct LockState {
  std::uint32_t count = 0;              // the number of the last event given
  std::uint32_t waiter = kNoStream;     // first of a list sorted by StreamState::needed
  std::uint64_t address = 0;
  bool live = false;                    // defined to the consumer
};

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
  bool granted = false;                 // its tick has come
};

/// What the journal says of the ids the streams use.
class Definitions final : public engine::Sink {
 public:
  struct Context {
    ContextId parent = kNone;
    engine::ContextKind kind = engine::ContextKind::kThread;
    std::uint64_t tid = 0;
    std::string name;
  };
  explicit Definitions(EventConsumer& consumer) : consumer_(consumer) {}

  void on_class(const engine::ClassInfo& info) override {
    if (!classes.insert(info.id).second) return;
    ClassDefinition definition;
    definition.id = info.id;
    definition.key_kind = info.key_kind;
    definition.kind = info.kind;
    definition.subclass = info.subclass;
    definition.wait_outer = info.wait_outer;
    definition.wait_inner = info.wait_inner;
    definition.ordinal = info.ordinal;
    definition.key = info.key;
    definition.name = {info.name, info.name_length};
    next_class = std::max(next_class, info.id + 1);
    consumer_.on_class(definition);
  }
  void on_class_usage(engine::ClassId, std::uint8_t) override {}
  void on_instance(const engine::InstanceInfo& info) override {
    // An id is used again after its instance's death: for one whose own init event is missing the first is the guess.
    instances.try_emplace(info.id, info);
  }
  void on_context(const engine::ContextInfo& info) override {
    Context& context = contexts[info.id];
    context = {info.parent, info.kind, info.tid, std::string(info.name, info.name_length)};
  }
  void on_stack(engine::StackId, const engine::Site*, unsigned) override {}
  void on_dependency(const engine::DependencyInfo&) override {}
  void on_witness(const engine::WitnessInfo&) override {}
  void on_finding(const engine::FindingInfo&) override {}

  std::unordered_set<ClassId> classes;
  std::unordered_map<InstanceId, engine::InstanceInfo> instances;
  std::unordered_map<ContextId, Context> contexts;
  ClassId next_class = 0;

 private:
  EventConsumer& consumer_;
};

class Merger {
 public:
  Merger(const Container& container, EventConsumer& consumer, TraceFacts& facts)
      : container_(container), consumer_(consumer), facts_(facts), definitions_(consumer) {}

  Status read() {
    Status status = read_journal(container_, definitions_, facts_.journal);
    give_facts();
    // Ids are dense, so the table needs as many entries as there are instances; others (of a damaged file, or of one
    // whose journal is lost) go to a map.
    locks_.resize(std::max<std::size_t>(definitions_.instances.size() + 1024, 65536));
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
        beginnings_[stream.context] = first.events[0];
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
      if (streams_[turn_]->waits_for != kNone) break;
    LockState& lock = *find_lock(streams_[turn_]->waits_for);
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

  void wait_for(std::uint32_t index, InstanceId id, LockState& lock, std::uint64_t needed) {
    StreamState& stream = *streams_[index];
    stream.needed = static_cast<std::uint32_t>(needed);
    stream.waits_for = id;
    std::uint32_t* at = &lock.waiter;
    while (*at != kNoStream && !before(stream.needed, streams_[*at]->needed)) at = &streams_[*at]->next;
    stream.next = *at;
    *at = index;
  }

  LockState* find_lock(InstanceId id) {
    if (id < locks_.size()) [[likely]] return &locks_[id];
    return &sparse_[id];
  }

  bool refill(std::uint32_t index);
  void run(std::uint32_t index);
  bool rare(std::uint32_t index, StreamState& stream, Event& event, Step& step);
  bool special(StreamState& stream, Event& event, Step& step);

  void flush(StreamState& stream, std::size_t from) {
    if (stream.at > from) consumer_.on_events(stream.batch.events.data() + from, stream.at - from);
    facts_.events += stream.at - from;
  }

  // --- definitions ---------------------------------------------------------------------------------------------------

  ClassId need_class(ClassId id, InstanceId lock) {
    if (id != kNone && definitions_.classes.contains(id)) return id;
    // The journal's end is missing: the lock is a class of its own.
    ClassDefinition definition;
    definition.id = id != kNone && id < definitions_.next_class + 1024 ? id : definitions_.next_class;
    definition.key_kind = engine::ClassKey::kInstance;
    definition.key = lock;
    definitions_.classes.insert(definition.id);
    definitions_.next_class = std::max(definitions_.next_class, definition.id + 1);
    consumer_.on_class(definition);
    return definition.id;
  }

  void define_lock(InstanceId id, LockState& lock) {
    LockDefinition definition;
    definition.id = id;
    const auto known = definitions_.instances.find(id);
    if (known != definitions_.instances.end()) {
      definition.class_id = need_class(known->second.class_id, id);
      definition.kind = known->second.kind;
      definition.flags = known->second.flags;
      definition.address = known->second.address;
    } else {
      definition.class_id = need_class(kNone, id);
      definition.address = id;
    }
    lock.live = true;
    lock.address = definition.address;
    consumer_.on_lock(definition);
  }

  void define_context(ContextId id, ContextId parent, InstanceId end, bool forked_here) {
    ContextDefinition definition;
    definition.id = id;
    definition.parent = parent;
    definition.end = end;
    const auto known = definitions_.contexts.find(id);
    if (known != definitions_.contexts.end()) {
      definition.kind = known->second.kind;
      definition.tid = known->second.tid;
      definition.name = known->second.name;
    }
    const auto begun = beginnings_.find(id);
    if (begun != beginnings_.end()) {
      const Event& event = begun->second;
      definition.kind = event.nested;
      definition.tid = event.number;
      if (definition.end == kNone) definition.end = event.lock;
      definition.middle = event.flags != 0;
    } else {
      definition.middle = !forked_here;   // its beginning is not in the file
    }
    if (definition.end != kNone) {
      LockState& lock = *find_lock(definition.end);
      if (!lock.live) define_lock(definition.end, lock);
    }
    contexts_[id] = false;
    consumer_.on_context(definition);
  }

  const Container& container_;
  EventConsumer& consumer_;
  TraceFacts& facts_;
  Definitions definitions_;
  std::vector<std::unique_ptr<StreamState>> streams_;
  std::deque<std::uint32_t> ready_;
  std::priority_queue<Timer> timers_;                    // streams that wait for the clock
  std::vector<LockState> locks_;
  std::unordered_map<InstanceId, LockState> sparse_;     // its elements stay where they are
  std::unordered_map<ContextId, bool> contexts_;         // defined to the consumer; true: ended (it may still be joined)
  std::unordered_map<ContextId, Event> beginnings_;
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
      if ((step.need & (kRare | kNeedClock)) == 0 && step.lock < locks_.size() && locks_[step.lock].live) [[likely]] {
        LockState& lock = locks_[step.lock];
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

/// One event by itself: everything it needs and names is looked at. False: it must wait (the stream is in a list).
bool Merger::rare(std::uint32_t index, StreamState& stream, Event& event, Step& step) {
  if ((step.need & (kNeedSeen | kNeedNumber)) != 0) {
    LockState& lock = *find_lock(step.lock);
    const std::uint64_t needed = (step.need & kNeedSeen) != 0 ? step.number : step.number - 1;
    if (before(lock.count, needed)) return wait_for(index, step.lock, lock, needed), false;
  }
  if ((step.need & kNeedTick) != 0 && !stream.granted) return timers_.push({step.tick, true, index}), false;
  if ((step.need & kNeedClock) != 0 && step.tick > clock_) return timers_.push({step.tick, false, index}), false;
  stream.granted = false;

  if (!contexts_.contains(stream.context) && step.special != Special::kContextBegin)
    define_context(stream.context, kNone, kNone, false);
  if ((step.need & kNeedNumber) != 0) {
    LockState& lock = *find_lock(step.lock);
    if (lock.count + 1 == static_cast<std::uint32_t>(step.number)) ++lock.count;
    else ++facts_.out_of_order;
    wake(lock);
  }
  if (step.special != Special::kNone) {
    if (!special(stream, event, step)) return true;
  } else {
    for (const InstanceId id : {event.lock, event.other}) {
      if (id == kNone) continue;
      LockState& lock = *find_lock(id);
      if (!lock.live) define_lock(id, lock);
    }
    if (event.class_id != kNone) event.class_id = need_class(event.class_id, event.lock);
    if (event.peer != kNone && !contexts_.contains(event.peer)) define_context(event.peer, kNone, kNone, false);
    if (event.kind == EventKind::kDestroy) find_lock(event.lock)->live = false;
    if (event.kind == EventKind::kContextEnd) contexts_[stream.context] = true;
    if (event.kind == EventKind::kWaitEnd) event.other = kNone;   // the mutex is a matter of the wait's begin
    if (event.kind == EventKind::kSetStack) event.number2 = 0;
  }
  consumer_.on_event(event);
  ++facts_.events;
  return true;
}

/// Turns the event into what the consumer knows; false: that was a definition and no event is left.
bool Merger::special(StreamState& stream, Event& event, Step& step) {
  switch (step.special) {
    case Special::kInit: {
      LockState& lock = *find_lock(event.lock);
      LockDefinition definition;
      definition.id = event.lock;
      definition.class_id = need_class(event.class_id, event.lock);
      definition.kind = static_cast<engine::Kind>(event.number2 & 255);
      definition.flags = static_cast<std::uint8_t>(event.number2 >> 8);
      definition.address = event.number;
      definition.context = stream.context;
      definition.site = event.site;
      definition.position = event.position;
      if (lock.live && lock.address == event.number) {   // initialised again while it lives
        event.class_id = definition.class_id;
        event.number = event.number2 = 0;
        return true;
      }
      if (lock.live) {   // its end is missing
        Event end = event;
        end.kind = EventKind::kDestroy;
        end.class_id = kNone;
        end.number = end.number2 = 0;
        consumer_.on_event(end);
      }
      lock.live = true;
      lock.address = event.number;
      consumer_.on_lock(definition);
      return false;
    }
    case Special::kFork:
      if (!contexts_.contains(event.peer)) define_context(event.peer, stream.context, event.lock, true);
      return false;
    case Special::kContextBegin:
      if (const auto known = contexts_.find(stream.context); known == contexts_.end() || known->second)
        define_context(stream.context, event.peer, event.lock, true);
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
