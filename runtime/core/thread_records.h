// SPDX-License-Identifier: MIT
//
// The threads whose creation was seen: from the creator's call to the last use of the thread's id by join or detach.
//
// Thread safety: any thread; one lock.  Allocation: Memory; a record goes when the thread has ended, been joined or
// detached, and its creator has returned.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "engine/engine.h"

namespace crossdep::runtime {

struct ThreadRecord {
  engine::Context* context;          // begun by the creator
  engine::ContextId parent;
  engine::LockInstance* end;         // released by its end
  void* (*start)(void*);
  int (*start_c11)(void*);           // of thrd_create(); one of the two
  void* argument;
  pthread_t id;
  std::atomic<int> tid;              // 0: it has not begun
  bool listed, ended, gone;          // gone: joined or detached, its id means nothing any more
  bool created;                      // the creator has returned
};

/// Copies the calling thread's name (at most 16 bytes) and returns its length.
std::size_t thread_name(char* out) noexcept;

ThreadRecord* new_thread_record() noexcept;
/// The thread's id is known, to the creator or to the thread itself.
void list_thread(ThreadRecord*, pthread_t id, bool by_creator) noexcept;
/// It was never created.
void drop_thread_record(ThreadRecord*) noexcept;
/// Of a thread that is about to be joined, which keeps it; nullptr if its creation was not seen.
ThreadRecord* record_of_thread(pthread_t id) noexcept;
struct ThreadIdentity {
  engine::ContextId context, parent;
  int tid;
};
/// Who the thread is; false if its creation was not seen or it has not begun.
bool identity_of_thread(pthread_t id, ThreadIdentity& out) noexcept;
/// It was joined: its context goes back if that is not used by anybody any more. Its id may be another thread's by now.
void thread_gone(ThreadRecord*) noexcept;
/// It is being detached.
void thread_detached(pthread_t id) noexcept;
void thread_ended(ThreadRecord*, engine::Context*) noexcept;
/// In a fork child no other thread is left.
void forget_threads() noexcept;

}  // namespace crossdep::runtime
