// SPDX-License-Identifier: MIT
//
// See thread_records.h.
//
// Threading and allocation: see thread_records.h.
#include "core/thread_records.h"

#include <sys/prctl.h>

#include "core/futex_lock.h"
#include "core/identity.h"
#include "core/runtime.h"
#include "core/text.h"

namespace crossdep::runtime {

using namespace engine;

namespace {

FutexLock table_lock;
ObjectMap<ThreadRecord> threads;   // by pthread_t

// What can be given back: the record when nobody knows it any more. The caller has the lock; the engine is called
// without it.
bool is_done(const ThreadRecord& record) noexcept { return record.created && record.ended && record.gone; }

void give_back(ThreadRecord* record) noexcept {
  engine_of_process().release_context(record->context);
  memory.drop(record);
}

void unlist(ThreadRecord* record) noexcept {
  if (!record->listed) return;
  threads.erase(static_cast<std::uint64_t>(record->id));
  record->listed = false;
}

}  // namespace

std::size_t thread_name(char* out) noexcept {
  char name[17] = {};
  system_call(SYS_prctl, PR_GET_NAME, word(name));
  const std::size_t n = length(name);
  for (std::size_t i = 0; i < n; ++i) out[i] = name[i];
  return n;
}

ThreadRecord* new_thread_record() noexcept { return memory.make<ThreadRecord>(); }

void list_thread(ThreadRecord* record, pthread_t id, bool by_creator) noexcept {
  bool done = false;
  {
    FutexHold hold(table_lock);
    if (by_creator) record->created = true;
    if (!record->listed && !record->gone) {
      const auto key = static_cast<std::uint64_t>(id);
      record->id = id;
      // An id is used again when its thread is gone; of one that was never joined the record stays behind.
      if (ThreadRecord* old = threads.find(key)) {
        threads.erase(key);
        old->listed = false;
      }
      record->listed = threads.insert(key, record);
    }
    done = is_done(*record);
  }
  if (done) give_back(record);
}

void drop_thread_record(ThreadRecord* record) noexcept {
  if (record == nullptr) return;
  engine_of_process().release_context(record->context);
  memory.drop(record);
}

ThreadRecord* record_of_thread(pthread_t id) noexcept {
  FutexHold hold(table_lock);
  return threads.find(static_cast<std::uint64_t>(id));
}

bool identity_of_thread(pthread_t id, ThreadIdentity& out) noexcept {
  FutexHold hold(table_lock);
  const ThreadRecord* record = threads.find(static_cast<std::uint64_t>(id));
  if (record == nullptr || record->ended) return false;
  out = {record->context->id(), record->parent, record->tid.load(std::memory_order_relaxed)};
  return out.tid != 0;
}

void thread_gone(ThreadRecord* record) noexcept {
  bool done;
  {
    FutexHold hold(table_lock);
    record->gone = true;
    unlist(record);
    done = is_done(*record);
  }
  if (done) give_back(record);
}

void thread_detached(pthread_t id) noexcept {
  if (ThreadRecord* record = record_of_thread(id)) thread_gone(record);
}

void thread_ended(ThreadRecord* record, Context* context) noexcept {
  if (record == nullptr) return engine_of_process().release_context(context);
  bool done;
  {
    FutexHold hold(table_lock);
    record->ended = true;
    done = is_done(*record);
  }
  if (done) give_back(record);
}

void forget_threads() noexcept {
  table_lock.free_in_child();
  ObjectMap<ThreadRecord> dropped;
  dropped.take_over(threads);
}

}  // namespace crossdep::runtime
