// SPDX-License-Identifier: MIT
//
// See events.h. In a recorded run an event gets its number while the instance is owned, and its tick of the process's
// clock where it orders threads (record/stream.h says when).
//
// Threading and allocation: see events.h.
#include "core/events.h"

#include "core/finish.h"
#include "core/hold_time.h"
#include "core/output.h"

namespace crossdep::runtime {

using namespace engine;

namespace {

InstanceId id_of(const LockInstance* lock) noexcept { return lock == nullptr ? kNone : lock->id; }

// Called while the lock is owned. What only one context can own needs no locked instruction.
__attribute__((always_inline)) inline std::uint64_t next_number(LockInstance* lock) noexcept {
  if (lock->kind != Kind::kMutex && lock->kind != Kind::kSpin)
    return std::uint64_t{lock->sequence.fetch_add(1, std::memory_order_relaxed)} + 1;
  const std::uint32_t number = lock->sequence.load(std::memory_order_relaxed) + 1;
  lock->sequence.store(number, std::memory_order_relaxed);
  return number;
}

std::uint64_t tick() noexcept { return runtime.journal.tick(); }

// While this lives a stack the engine asks for is recorded too, ahead of the event it belongs to. A halt at what the
// engine found waits for its end, when the event is recorded as well: the record must be judged like the run.
class StackRecording {
 public:
  explicit StackRecording(Token inside) noexcept : self_(inside.thread()) { self_.record_stacks = true; }
  ~StackRecording() {
    self_.record_stacks = false;
    if (self_.unrecorded) [[unlikely]] finding_recorded();
    if (self_.halts) [[unlikely]] halt();
  }
  StackRecording(const StackRecording&) = delete;
  StackRecording& operator=(const StackRecording&) = delete;

 private:
  ThreadState& self_;
};

__attribute__((always_inline)) inline void note_acquired_now(Token inside, LockInstance* lock, Mode mode, std::uint8_t flags,
                                                             Site site) noexcept {
  if (HoldTimes* times = inside.thread().hold_times) [[unlikely]] begin_hold(*times, lock);
  if (record::Stream* stream = inside.stream()) [[likely]] stream->acquired(lock->id, next_number(lock), mode, flags, site);
}

}  // namespace

namespace {

// One that may be judged: its stack, if it is asked for, comes first.
__attribute__((noinline, cold)) void record_new_request(Token inside, LockInstance* lock, Mode mode, std::uint8_t flags,
                                                        Site site) noexcept {
  const StackRecording stack(inside);
  engine_of_process().new_request(inside.context(), lock, mode, flags, site);
  if (record::Stream* stream = inside.stream())
    stream->request(lock->id, lock->sequence.load(std::memory_order_relaxed), mode, flags, site);
}

}  // namespace

void recorded_request(Token inside, LockInstance* lock, Mode mode, std::uint8_t flags, Site site) noexcept {
  if (lock == nullptr) return;
  if (!engine_of_process().known_request(inside.context(), lock, mode, flags, site)) [[unlikely]]
    return record_new_request(inside, lock, mode, flags, site);
  if (record::Stream* stream = inside.stream()) [[likely]]
    stream->request(lock->id, lock->sequence.load(std::memory_order_relaxed), mode, flags, site);
}

void recorded_acquired(Token inside, LockInstance* lock, Mode mode, std::uint8_t flags, Site site) noexcept {
  engine_of_process().acquired_as_requested(inside.context(), lock, mode, flags, site);
  note_acquired_now(inside, lock, mode, flags, site);
}

void note_acquired(Token inside, LockInstance* lock, Mode mode, std::uint8_t flags, Site site) noexcept {
  if (lock != nullptr) note_acquired_now(inside, lock, mode, flags, site);
}

void note_failed(Token inside, LockInstance* lock) noexcept {
  if (lock != nullptr && inside.stream() != nullptr) inside.stream()->failed(lock->id);
}

bool recorded_release_last(Token inside, std::uint64_t address, Site site) noexcept {
  LockInstance* lock = inside.context()->held_end()[-1].lock;
  if (inside.thread().hold_times != nullptr || !engine_of_process().release_last(inside.context(), address)) [[unlikely]]
    return false;
  if (record::Stream* stream = inside.stream()) [[likely]] stream->release(lock->id, next_number(lock), site);
  return true;
}

void recorded_release(Token inside, LockInstance* lock, Site site) noexcept {
  if (HoldTimes* times = inside.thread().hold_times) end_hold(inside, *times, lock, site);
  const StackRecording stack(inside);
  engine_of_process().release(inside.context(), lock, site);
  if (lock != nullptr && inside.stream() != nullptr) inside.stream()->release(lock->id, next_number(lock), site);
}

void note_init(Token inside, LockInstance* lock, Site site) noexcept {
  if (lock == nullptr || inside.stream() == nullptr) return;
  inside.stream()->init(lock->id, lock->class_id, lock->kind, lock->flags, lock->address, next_number(lock), site);
}

void destroy(Token inside, LockInstance* lock, Site site) noexcept {
  const InstanceId id = lock->id;   // the record is another object's after this
  const std::uint64_t number = next_number(lock);
  const StackRecording stack(inside);
  engine_of_process().destroy(inside.context(), lock, site);
  if (record::Stream* stream = inside.stream()) stream->destroy(id, number, site);
}

void request_as(Token inside, LockInstance* lock, ClassId class_id, Mode mode, std::uint8_t flags,
                Site site) noexcept {
  if (lock == nullptr) return;
  const StackRecording stack(inside);
  engine_of_process().request_as(inside.context(), lock, class_id, mode, flags, site);
  if (record::Stream* stream = inside.stream())
    stream->request_as(lock->id, class_id, lock->sequence.load(std::memory_order_relaxed), mode, flags, site, kNone);
}

void acquired_as(Token inside, LockInstance* lock, ClassId class_id, Mode mode, std::uint8_t flags,
                 Site site) noexcept {
  if (lock == nullptr) return;
  engine_of_process().acquired_as(inside.context(), lock, class_id, mode, flags, site);
  if (record::Stream* stream = inside.stream())
    stream->acquired_as(lock->id, class_id, next_number(lock), mode, flags, site);
}

void downgrade(Token inside, LockInstance* lock, Site site) noexcept {
  if (lock == nullptr) return;
  if (record::Stream* stream = inside.stream()) stream->downgrade(lock->id, next_number(lock), site);
  engine_of_process().downgrade(inside.context(), lock, site);
}

void wait_begin(Token inside, LockInstance* crosslock, LockInstance* mutex, std::uint8_t flags,
                Site site) noexcept {
  if (crosslock == nullptr) return;
  // A condition's mutex is given up meanwhile.
  if (HoldTimes* times = inside.thread().hold_times; times != nullptr && mutex != nullptr) end_hold(inside, *times, mutex, site);
  const StackRecording stack(inside);
  engine_of_process().wait_begin(inside.context(), crosslock, mutex, flags, site);
  if (record::Stream* stream = inside.stream())
    stream->wait_begin(crosslock->id, id_of(mutex), mutex == nullptr ? 0 : next_number(mutex), flags, tick(), site);
}

void wait_end(Token inside, LockInstance* crosslock, LockInstance* mutex, bool matched, Site site) noexcept {
  if (crosslock == nullptr) return;
  engine_of_process().wait_end(inside.context(), crosslock, nullptr, matched, site);
  if (record::Stream* stream = inside.stream())
    stream->wait_end(crosslock->id, kNone, matched, id_of(mutex), mutex == nullptr ? 0 : next_number(mutex), tick(), site);
}

void signal(Token inside, LockInstance* crosslock, std::uint32_t count, Site site) noexcept {
  if (crosslock == nullptr) return;
  const StackRecording stack(inside);
  engine_of_process().signal(inside.context(), crosslock, count, site);
  if (record::Stream* stream = inside.stream()) stream->signal(crosslock->id, count, tick(), site);
}

void enter(Token inside, ContextKind kind, LockInstance* work, LockInstance* queue, Site site, unsigned number) noexcept {
  engine_of_process().enter(inside.context(), kind, work, queue, site, number);
  if (record::Stream* stream = inside.stream()) stream->enter(kind, number, id_of(work), id_of(queue), tick(), site);
}

void leave(Token inside, Site site) noexcept {
  if (record::Stream* stream = inside.stream()) stream->leave(tick(), site);
  engine_of_process().leave(inside.context(), site);
}

void join_begin(Token inside, Context* child, std::uint8_t flags, Site site) noexcept {
  if (child == nullptr) return;
  const StackRecording stack(inside);
  engine_of_process().join_begin(inside.context(), child, flags, site);
  if (record::Stream* stream = inside.stream()) stream->join_begin(child->id(), flags, tick(), site);
}

void join_end(Token inside, Context* child, bool joined) noexcept {
  if (child == nullptr) return;
  engine_of_process().join_end(inside.context(), child, joined);
  if (record::Stream* stream = inside.stream()) stream->join_end(child->id(), joined, tick());
}

void might_lock(Token inside, LockInstance* lock, Mode mode, Site site) noexcept {
  if (lock == nullptr) return;
  const StackRecording stack(inside);
  engine_of_process().might_lock(inside.context(), lock, mode, site);
  if (record::Stream* stream = inside.stream()) stream->might_lock(lock->id, mode, site);
}

void assert_held(Token inside, LockInstance* lock, Mode mode, Site site) noexcept {
  if (lock == nullptr) return;
  const StackRecording stack(inside);
  engine_of_process().assert_held(inside.context(), lock, mode, site);
  if (record::Stream* stream = inside.stream()) stream->assert_held(lock->id, mode, site);
}

void operation(Token inside, const char* name, Site site) noexcept {
  if (name == nullptr) return;
  const auto name_length = static_cast<std::uint32_t>(length(name));
  const StackRecording stack(inside);
  engine_of_process().operation(inside.context(), name, name_length, site);
  if (record::Stream* stream = inside.stream()) stream->operation(name, name_length, site);
}

}  // namespace crossdep::runtime
