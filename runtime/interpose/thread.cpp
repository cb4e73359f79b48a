// SPDX-License-Identifier: MIT
//
// Threads: create, join in its forms, detach; pthread's and C11's. The creator begins the new thread's context, so that
// what it does later is not taken to be ordered before the thread. The class of a thread's end is its start routine;
// where that is the C++ library's own, the place that made the thread.
//
// Threading: any thread.  Allocation: a record a thread (core/thread_records.h).
#include "core/hold_time.h"
#include "core/thread_records.h"

#include "core/modules.h"
#include "core/signal_mask.h"
#include "interpose/lock_call.h"
#include "interpose/wait_call.h"

using namespace crossdep::runtime;
using namespace crossdep::engine;

namespace {

// In the new thread: takes over the context its creator began.
void begin(ThreadRecord* record) noexcept {
  ThreadState& self = this_thread();
  self.phase = Phase::kInside;
  self.context = record->context;
  self.record = record;
  list_thread(record, pthread_self(), false);
  record->tid.store(system_gettid(), std::memory_order_relaxed);
  char name[16];
  const std::size_t n = thread_name(name);
  runtime.serial.lock();
  runtime.sink.thread_known({record->context->id(), record->parent, ContextKind::kThread,
                             static_cast<std::uint64_t>(system_gettid()), name, static_cast<std::uint32_t>(n)});
  runtime.serial.unlock();
  open_stream(self, record->parent, record->end == nullptr ? kNone : record->end->id, false);
  open_hold_times(self);
  read_signal_mask(self);
  watch_thread_end(self);
  self.resting = Phase::kReady;
  self.phase = Phase::kReady;
}

void* run_posix(void* data) {
  auto* record = static_cast<ThreadRecord*>(data);
  auto* const start = record->start;
  void* const argument = record->argument;
  begin(record);
  return start(argument);
}

int run_c11(void* data) {
  auto* record = static_cast<ThreadRecord*>(data);
  auto* const start = record->start_c11;
  void* const argument = record->argument;
  begin(record);
  return start(argument);
}

// nullptr: the thread is not to be observed.
ThreadRecord* announce(std::uint64_t start, Site site) noexcept {
  Inside inside = Inside::enter();
  if (!inside) return nullptr;
  ThreadRecord* record = new_thread_record();
  if (record == nullptr) return nullptr;
  record->end = identity.thread_end(inside, start, reinterpret_cast<std::uint64_t>(record), site);
  record->parent = inside.context()->id();
  record->context = engine_of_process().begin_context(inside.context(), ContextKind::kThread, 0, nullptr, 0, record->end);
  if (record->context == nullptr) {
    memory.drop(record);
    return nullptr;
  }
  if (crossdep::record::Stream* stream = inside.stream())
    stream->fork(record->context->id(), record->end == nullptr ? kNone : record->end->id, runtime.journal.tick());
  return record;
}

template <typename Id>
void announced(ThreadRecord* record, bool created, const Id* id) noexcept {
  Inside inside = Inside::enter();
  if (!inside) return;
  if (created) return list_thread(record, *id, true);
  engine_of_process().end_context(record->context, 0);
  drop_thread_record(record);
}

template <typename Function, typename... Arguments>
int join(Function& function, std::uint8_t flags, Site site, pthread_t thread, Arguments... arguments) {
  // The record, not the id: as soon as the call is over that may be a new thread's.
  ThreadRecord* child = nullptr;
  if (Inside inside = Inside::enter()) {
    child = record_of_thread(thread);
    if (child != nullptr && (flags & kTry) == 0) join_begin(inside, child->context, flags, site);
  }
  const int result = call_real(function, thread, arguments...);
  if (child != nullptr) {
    if (Inside inside = Inside::enter()) {
      if ((flags & kTry) == 0 || result == 0) join_end(inside, child->context, result == 0);
      if (result == 0) thread_gone(child);
    }
  }
  return result;
}

}  // namespace

CROSSDEP_EXPORT int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*),
                                   void* argument) noexcept {
  ThreadRecord* record = announce(reinterpret_cast<std::uint64_t>(start), CROSSDEP_CALLER);
  if (record == nullptr) return call_real(real.pthread_create, thread, attributes, start, argument);
  record->start = start;
  record->argument = argument;
  int detached = PTHREAD_CREATE_JOINABLE;
  if (attributes != nullptr) pthread_attr_getdetachstate(attributes, &detached);
  record->gone = detached == PTHREAD_CREATE_DETACHED;
  const int result = call_real(real.pthread_create, thread, attributes, run_posix, static_cast<void*>(record));
  announced(record, result == 0, thread);
  return result;
}
CROSSDEP_EXPORT int pthread_join(pthread_t thread, void** value) {
  return join(real.pthread_join, 0, CROSSDEP_CALLER, thread, value);
}
CROSSDEP_EXPORT int pthread_tryjoin_np(pthread_t thread, void** value) noexcept {
  return join(real.pthread_tryjoin_np, kTry, CROSSDEP_CALLER, thread, value);
}
CROSSDEP_EXPORT int pthread_timedjoin_np(pthread_t thread, void** value, const timespec* until) {
  return join(real.pthread_timedjoin_np, kTimed, CROSSDEP_CALLER, thread, value, until);
}
CROSSDEP_EXPORT int pthread_clockjoin_np(pthread_t thread, void** value, clockid_t clock, const timespec* until) {
  return join(real.pthread_clockjoin_np, kTimed, CROSSDEP_CALLER, thread, value, clock, until);
}
CROSSDEP_EXPORT int pthread_detach(pthread_t thread) noexcept {
  // Before: after it the id may be another thread's already.
  if (Inside inside = Inside::enter()) thread_detached(thread);
  return call_real(real.pthread_detach, thread);
}

CROSSDEP_EXPORT int thrd_create(thrd_t* thread, thrd_start_t start, void* argument) {
  ThreadRecord* record = announce(reinterpret_cast<std::uint64_t>(start), CROSSDEP_CALLER);
  if (record == nullptr) return call_real(real.thrd_create, thread, start, argument);
  record->start_c11 = start;
  record->argument = argument;
  const int result = call_real(real.thrd_create, thread, run_c11, static_cast<void*>(record));
  announced(record, result == thrd_success, thread);
  return result;
}
CROSSDEP_EXPORT int thrd_join(thrd_t thread, int* value) {
  return join(real.thrd_join, 0, CROSSDEP_CALLER, thread, value);
}
CROSSDEP_EXPORT int thrd_detach(thrd_t thread) {
  if (Inside inside = Inside::enter()) thread_detached(thread);
  return call_real(real.thrd_detach, thread);
}
