// SPDX-License-Identifier: MIT
//
// How a thread comes under observation and leaves it: the slow way into the runtime, contexts for threads whose creation
// was not seen, their event streams, and the end - after the destructors of the thread's other data, which may take
// locks: a key of our own whose destructor puts itself off until the last round.
//
// Threading: each thread for itself.  Allocation: the engine's; a stream's pages are mapped, and reused.
#include <limits.h>
#include <pthread.h>

#include "core/frames.h"
#include "core/hold_time.h"
#include "core/identity.h"
#include "core/modules.h"
#include "core/runtime.h"
#include "core/signal_mask.h"
#include "core/syscalls.h"
#include "core/thread_records.h"
#include "interpose/real.h"

namespace crossdep::runtime {

using namespace engine;

namespace {

constexpr unsigned kNoKey = ~0u;
unsigned end_key = kNoKey;

struct FreeStream { FreeStream* next; };
FutexLock stream_lock;
FreeStream* free_streams = nullptr;

constexpr std::size_t kStreamPages = (sizeof(record::Stream) + 4095) / 4096 * 4096;

record::Stream* take_stream() noexcept {
  {
    FutexHold hold(stream_lock);
    if (free_streams != nullptr) {
      FreeStream* stream = free_streams;
      free_streams = stream->next;
      auto* words = reinterpret_cast<std::uint64_t*>(stream);
      for (std::size_t i = 0; i < kStreamPages / 8; ++i) words[i] = 0;
      return reinterpret_cast<record::Stream*>(stream);
    }
  }
  void* pages = system_pages(kStreamPages);
  if (pages == nullptr) return nullptr;
  system_call(SYS_madvise, word(pages), kStreamPages, 18 /* MADV_WIPEONFORK */);
  return static_cast<record::Stream*>(pages);
}

void thread_end_destructor(void* value) {
  auto& self = *static_cast<ThreadState*>(value);
  if (++self.end_rounds < PTHREAD_DESTRUCTOR_ITERATIONS) {
    pthread_setspecific(end_key, value);
    return;
  }
  end_thread(0);
}

}  // namespace

void prepare_thread_ends() noexcept {
  pthread_key_t key;
  if (pthread_key_create(&key, thread_end_destructor) != 0) return;
  // Values of the first 32 keys lie in the thread itself; for others glibc allocates, which we must never cause.
  if (key < 32) end_key = key;
  else pthread_key_delete(key);
}

void watch_thread_end(ThreadState& self) noexcept {
  self.end_rounds = 0;
  if (end_key != kNoKey) pthread_setspecific(end_key, &self);
}

void open_stream(ThreadState& self, ContextId parent, InstanceId end, bool middle) noexcept {
  if (!runtime.options.record || self.context == nullptr) return;
  record::Stream* stream = take_stream();
  if (stream == nullptr || !stream->open(runtime.journal, self.context->id())) return;
  stream->context_begin(parent, ContextKind::kThread, static_cast<std::uint64_t>(system_gettid()), end, middle,
                        runtime.journal.tick());
  self.stream = stream;
  self.watched = true;
}

void close_stream(ThreadState& self) noexcept {
  record::Stream* stream = self.stream;
  if (stream == nullptr) return;
  self.stream = nullptr;
  self.watched = self.hold_times != nullptr;
  stream->close();
  FutexHold hold(stream_lock);
  auto* entry = reinterpret_cast<FreeStream*>(stream);
  entry->next = free_streams;
  free_streams = entry;
}

void restart_streams() noexcept {
  stream_lock.free_in_child();
  free_streams = nullptr;
}

bool attach_thread(ThreadState& self) noexcept {
  char name[16];
  const auto name_length = static_cast<std::uint32_t>(thread_name(name));
  self.context = engine_of_process().begin_context(nullptr, ContextKind::kThread,
                                                   static_cast<std::uint64_t>(system_gettid()), name, name_length, nullptr);
  if (self.context == nullptr) return false;
  open_stream(self, kNone, kNone, false);
  open_hold_times(self);
  self.handlers = 0;
  read_signal_mask(self);
  watch_thread_end(self);
  return true;
}

// The next thread may get the same stack. From the end down to where the thread is now, or has first used an object.
static void end_stack_objects(ThreadState& self, Site site) noexcept {
  const auto here = reinterpret_cast<std::uint64_t>(__builtin_frame_address(0));
  const std::uint64_t begin = self.lowest_object != 0 && self.lowest_object < here ? self.lowest_object : here;
  const std::uint64_t end = end_of_stack();
  self.lowest_object = 0;
  if (end == 0 || !identity.may_hold(begin, end - begin)) return;
  if (Inside inside = Inside::enter()) identity.gone(inside, begin, end, site);
}

void end_thread(Site site) noexcept {
  ThreadState& self = this_thread();
  if (self.phase == Phase::kInside || self.phase == Phase::kOff || self.context == nullptr) return;
  if (in_unknown_child()) return;
  if (self.phase == Phase::kMasked) self.phase = Phase::kReady;   // cancelled in there
  if (self.phase == Phase::kReady) end_stack_objects(self, site);
  self.phase = Phase::kInside;
  if (self.stream != nullptr) self.stream->context_end(runtime.journal.tick(), site);
  engine_of_process().end_context(self.context, site);
  close_stream(self);
  close_hold_times(self);
  thread_ended(self.record, self.context);
  self.record = nullptr;
  self.context = nullptr;
  self.resting = Phase::kOff;
  self.phase = Phase::kOff;
}

ThreadState* Inside::enter_slow(ThreadState& self) noexcept {
  find_real_functions();
  switch (self.phase) {
    case Phase::kReady:
    case Phase::kOff:
    case Phase::kInside:   // one of our own calls, or a handler that interrupted us
      return nullptr;
    case Phase::kMasked:
      // Left by an exception or a jump if the stack ends above that frame, or another one lies there.
      if (__builtin_frame_address(0) <= self.masked_by && *self.masked_by == self.masked_return) return nullptr;
      self.resting = Phase::kReady;
      self.phase = Phase::kInside;
      return &self;
    case Phase::kForking:
      if (in_unknown_child()) become_child(self);
      if (self.context == nullptr) return nullptr;
      self.phase = Phase::kInside;
      return &self;
    case Phase::kNew:
      break;
  }
  prepare();
  self.phase = Phase::kInside;
  if (in_unknown_child()) become_child(self);
  else if (start() && attach_thread(self)) self.resting = Phase::kReady;
  if (self.context != nullptr) return &self;
  // While another thread starts the runtime, or the loader is about to call our constructor, later is better than never.
  const State state = runtime.state.load(std::memory_order_acquire);
  self.phase = state == State::kOff || state == State::kStarted ? Phase::kOff : Phase::kNew;
  return nullptr;
}

}  // namespace crossdep::runtime
