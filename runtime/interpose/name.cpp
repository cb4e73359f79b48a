// SPDX-License-Identifier: MIT
//
// Names of threads: what a program calls its threads is how reports call its contexts. A name given later than the
// thread's start is told to the journal again.
//
// Threading: any thread.  Allocation: none.
#include <sys/prctl.h>

#include <cstdarg>

#include "core/memory.h"
#include "core/runtime.h"
#include "core/syscalls.h"
#include "core/text.h"
#include "core/thread_records.h"
#include "interpose/lock_call.h"

using namespace crossdep::runtime;
using namespace crossdep::engine;

namespace {

void tell(ContextId id, ContextId parent, int tid, const char* name, std::size_t n) noexcept {
  runtime.serial.lock();
  runtime.sink.thread_known({id, parent, ContextKind::kThread, static_cast<std::uint64_t>(tid), name,
                             static_cast<std::uint32_t>(n)});
  runtime.serial.unlock();
}

void named_itself() noexcept {
  Inside inside = Inside::enter();
  if (!inside) return;
  char name[16];
  const std::size_t n = thread_name(name);
  const ThreadRecord* record = this_thread().record;
  tell(inside.context()->id(), record == nullptr ? kNone : record->parent, system_gettid(), name, n);
}

void named(pthread_t thread, const char* name) noexcept {
  if (pthread_equal(thread, pthread_self())) return named_itself();
  Inside inside = Inside::enter();
  if (!inside) return;
  ThreadIdentity identity;
  if (!identity_of_thread(thread, identity)) return;  // not begun yet: it will look for its name itself
  tell(identity.context, identity.parent, identity.tid, name, length(name));
}

}  // namespace

CROSSDEP_EXPORT int pthread_setname_np(pthread_t thread, const char* name) noexcept {
  const int result = call_real(real.pthread_setname_np, thread, name);
  if (result == 0) named(thread, name);
  return result;
}

CROSSDEP_EXPORT int prctl(int option, ...) noexcept {
  va_list list;
  va_start(list, option);
  unsigned long arguments[4];
  for (unsigned long& argument : arguments) argument = va_arg(list, unsigned long);
  va_end(list);
  const int result = call_real(real.prctl, option, arguments[0], arguments[1], arguments[2], arguments[3]);
  if (option == PR_SET_NAME && result == 0) named_itself();
  return result;
}
