// SPDX-License-Identifier: MIT
//
// See helper_process.h. Two processes: a monitor, cloned with exit signal 0, which never executes anything (exec would
// turn its exit signal into SIGCHLD) and which the program's wait() does not see; and its child, which becomes the
// helper. Both borrow our memory (CLONE_VM | CLONE_VFORK), run on stacks of their own, and only make system calls. They
// keep every signal blocked, so ^C ends the program, not the report about it. The environment goes along without LD_*
// (the helper must not run under this library, nor with the program's libraries) and without our options.
//
// Threading: see helper_process.h.  Allocation: see helper_process.h.
#include "core/helper_process.h"

#include <errno.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include "core/clone.h"
#include "core/syscalls.h"
#include "core/text.h"

extern "C" char** environ;

namespace crossdep::runtime {
namespace {

constexpr std::size_t kStack = 32 * 1024;   // one for each process
constexpr std::size_t kMostVariables = 4096;

struct Launch {
  const char* const* arguments;
  const char** environment;
  int error_fd, output_fd;
  char* stack_top;   // of the second process
};

int child(void* data) noexcept {
  const auto* launch = static_cast<const Launch*>(data);
  const long null_fd = system_open("/dev/null", O_RDWR);
  // Out of the way of 0, 1 and 2, in a program that has closed them.
  long error_fd = launch->error_fd;
  if (error_fd < 0) error_fd = null_fd;
  const long high = system_call(SYS_fcntl, error_fd, F_DUPFD_CLOEXEC, 3);
  const long high_output = launch->output_fd < 0 ? 0 : system_call(SYS_fcntl, launch->output_fd, F_DUPFD_CLOEXEC, 3);
  const long high_null = system_call(SYS_fcntl, null_fd, F_DUPFD_CLOEXEC, 3);
  if (high < 0 || high_null < 0 || high_output < 0) system_call(SYS_exit, 126);
  system_call(SYS_dup3, high_null, 0, 0);
  system_call(SYS_dup3, high_output > 0 ? high_output : high_null, 1, 0);
  system_call(SYS_dup3, high, 2, 0);
  system_call(SYS_close_range, 3, ~0u, 0);
  system_call(SYS_execve, word(launch->arguments[0]), word(launch->arguments), word(launch->environment));
  system_call(SYS_exit, 127);
  return 127;
}

// The exit status.
int wait_for(long pid) noexcept {
  int status = 0;
  long got;
  do got = system_call(SYS_wait4, pid, word(&status), __WALL, 0);
  while (got == -EINTR);
  return got == pid && (status & 0x7f) == 0 ? status >> 8 & 0xff : kHelperFailed;
}

int monitor(void* data) noexcept {
  auto* launch = static_cast<Launch*>(data);
  // Where the program ignores SIGCHLD the kernel would throw the helper's status away. The table is our own copy.
  const std::uint64_t standard[4] = {};
  system_call(SYS_rt_sigaction, SIGCHLD, word(standard), 0, sizeof(std::uint64_t));
  const long pid = start_clone(child, launch->stack_top, launch, CLONE_VM | CLONE_VFORK | SIGCHLD);
  return pid > 0 ? wait_for(pid) : kHelperFailed;
}

}  // namespace

int run_helper(const char* const* arguments, int error_fd, int output_fd) noexcept {
  const std::size_t bytes = 2 * kStack + kMostVariables * sizeof(char*);
  auto* pages = static_cast<char*>(system_pages(bytes));
  if (pages == nullptr) return kHelperFailed;
  auto** environment = reinterpret_cast<const char**>(pages + 2 * kStack);
  std::size_t count = 0;
  for (char** at = environ; at != nullptr && *at != nullptr && count + 1 < kMostVariables; ++at)
    if (!begins_with(*at, "LD_") && !begins_with(*at, "CROSSDEP_")) environment[count++] = *at;
  environment[count] = nullptr;

  Launch launch{arguments, environment, error_fd, output_fd, pages + 2 * kStack - 64};
  const std::uint64_t signals = system_block_signals();
  const long pid = start_clone(monitor, pages + kStack - 64, &launch, CLONE_VM | CLONE_VFORK);
  const int status = pid > 0 ? wait_for(pid) : kHelperFailed;
  system_restore_signals(signals);
  system_release_pages(pages, bytes);
  return status;
}

}  // namespace crossdep::runtime
