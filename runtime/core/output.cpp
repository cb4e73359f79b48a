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
#include "core/hold_time.h"
#include "core/report_hook.h"
#include "core/runtime.h"
#include "core/syscalls.h"

namespace crossdep::runtime {
namespace {

struct { std::uint64_t device, inode; bool known; } standard_error;
FutexLock print_lock;
std::atomic<bool> log_lost{false};
std::atomic<bool> suppressions_lost{false};

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

// Room for a journal, its options and every rule file.
struct Arguments {
  const char* words[20 + 2 * Places::kMostRules] = {};
  unsigned count = 0;

  void add(const char* word) noexcept { words[count++] = word; }
  void add_judging() noexcept {
    if (runtime.options.verbose) add("--verbose");
    if (runtime.places.headings) add("--headings");
    if (runtime.places.suppressions.length() != 0 && !suppressions_lost.load(std::memory_order_relaxed)) {
      add("--suppressions");
      add(runtime.places.suppressions.data());
    }
    for (unsigned i = 0; i < runtime.places.rule_count; ++i) {
      add("--rules");
      add(runtime.places.rule_files[i]);
    }
    if (runtime.places.rule_count == 0) return;
    add("--fail-on");
    add(verdict_name(runtime.options.fail_on));
  }
};

int print_by_helper(const engine::FindingInfo& finding, int fd) noexcept {
  if (!runtime.journal.is_open() || runtime.places.helper.length() == 0) return kHelperFailed;
  Text<32> number;
  number.number(finding.id);
  Arguments arguments;
  for (const char* word : {runtime.places.helper.data(), "render", runtime.journal.path(), "--finding", number.data()}) arguments.add(word);
  arguments.add_judging();
  const int status = run_helper(arguments.words, fd);
  if (status != kHelperWithoutSuppressions) return status;
  suppressions_lost.store(true, std::memory_order_relaxed);   // told once is enough
  return 0;
}

// Straight to where it belongs, or by way of memory if the program wants the text too. False: it is suppressed.
bool print_finding(const engine::FindingInfo& finding, bool counted, ReportText* copy, Line& raw) noexcept {
  // A handler of the program may end the process, which waits for whoever prints.
  const std::uint64_t signals = system_block_signals();
  print_lock.lock();
  bool opened;
  const int fd = open_output(opened);
  bool suppressed = false;
  // Of a finding nobody will see it must still be known whether it counts.
  if (fd >= 0 || copy != nullptr || runtime.places.suppressions.length() != 0) {
    const bool by_memory = copy != nullptr && copy->fd() >= 0;
    const int status = print_by_helper(finding, by_memory ? copy->fd() : fd);
    const bool done = status == 0 || status == kHelperSuppressed;
    suppressed = status == kHelperSuppressed;
    const char* const text = done && by_memory ? copy->text() : nullptr;
    if (!done) describe(finding, raw);
    long error = 0;
    if (suppressed && counted) runtime.sink.discount();
    if (fd >= 0 && text != nullptr) put(fd, opened, text, length(text));
    else if (fd >= 0 && !done) write_all(fd, raw.data(), raw.length(), error);
    if (error != 0 && opened) {   // it was the log that failed, not the helper
      const int other = give_up_log(error);
      if (other >= 0 && print_by_helper(finding, other) != 0) write_all(other, raw.data(), raw.length(), error);
    }
  }
  if (opened) system_close(fd);
  print_lock.unlock();
  system_restore_signals(signals);
  return !suppressed;
}

std::atomic<unsigned> unrecorded{0};   // threads whose finding is being printed and whose event is not recorded

}  // namespace

void print_findings(const Pending& findings) noexcept {
  ThreadState& self = this_thread();
  if (findings.count != 0 && self.record_stacks && self.stream != nullptr && !self.unrecorded) {
    self.unrecorded = true;
    unrecorded.fetch_add(1, std::memory_order_relaxed);
  }
  const std::int64_t began = self.hold_times != nullptr ? hold_clock() : 0;
  bool any = false;
  for (unsigned i = 0; i < findings.count; ++i) {
    const engine::FindingInfo& finding = findings.findings[i];
    const bool counted = findings.counted[i];
    Line raw;
    if (report_hook_present()) {
      ReportText copy;
      if (!print_finding(finding, counted, &copy, raw)) continue;
      const char* const text = copy.text();
      call_report_hook(finding, text != nullptr ? text : raw.data());
    } else {
      if (!print_finding(finding, counted, nullptr, raw)) continue;
    }
    any = true;
  }
  if (self.hold_times != nullptr) excuse_holds(self, hold_clock() - began);
  if (!runtime.options.halt_on_finding || !any) return;
  if (self.record_stacks) self.halts = true;
  else halt();
}

namespace {

std::atomic<std::int64_t> next_judging{0};   // not before, in nanoseconds
std::atomic<bool> rules_lost{false};         // they cannot be read: told at the end

// Ids of what rules have found and was printed, a line each; gone when the process has ended.
Path told_path() noexcept {
  Path told;
  told.add(runtime.journal.path()).add(".told");
  return told;
}

}  // namespace

void judge_by_rules() noexcept {
  const std::int64_t began = hold_clock();
  const bool halts = runtime.options.halt_on_finding;
  if (!halts && began < next_judging.load(std::memory_order_relaxed)) return;
  if (rules_lost.load(std::memory_order_relaxed) || !runtime.journal.is_open() || runtime.places.helper.length() == 0) return;
  const Path told = told_path();
  Arguments arguments;
  for (const char* word : {runtime.places.helper.data(), "render", runtime.journal.path(), "--live", "--told", told.data()}) arguments.add(word);
  arguments.add_judging();
  const std::uint64_t signals = system_block_signals();
  print_lock.lock();
  bool opened;
  const int fd = open_output(opened);
  const int status = run_helper(arguments.words, fd);
  if (opened) system_close(fd);
  print_lock.unlock();
  system_restore_signals(signals);
  const std::int64_t ended = hold_clock();
  excuse_holds(this_thread(), ended - began);
  next_judging.store(ended + 9 * (ended - began), std::memory_order_relaxed);
  if (status != 0 && status != kHelperRuleFindings) rules_lost.store(true, std::memory_order_relaxed);
  if (status != kHelperRuleFindings) return;
  runtime.sink.count_rule_findings();
  if (!halts) return;
  ThreadState& self = this_thread();
  if (self.record_stacks) self.halts = true;
  else halt();
}

void print_blocked(const char* list, unsigned count, unsigned seconds) noexcept {
  FutexHold hold(print_lock);
  bool opened;
  const int fd = open_output(opened);
  if (fd < 0) return;
  Text<32> duration;
  duration.number(seconds);
  const char* const arguments[] = {runtime.places.helper.data(), "render", runtime.journal.path(), "--blocked", list,
                                   "--blocked-for", duration.data(), nullptr};
  if (!runtime.journal.is_open() || runtime.places.helper.length() == 0 || run_helper(arguments, fd) != 0) {
    Line line;
    line.add("crossdep: ").number(count).add(" threads are blocked; without the crossdep program they cannot be named\n");
    put(fd, opened, line.data(), line.length());
  }
  if (opened) system_close(fd);
}

void wait_for_printing() noexcept { FutexHold hold(print_lock); }

void finding_recorded() noexcept {
  this_thread().unrecorded = false;
  unrecorded.fetch_sub(1, std::memory_order_release);
}

void wait_for_recording() noexcept {
  constexpr int kMostWaits = 1000;   // of 10 ms
  const std::int64_t pause[2] = {0, 10'000'000};
  const unsigned own = this_thread().unrecorded ? 1 : 0;
  for (int i = 0; i < kMostWaits && unrecorded.load(std::memory_order_acquire) > own; ++i)
    system_call(SYS_nanosleep, word(pause), 0);
}

void restart_output() noexcept {
  print_lock.free_in_child();
  unrecorded.store(0, std::memory_order_relaxed);
  next_judging.store(0, std::memory_order_relaxed);
  this_thread().unrecorded = false;
}

bool write_graph(const char* path) noexcept {
  if (!runtime.journal.is_open() || runtime.places.helper.length() == 0) return false;
  bool opened;
  const int fd = open_output(opened);
  Arguments arguments;
  for (const char* word : {runtime.places.helper.data(), "render", runtime.journal.path()}) arguments.add(word);
  if (path != nullptr) {
    arguments.add("--graph");
    arguments.add(path);
    if (runtime.options.merge) arguments.add("--merge");
  }
  const Path told = told_path();
  if (runtime.places.rule_count != 0) {
    arguments.add("--told");
    arguments.add(told.data());
    arguments.add_judging();
  }
  const int status = run_helper(arguments.words, fd);
  if (runtime.places.rule_count != 0) system_unlink(told.data());
  if (status == kHelperRuleFindings) runtime.sink.count_rule_findings();
  if (opened) system_close(fd);
  return status == 0 || status == kHelperRuleFindings;
}

}  // namespace crossdep::runtime
