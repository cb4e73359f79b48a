// SPDX-License-Identifier: MIT
//
// Other tools' reports: what is read from every sample (golden file), and that prefixes, line ends, other messages in
// between, interleaving and cuts change nothing or are said.
#include <functional>

#include "catch.hpp"
#include "reports/splat.h"
#include "told.h"
#include "unit/reports/golden.h"

using namespace crossdep;
using namespace crossdep::traces_test;

namespace {

const char* const kSplats[] = {
    "splats/balance.txt", "splats/circular3.txt", "splats/freed.txt", "splats/irq_inversion.txt", "splats/recursive.txt",
    "splats/wqflush.txt", "splats/forms/2.6.18-circular.txt", "splats/forms/2.6.18-hard-safe.txt",
    "splats/forms/3.10-inconsistent-syslog.txt", "splats/forms/4.9-irq-order.txt", "splats/forms/4.14-i915-crosslock.txt",
    "splats/forms/4.14-rc-by-crosslock.txt", "splats/forms/6.6-two-callers.txt", "splats/forms/6.12-syzbot-decoded.txt",
    "splats/forms/mixed-observed.txt", "splats/forms/dept.txt"};
const char* const kTools[] = {"tools/tsan-gcc-order.txt",    "tools/tsan-gcc-misuse.txt", "tools/tsan-clang-order.txt",
                              "tools/tsan-clang-misuse.txt", "tools/helgrind-order.txt",  "tools/helgrind-misuse.txt",
                              "tools/drd-misuse.txt"};
const char* const kCases[] = {"abba_mutex", "abba_spin", "abcd_mixed", "bad_subclass", "cpuhp_wq", "down_bad", "freed_held", "gate",
                              "irq_hard", "irq_inversion", "irq_rw", "irq_soft", "mmap_fault", "names_clash", "one_task_abba",
                              "rcu_sleep", "rec_mutex", "rwlock_abba_read", "rwsem_rr", "seq_irq", "sys_exit_held", "unlock_spin",
                              "wq_cancel_sync", "wq_flush_queue", "wq_flush_work"};

std::string describe(const Told& told) {
  const reports::Graph& g = told.graph;
  std::string out;
  if (!told.status.ok()) out += "  status: " + told.status.text() + "\n";
  for (const std::string& note : told.notes) out += "  note: " + note + "\n";
  for (const reports::Finding& f : g.findings) {
    out += "  " + std::string(rules::check_id(f.check)) + " " + reports::word(f.verdict) + ": " + told.cycle(f) + "\n";
    out += "    why: " + f.reason + "\n";
    out += "    by " + reports::context_name(g, f.context) + " at " + reports::short_place(g, f.site) + "\n";
    for (const reports::Held& h : f.held) out += "    holds " + g.classes[h.class_index].name + " (" + reports::short_place(g, h.site) + ")\n";
    for (const reports::Link& link : f.links) {
      const reports::Witness& w = link.witness;
      out += "    " + g.classes[link.from].name + " -> " + g.classes[link.to].name + " (" + reports::word(w.origin) + " " +
             reports::word(w.from_mode) + " " + reports::word(w.to_mode) + "), " + reports::context_name(g, w.context) + ", " +
             std::to_string(w.to_stack == reports::kNoIndex ? 0 : g.stacks[w.to_stack].size()) + " frames, at " +
             reports::short_place(g, w.to_site) + "\n";
    }
  }
  return out;
}

std::vector<std::string> lines_of(const std::string& text) { return reports::test::lines_of(text); }

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += line + "\n";
  return out;
}

// The console without its time stamps.
std::vector<std::string> bare(const std::string& name) {
  std::vector<std::string> lines = lines_of(load(name));
  for (std::string& line : lines)
    if (const std::size_t end = line.find("] "); line.starts_with("[ ") && end != std::string::npos) line = line.substr(end + 2);
  return lines;
}

std::string with(const std::vector<std::string>& lines, const std::function<std::string(const std::string&, std::size_t)>& change) {
  std::string out;
  for (std::size_t i = 0; i < lines.size(); ++i) out += change(lines[i], i) + "\n";
  return out;
}

}  // namespace

TEST_CASE("logs: what is read from every sample", "[traces][explain]") {
  std::string text;
  for (const char* name : kSplats) text += std::string(name) + "\n" + describe(tell(load(name)));
  for (const char* name : kCases) text += std::string(name) + "\n" + describe(tell(load("kernel/" + std::string(name) + ".splat.txt")));
  for (const char* name : kTools) text += std::string(name) + "\n" + describe(tell(load(name)));
  reports::test::check_golden("traces_printed.txt", text);
}

TEST_CASE("logs: printed as our splats and read again they are the same findings", "[traces][explain]") {
  std::vector<std::string> names(std::begin(kSplats), std::end(kSplats));
  for (const char* name : {"tools/tsan-gcc-order.txt", "tools/tsan-gcc-misuse.txt", "tools/tsan-clang-order.txt", "tools/helgrind-order.txt",
                           "tools/tsan-clang-misuse.txt", "tools/helgrind-misuse.txt", "tools/drd-misuse.txt"})
    names.push_back(name);
  for (const char* name : kCases) names.push_back("kernel/" + std::string(name) + ".splat.txt");
  for (const std::string& name : names) {
    CAPTURE(name);
    const Told first = tell(load(name));
    std::string splats;
    for (const reports::Finding& f : first.graph.findings) splats += reports::render_splat(first.graph, f, {});
    const Told again = tell(splats);
    INFO(splats);
    CHECK(again.ids() == first.ids());
    CHECK(again.summary() == first.summary());
  }
}

TEST_CASE("logs: what stands before a line makes no difference", "[traces][explain]") {
  for (const std::string name : {"splats/circular3.txt", "splats/irq_inversion.txt", "splats/freed.txt", "kernel/irq_hard.splat.txt",
                                 "kernel/rcu_sleep.splat.txt", "kernel/sys_exit_held.splat.txt"}) {
    CAPTURE(name);
    const std::vector<std::string> lines = bare(name);
    const std::vector<std::string> expected = tell(joined(lines)).ids();
    REQUIRE(expected.size() == 1);
    for (const std::string prefix : {"[    6.749450] ", "<4>[    6.749450] ", "<4>", "[    6.749450][  T123] ", "[    6.749450] [    C0] ",
                                     "[    6.749450][ T99] ", "Nov 27 10:00:00 host kernel: ", "Nov 27 10:00:00 my-host kernel: [    6.749450] ",
                                     "2026-11-27T10:00:00.123456+00:00 host kernel: [    6.749450][    T1] ", "2026-11-27T10:00:00.123Z [    6.7] ",
                                     "[Mon Nov 27 10:00:00 2026] ", "kern  :warn  : [    6.749450] ", "[Nov27 10:00] ", "[  +0.000012] ",
                                     "\x1b[32m[    6.749450] \x1b[0m", "kernel: ", "Nov 27 10:00:00 kern.warn kernel: [    6.749450] ",
                                     "Fri Nov 27 10:00:00 2026 kern.warn kernel: [    6.749450] ", "Nov 27 06:35:48.545439 kernel: ",
                                     "Nov 27 10:00:00 host kernel:[    6.749450] ", "[    6.749450] host.local kernel: ",
                                     "kern  :warn  : [   92.875432] [    T125] ", "kern :warn : [    6.7] ", "2026-11-27 10:00:00.123 [    6.749450] ",
                                     "10:00:00.123 [    6.749450] ", "2026-11-27T10:00:00  <4>[    6.749450] ", "4,5005,12915307506,-;",
                                     "4,5005,12915307506,-,caller=T125;", "11-27 10:00:00.123     0     0 W         : [    6.749450] ",
                                     "W/kernel  (  123): ", "<4>[    6.749450]  (2)[125:kworker/2:1]", "[    6.749450] [2:    kworker/2:1:  125] ",
                                     "<4>[    6.749450]  I[0:      swapper/0:    0] ", "   [    6.749450] ", "> [    6.749450] ", "> > ", ">>  > ",
                                     "> | ", "PM> ", "[...] ", "qemu-1  | [  512.000123] ", "# <4>[  512.000123] ", "not ok 3 # [  512.000123][   T87] ", "ttyS0: 12:00:01: [    6.749450] ", "\xc2\xa0\xa0"}) {
      CAPTURE(prefix);
      CHECK(tell(with(lines, [&](const std::string& line, std::size_t) { return prefix + line; })).ids() == expected);
    }
    CHECK(tell(with(lines, [](const std::string& line, std::size_t) { return line + "\r"; })).ids() == expected);
    // Messages of others, with and without a time, between any two lines.
    CHECK(tell(with(lines, [](const std::string& line, std::size_t i) {
            return line + "\n" + (i % 2 == 0 ? "usb 1-1: new high-speed USB device number 3" : "e1000e: eth0 NIC Link is Up 1000 Mbps");
          })).ids() == expected);
  }
}

TEST_CASE("logs: two splats at once are told apart by their callers", "[traces][explain]") {
  const std::vector<std::string> one = bare("splats/circular3.txt"), two = bare("kernel/irq_inversion.splat.txt");
  std::vector<std::string> expected = tell(joined(one)).ids();
  expected.push_back(tell(joined(two)).ids().at(0));
  std::sort(expected.begin(), expected.end());
  std::string mixed;
  for (std::size_t i = 0; i < std::max(one.size(), two.size()); ++i) {
    if (i < one.size()) mixed += "[    1.000000][ T4242] " + one[i] + "\n";
    if (i < two.size()) mixed += "[    1.000000][    C1] " + two[i] + "\n";
  }
  CHECK(tell(mixed).ids() == expected);
}

TEST_CASE("logs: hundreds of reports of one cycle are one finding", "[traces][explain]") {
  const std::vector<std::string> one = bare("splats/circular3.txt");
  // The other direction of naming: the same cycle found at another of its links.
  std::string log;
  for (int i = 0; i < 300; ++i) log += joined(one);
  const Told told = tell(log);
  CHECK(told.status.ok());
  CHECK(told.reports == 300);
  CHECK(told.graph.findings.size() == 1);
}

TEST_CASE("logs: a splat cut anywhere is partial or whole, never wrong", "[traces][explain]") {
  for (const std::string name : {"splats/circular3.txt", "kernel/irq_inversion.splat.txt", "splats/recursive.txt", "splats/balance.txt",
                                 "kernel/cpuhp_wq.splat.txt", "tools/tsan-gcc-order.txt", "tools/helgrind-order.txt"}) {
    CAPTURE(name);
    const std::vector<std::string> lines = lines_of(load(name));
    const std::vector<std::string> whole = tell(joined(lines)).ids();
    bool partial = false;
    for (std::size_t kept = 0; kept <= lines.size(); ++kept) {
      const Told told = tell(joined({lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(kept)}));
      CAPTURE(kept);
      partial = partial || told.status.partial();
      for (const reports::Finding& f : told.graph.findings) {
        const bool known = std::find(whole.begin(), whole.end(), f.id) != whole.end();
        CHECK((known || f.links.empty()));          // no cycle that is not in the whole log
        if (!known) CHECK(f.reason.find("partial") != std::string::npos);
      }
    }
    CHECK(partial);
    // Beginning in the middle: nothing invented either.
    for (std::size_t first = 1; first < lines.size(); ++first) {
      const Told told = tell(joined({lines.begin() + static_cast<std::ptrdiff_t>(first), lines.end()}));
      CAPTURE(first);
      for (const reports::Finding& f : told.graph.findings)
        CHECK((std::find(whole.begin(), whole.end(), f.id) != whole.end() || f.links.empty()));
    }
  }
}

TEST_CASE("logs: a report without its title is still understood", "[traces][explain]") {
  std::vector<std::string> lines = bare("splats/circular3.txt");
  const std::vector<std::string> whole = tell(joined(lines)).ids();
  const auto title = std::find_if(lines.begin(), lines.end(), [](const std::string& l) { return l.starts_with("WARNING: "); });
  const Told told = tell(joined({title + 1, lines.end()}));
  CHECK(told.ids() == whole);
  CHECK(told.noted("its beginning is missing"));
}

TEST_CASE("logs: what is no report of a lock is none", "[traces][explain]") {
  CHECK(tell("").graph.findings.empty());
  CHECK(tell("[    0.000000] Linux version 6.1.0\n[    1.0] usb 1-1: new device\n").reports == 0);
  CHECK(tell("WARNING: CPU: 0 PID: 1 at fs/inode.c:300 drop_nlink+0x30/0x40\nCall Trace:\n <TASK>\n drop_nlink+0x30/0x40\n </TASK>\n").reports == 0);
  CHECK(tell("BUG: unable to handle page fault for address: 0000000000000010\nCall Trace:\n f+0x1/0x2\n").reports == 0);
  CHECK(tell("INFO: task kworker/0:1:12 blocked for more than 120 seconds.\n1 lock held by kworker/0:1/12:\n").reports == 0);
  CHECK(tell("WARNING: ThreadSanitizer: data race (pid=1)\n  Write of size 4 at 0x1 by thread T1:\n    #0 f a.c:1 (a+0x1)\n").reports == 0);
  std::string noise;
  for (unsigned i = 0; i < 100000; ++i) noise += static_cast<char>((i * 2654435761u) >> 24);
  CHECK(tell(noise).reports == 0);
  CHECK(tell(noise + "\n" + load("splats/circular3.txt")).reports == 1);
}

TEST_CASE("logs: lockdep that has given up is told", "[traces][explain]") {
  const Told told = tell("[ 1.0] BUG: MAX_LOCKDEP_CHAINS too low!\n[ 1.0] turning off the locking correctness validator.\n");
  CHECK(told.reports == 0);
  CHECK(told.noted("MAX_LOCKDEP_CHAINS too low! and is off from here on"));
}
