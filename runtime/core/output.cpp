// SPDX-License-Identifier: MIT
//
// See output.h; how the analyzer program is run is in helper_process.cpp.
//
// Threading: see output.h.  Allocation: see output.h.
#include "core/output.h"

#include <errno.h>
#include <sys/stat.h>

#include "core/finish.h"
#include "core/helper_process.h"
#include "core/runtime.h"
#include "core/syscalls.h"

namespace crossdep::runtime {
namespace {

struct { std::uint64_t device, inode; bool known; } standard_error;
FutexLock print_lock;

bool standard_error_is_ours() noexcept {
  struct stat now;
  return standard_error.known && system_fstat(2, &now) == 0 && now.st_dev == standard_error.device &&
         now.st_ino == standard_error.inode;
}

// The descriptor to print to, or -1. `opened` tells whether it has to be closed.
int open_output(bool& opened) noexcept {
  opened = false;
  const Path& log = runtime.places.log;
  if (log.length() == 0) return standard_error_is_ours() ? 2 : -1;
  const long fd = system_open(log.data(), O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY, 0644);
  if (fd < 0) return standard_error_is_ours() ? 2 : -1;
  opened = true;
  return static_cast<int>(fd);
}

const char* check_name(engine::Check check) noexcept {
  using engine::Check;
  switch (check) {
    case Check::kLockOrderCycle: return "lock-order-cycle";
    case Check::kCrossReleaseCycle: return "cross-release-cycle";
    case Check::kRecursiveLock: return "recursive-lock";
    case Check::kBadUnlock: return "bad-unlock";
    case Check::kDestroyHeld: return "destroy-held";
    case Check::kExitHeld: return "exit-held";
    case Check::kAssertHeld: return "assert-held";
    case Check::kSignalUnsafeLock: return "signal-unsafe-lock";
    case Check::kWaitContext: return "wait-context";
  }
  return "finding";
}

void print_raw(const engine::FindingInfo& finding) noexcept {
  Line line;
  line.add("crossdep: ").add(check_name(finding.check)).add(": lock instance ").number(finding.instance);
  line.add(", at ").hex(finding.site).add(", thread ").number(static_cast<unsigned>(system_gettid()));
  if (runtime.journal.is_open())
    line.add(" (not symbolised; see `crossdep report ").add(runtime.journal.path()).add("`)");
  say(line.add('\n'));
}

}  // namespace

void remember_standard_error() noexcept {
  struct stat now;
  standard_error.known = system_fstat(2, &now) == 0;
  if (!standard_error.known) return;
  standard_error.device = now.st_dev;
  standard_error.inode = now.st_ino;
}

void say(const char* line, std::size_t length) noexcept {
  bool opened;
  const int fd = open_output(opened);
  if (fd < 0) return;
  while (length != 0) {
    const long n = system_write(fd, line, length);
    if (n == -EINTR) continue;
    if (n <= 0) break;
    line += n;
    length -= static_cast<std::size_t>(n);
  }
  if (opened) system_close(fd);
}

namespace {

void print_all(const Pending& findings) noexcept {
  FutexHold hold(print_lock);
  bool opened;
  const int fd = open_output(opened);
  if (fd < 0) return;
  for (unsigned i = 0; i < findings.count; ++i) {
    Text<32> number;
    number.number(findings.findings[i].id);
    const char* const arguments[] = {runtime.places.helper.data(), "render", runtime.journal.path(), "--finding",
                                     number.data(), runtime.options.verbose ? "--verbose" : nullptr, nullptr};
    const bool done = runtime.journal.is_open() && runtime.places.helper.length() != 0 && run_helper(arguments, fd);
    if (!done) print_raw(findings.findings[i]);
  }
  if (opened) system_close(fd);
}

}  // namespace

void print_findings(const Pending& findings) noexcept {
  print_all(findings);
  if (!runtime.options.halt_on_finding) return;
  if (this_thread().record_stacks) this_thread().halts = true;
  else halt();
}

void restart_output() noexcept { print_lock.free_in_child(); }

bool write_graph(const char* path) noexcept {
  if (!runtime.journal.is_open() || runtime.places.helper.length() == 0) return false;
  bool opened;
  const int fd = open_output(opened);
  const char* const arguments[] = {runtime.places.helper.data(), "render", runtime.journal.path(), "--graph", path,
                                   nullptr};
  const bool done = run_helper(arguments, fd);
  if (opened) system_close(fd);
  return done;
}

}  // namespace crossdep::runtime
