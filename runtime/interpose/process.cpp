// SPDX-License-Identifier: MIT
//
// What makes, replaces and ends processes: fork, exec, _exit. A forking thread asks before each use of the runtime whose
// process it is in, because atfork handlers run on both sides inside fork(); the child starts anew at its first event
// (core/fork.cpp). vfork, posix_spawn and system need nothing: their children share our memory until they execute, and
// every end below checks the process id. exit() is covered by handlers (core/finish.cpp).
//
// Threading: any thread.  Allocation: none.
#include <alloca.h>
#include <errno.h>
#include <stdarg.h>

#include "core/finish.h"
#include "core/runtime.h"
#include "core/syscalls.h"
#include "interpose/lock_call.h"
#include "interpose/operation.h"

using namespace crossdep::runtime;

namespace {

// While this lives the thread goes the slow way into the runtime; in the child it stays so until the first event.
class Forking {
 public:
  Forking() noexcept : self_(this_thread()) {
    prepare();
    if (self_.phase != Phase::kReady) return;
    changed_ = true;
    self_.resting = Phase::kForking;
    self_.phase = Phase::kForking;
  }
  void done(pid_t child) noexcept {
    if (!changed_ || child == 0 || self_.phase != Phase::kForking) return;
    self_.resting = Phase::kReady;
    self_.phase = Phase::kReady;
  }

 private:
  ThreadState& self_;
  bool changed_ = false;
};

template <typename Function, typename... Arguments>
pid_t fork_by(Function& function, Arguments... arguments) noexcept {
  Forking forking;
  const pid_t child = call_real(function, arguments...);
  const int error = errno;
  forking.done(in_unknown_child() ? 0 : child);
  errno = error;
  return child;
}

// This image of the program is about to go: what it found must be written. An exec that is bound to fail changes nothing.
void before_exec(const char* path) noexcept {
  if (runtime.state.load(std::memory_order_acquire) != State::kStarted || in_unknown_child()) return;
  if (system_getpid() != runtime.pid || runtime.options.supervised) return;
  if (path != nullptr && base_name(path) != path && !system_exists(path, X_OK)) return;
  finish(Ending::kExec);
}

// The arguments of execl() and its like as an array; `rest` is left behind the terminating null.
#define CROSSDEP_COLLECT(first, rest)                                        \
  std::size_t count = 1;                                                     \
  {                                                                          \
    va_list counting;                                                        \
    va_copy(counting, rest);                                                 \
    for (const char* at = first; at != nullptr; at = va_arg(counting, const char*)) ++count; \
    va_end(counting);                                                        \
  }                                                                          \
  auto** arguments = static_cast<char**>(alloca(count * sizeof(char*)));     \
  arguments[0] = const_cast<char*>(first);                                   \
  for (std::size_t i = 1; i < count; ++i) arguments[i] = va_arg(rest, char*);

}  // namespace

CROSSDEP_EXPORT pid_t fork() noexcept {
  perform("fork", CROSSDEP_CALLER);
  return fork_by(real.fork);
}
CROSSDEP_EXPORT pid_t _Fork() noexcept {
  perform("fork", CROSSDEP_CALLER);
  return fork_by(real._Fork);
}
CROSSDEP_EXPORT int daemon(int keep_folder, int keep_files) noexcept {
  before_exec(nullptr);   // inside, the parent ends past every hook
  return fork_by(real.daemon, keep_folder, keep_files);
}

CROSSDEP_EXPORT void _exit(int status) {
  const int final = finish_now(status);
  call_real(real._exit, final);
  __builtin_unreachable();
}
CROSSDEP_EXPORT void _Exit(int status) noexcept {
  const int final = finish_now(status);
  call_real(real._exit, final);
  __builtin_unreachable();
}
CROSSDEP_EXPORT void quick_exit(int status) noexcept {
  note_quick_exit(status);
  call_real(real.quick_exit, status);
  __builtin_unreachable();
}

CROSSDEP_EXPORT int execve(const char* path, char* const* arguments, char* const* environment) noexcept {
  before_exec(path);
  return call_real(real.execve, path, arguments, environment);
}
CROSSDEP_EXPORT int execv(const char* path, char* const* arguments) noexcept {
  before_exec(path);
  return call_real(real.execv, path, arguments);
}
CROSSDEP_EXPORT int execvp(const char* file, char* const* arguments) noexcept {
  before_exec(file);
  return call_real(real.execvp, file, arguments);
}
CROSSDEP_EXPORT int execvpe(const char* file, char* const* arguments, char* const* environment) noexcept {
  before_exec(file);
  return call_real(real.execvpe, file, arguments, environment);
}
CROSSDEP_EXPORT int fexecve(int fd, char* const* arguments, char* const* environment) noexcept {
  before_exec(nullptr);
  return call_real(real.fexecve, fd, arguments, environment);
}
CROSSDEP_EXPORT int execl(const char* path, const char* first, ...) noexcept {
  va_list rest;
  va_start(rest, first);
  CROSSDEP_COLLECT(first, rest)
  va_end(rest);
  before_exec(path);
  return call_real(real.execv, path, arguments);
}
CROSSDEP_EXPORT int execlp(const char* file, const char* first, ...) noexcept {
  va_list rest;
  va_start(rest, first);
  CROSSDEP_COLLECT(first, rest)
  va_end(rest);
  before_exec(file);
  return call_real(real.execvp, file, arguments);
}
CROSSDEP_EXPORT int execle(const char* path, const char* first, ...) noexcept {
  va_list rest;
  va_start(rest, first);
  CROSSDEP_COLLECT(first, rest)
  char* const* environment = va_arg(rest, char* const*);
  va_end(rest);
  before_exec(path);
  return call_real(real.execve, path, arguments, environment);
}
