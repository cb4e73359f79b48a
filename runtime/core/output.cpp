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
#include "core/report_hook.h"
#include "core/runtime.h"
#include "core/syscalls.h"

namespace crossdep::runtime {
namespace {

struct { std::uint64_t device, inode; bool known; } standard_error;
FutexLock print_lock;
std::atomic<bool> log_lost{false};

bool standard_error_is_ours() noexcept {
  struct stat now;
  return standard_error.known && system_fstat(2, &now) == 0 && now.st_dev == standard_error.device &&
         now.st_ino == standard_error.inode;
}

void write_all(int fd, const char* text, std::size_t length, long& error) noexcept {
  error = 0;
  while (length != 0 && error == 0) {
    const long n = system_write(fd, text, length);
    if (n == -EINTR) continue;
    if (n <= 0) {
      error = n == 0 ? -ENOSPC : n;
      return;
    }
    text += n;
    length -= static_cast<std::size_t>(n);
  }
}

// The log is of no use: from here on everything goes to standard error, which is told so once.
int give_up_log(long error) noexcept {
  if (!standard_error_is_ours()) return -1;
  if (!log_lost.exchange(true, std::memory_order_relaxed)) {
    Line line;
    line.add("crossdep: error: ").add(runtime.places.log.data()).add(": cannot write the log: ");
    if (const char* name = record::error_name(static_cast<int>(-error))) line.add(name);
    else line.add("error ").number(static_cast<std::uint64_t>(-error));
    line.add("; findings are printed here\n");
    write_all(2, line.data(), line.length(), error);
  }
  return 2;
}

// The descriptor to print to, or -1. `opened` tells whether it is the log, which has to be closed.
int open_output(bool& opened) noexcept {
  opened = false;
  const Path& log = runtime.places.log;
  if (log.length() == 0 || log_lost.load(std::memory_order_relaxed)) return standard_error_is_ours() ? 2 : -1;
  const long fd = system_open(log.data(), O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY, 0644);
  if (fd < 0) return give_up_log(fd);
  opened = true;
  return static_cast<int>(fd);
}

// To where findings go, or to standard error if the log cannot take it.
void put(int fd, bool is_log, const char* text, std::size_t length) noexcept {
  long error;
  write_all(fd, text, length, error);
  if (error == 0 || !is_log) return;
  const int other = give_up_log(error);
  if (other >= 0) write_all(other, text, length, error);
}

// Without the helper: what the engine knows, in one line.
void describe(const engine::FindingInfo& finding, Line& line) noexcept {
  line.add("crossdep: ").add(check_name(finding.check)).add(": lock instance ").number(finding.instance);
  line.add(", at ").hex(finding.site).add(", thread ").number(static_cast<unsigned>(system_gettid()));
  if (runtime.journal.is_open())
    line.add(" (not symbolised; see `crossdep report ").add(runtime.journal.path()).add("`)");
  line.add('\n');
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
  put(fd, opened, line, length);
  if (opened) system_close(fd);
}

namespace {

bool print_by_helper(const engine::FindingInfo& finding, int fd) noexcept {
  if (!runtime.journal.is_open() || runtime.places.helper.length() == 0) return false;
  Text<32> number;
  number.number(finding.id);
  const char* const arguments[] = {runtime.places.helper.data(), "render", runtime.journal.path(), "--finding",
                                   number.data(), runtime.options.verbose ? "--verbose" : nullptr, nullptr};
  return run_helper(arguments, fd);
}

// Straight to where it belongs, or by way of memory if the program wants the text too.
void print_finding(const engine::FindingInfo& finding, ReportText* copy, Line& raw) noexcept {
  FutexHold hold(print_lock);
  bool opened;
  const int fd = open_output(opened);
  if (fd >= 0 || copy != nullptr) {
    const bool by_memory = copy != nullptr && copy->fd() >= 0;
    const bool done = print_by_helper(finding, by_memory ? copy->fd() : fd);
    const char* const text = done && by_memory ? copy->text() : nullptr;
    if (!done) describe(finding, raw);
    long error = 0;
    if (fd >= 0 && text != nullptr) put(fd, opened, text, length(text));
    else if (fd >= 0 && !done) write_all(fd, raw.data(), raw.length(), error);
    if (error != 0 && opened) {   // it was the log that failed, not the helper
      const int other = give_up_log(error);
      if (other >= 0 && !print_by_helper(finding, other)) write_all(other, raw.data(), raw.length(), error);
    }
  }
  if (opened) system_close(fd);
}

}  // namespace

void print_findings(const Pending& findings) noexcept {
  for (unsigned i = 0; i < findings.count; ++i) {
    const engine::FindingInfo& finding = findings.findings[i];
    Line raw;
    if (report_hook_present()) {
      ReportText copy;
      print_finding(finding, &copy, raw);
      const char* const text = copy.text();
      call_report_hook(finding, text != nullptr ? text : raw.data());
    } else {
      print_finding(finding, nullptr, raw);
    }
  }
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
