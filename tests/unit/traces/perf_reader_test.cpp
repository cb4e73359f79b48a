// SPDX-License-Identifier: MIT
//
// The text of `perf script`: its lines with and without each field, call chains, interrupts, losses; the same answers as for
// the same events in ftrace text.
#include "catch.hpp"
#include "run_trace.h"
#include "traces/ftrace_line.h"
#include "traces/perf_line.h"
#include "traces/perf_reader.h"

using namespace crossdep;
using namespace crossdep::traces_test;
using traces::PerfLine;
using Lines = std::vector<std::string>;

namespace {

Judged judge_perf(std::string_view content) {
  return judge_with(content, [](traces::LineSource& source, traces::EventConsumer& consumer) {
    return traces::read_perf_script(source, "test.perf", consumer);
  });
}

PerfLine parsed(std::string_view line) {
  PerfLine out;
  INFO(line);
  REQUIRE(traces::parse_perf_line(line, out));
  return out;
}

// `TASK TID [CPU]` and the event, one line.
std::string at(const std::string& task, const std::string& event) {
  static int time = 0;
  char columns[48];
  std::snprintf(columns, sizeof columns, " [000]  1.%06d: ", ++time);
  return task + columns + event + "\n";
}
std::string lock(const std::string& task, const std::string& name, const std::string& map) {
  return at(task, "lock:lock_acquire: 0x" + map + " " + name) + at(task, "lock:lock_acquired: 0x" + map + " " + name);
}
std::string unlock(const std::string& task, const std::string& name, const std::string& map) {
  return at(task, "lock:lock_release: 0x" + map + " " + name);
}

// A recording in ftrace text as `perf script` would tell it.
std::string as_perf(const std::string& ftrace) {
  std::string out;
  for (std::size_t begin = 0; begin < ftrace.size();) {
    const std::size_t end = ftrace.find('\n', begin);
    traces::FtraceLine line;
    if (traces::parse_ftrace_line(std::string_view(ftrace).substr(begin, end - begin), line) && line.event.starts_with("lock_")) {
      char head[96];
      std::snprintf(head, sizeof head, "%16.*s %5u [%03u] %s %12.6f: ", static_cast<int>(line.comm.size()), line.comm.data(), line.pid, line.cpu,
                    std::string(line.flags).c_str(), static_cast<double>(begin) / 1e6);
      out += std::string(head) + "  lock:" + std::string(line.event) + ": 0x" + std::string(line.body) + "\n";
    }
    begin = end + 1;
  }
  return out;
}

// The recording's stock lock events alone.
std::string stock_only(const std::string& ftrace) {
  std::string out;
  for (std::size_t begin = 0; begin < ftrace.size();) {
    const std::size_t end = ftrace.find('\n', begin);
    traces::FtraceLine line;
    const std::string_view text = std::string_view(ftrace).substr(begin, end - begin);
    if (traces::parse_ftrace_line(text, line) && line.event.starts_with("lock_")) out.append(text).append("\n");
    begin = end + 1;
  }
  return out;
}

const std::string kA = "ffff888000000010", kB = "ffff888000000020", kC = "ffff888000000030";

}  // namespace

TEST_CASE("perf line: the fields", "[traces][perf]") {
  const PerfLine line = parsed("       perf-exec    45 [003]    13.217686:  lock:lock_acquired: 0xff110000299ed198 hrtimer_bases.lock");
  CHECK(line.comm == "perf-exec");
  CHECK(line.tid == 45);
  CHECK(line.cpu == 3);
  CHECK(line.system == "lock");
  CHECK(line.event == "lock_acquired");
  CHECK(line.body == "0xff110000299ed198 hrtimer_bases.lock");
  CHECK(parsed("my-own task 12   99 [000] 1.0: a:b: c").comm == "my-own task 12");
  CHECK(parsed("x 1.0: y   99 [000] 1.0: a:b: c").tid == 99);
  CHECK(parsed("kworker/u4:0-ev  8/12     [000] 1.123456789: a:b: c").tid == 12);
  CHECK(parsed("kworker/u4:0-ev  8/12     [000] 1.123456789: a:b: c").comm == "kworker/u4:0-ev");
  CHECK(parsed("swapper     0 [002]  1.0:          1   lock:lock_release: 0xff10 x").event == "lock_release");
  CHECK(parsed("swapper     0 [002] d.h2.  1.0: lock:lock_release: 0xff10 x").flags == "d.h2.");
  CHECK(parsed("bash  7  1.0: lock:lock_release: 0xff10 x").cpu == PerfLine::kNone);
  CHECK(parsed("  7  1.0: lock:lock_release: 0xff10 x").tid == 7);
  CHECK(parsed("  7  1.0: lock:lock_release: 0xff10 x").comm.empty());
  CHECK(parsed("a task   7 lock:lock_release: 0xff10 x: y").tid == 7);
  CHECK(parsed("a task   7 [001]        1 lock:lock_release: 0xff10 x: y").comm == "a task");
  CHECK(parsed("lock:lock_release: 0xff10 x").tid == PerfLine::kNone);
  CHECK(parsed("t 7 [001] 1.0: probe:complete__return: (ffffffff81000000 <- ffffffff82000000)").body.starts_with("("));
  CHECK(parsed("t 7 [001] 1.0: lock:lock_acquire/call-graph=fp/: 0xff10 x").body == "0xff10 x");
  CHECK(parsed("t 7 [001] 1.0: PERF_RECORD_LOST lost 12").event == "PERF_RECORD_LOST");
}

TEST_CASE("perf line: what is none", "[traces][perf]") {
  PerfLine out;
  for (const char* text : {"", " ", "# captured on: today", "Dear reader: this", "\tffffffff810d1234 lock_acquire+0x34 ([kernel.kallsyms])",
                           "t 7 [001] 1.0: nothing", "t [001] 1.0:", "T1 acquire A site=a:b: c", "1.0: "}) {
    INFO(text);
    CHECK_FALSE(traces::parse_perf_line(text, out));
  }
  const std::string whole = "kworker/u4:0-ev  8/12     [000] 1.123456789:   1  lock:lock_acquire: 0xff10 read x";
  for (std::size_t length = 0; length <= whole.size(); ++length) {
    const std::string cut = whole.substr(0, length);   // its own allocation, for the sanitizer
    if (traces::parse_perf_line(cut, out)) CHECK(out.event.size() <= 12);
  }
}

TEST_CASE("perf line: frames", "[traces][perf]") {
  std::string_view symbol, module;
  REQUIRE(traces::parse_perf_frame("\tffffffff810d1234 lock_acquire+0x34 ([kernel.kallsyms])", symbol, module));
  CHECK((symbol == "lock_acquire+0x34" && module.empty()));
  REQUIRE(traces::parse_perf_frame("    ffffffffc00d1234 do_it+0x34 (/lib/modules/6.1/extra/my_mod.ko.xz)", symbol, module));
  CHECK((symbol == "do_it+0x34" && module == "my_mod"));
  REQUIRE(traces::parse_perf_frame("    ffffffffc00d1234 do_it+0x34 ([my_mod])", symbol, module));
  CHECK(module == "my_mod");
  REQUIRE(traces::parse_perf_frame("    7f0000001234 [unknown] ([unknown])", symbol, module));
  CHECK(symbol == "7f0000001234");
  REQUIRE(traces::parse_perf_frame("   do_it+0x34 ([kernel.kallsyms])", symbol, module));
  CHECK(symbol == "do_it+0x34");
  CHECK_FALSE(traces::parse_perf_frame("ffffffff810d1234 lock_acquire", symbol, module));
  CHECK_FALSE(traces::parse_perf_frame("   no frame at all", symbol, module));
}

TEST_CASE("perf: stock events judge by name, and say so", "[traces][perf]") {
  const Judged judged = judge_perf(lock("t 1", "a", kA) + lock("t 1", "b", kB) + unlock("t 1", "b", kB) + unlock("t 1", "a", kA) +
                                   lock("u x 2", "b", kB) + lock("u x 2", "a", kA));
  CHECK(judged.status.ok());
  CHECK(judged.summary() == Lines{"lock-order-cycle possible b -> a -> b"});
  CHECK(judged.noted("known by name only"));
  CHECK(judged.consistent);
}

TEST_CASE("perf: call chains give the places, and the context", "[traces][perf]") {
  const auto chain = [](const std::string& frames) { return frames + "\n"; };
  const std::string text =
      at("t 1", "lock:lock_acquire: 0x" + kA + " a") +
      chain("\tffffffff81000010 lock_acquire+0x10 ([kernel.kallsyms])\n\tffffffff81000020 _raw_spin_lock+0x10 ([kernel.kallsyms])\n"
            "\tffffffffc0000030 my_function+0x30 ([my_mod])\n\tffffffff81000040 kthread+0x40 ([kernel.kallsyms])\n") +
      at("t 1", "lock:lock_acquire: 0x" + kB + " b") +
      chain("\tffffffff81000010 lock_acquire+0x10 ([kernel.kallsyms])\n\tffffffff81000050 timer_callback+0x10 ([kernel.kallsyms])\n"
            "\tffffffff81000060 __do_softirq+0x10 ([kernel.kallsyms])\n\tffffffff81000070 sysvec_apic_timer_interrupt+0x10 ([kernel.kallsyms])\n"
            "\tffffffff81000040 kthread+0x40 ([kernel.kallsyms])\n") +
      at("t 1", "lock:lock_release: 0x" + kB + " b") +
      chain("\tffffffff81000010 lock_release+0x10 ([kernel.kallsyms])\n\tffffffff81000060 __do_softirq+0x10 ([kernel.kallsyms])\n") +
      at("t 1", "lock:lock_acquire: 0x" + kC + " c") +
      chain("\tffffffff81000010 lock_acquire+0x10 ([kernel.kallsyms])\n\tffffffff81000080 __schedule+0x10 ([kernel.kallsyms])\n"
            "\tffffffff81000090 preempt_schedule_irq+0x10 ([kernel.kallsyms])\n\tffffffff81000070 asm_sysvec_apic_timer_interrupt+0x10 ([kernel.kallsyms])\n");
  const Judged judged = judge_perf(text);
  CHECK_FALSE(judged.found.has_dependency("a", "b"));
  CHECK(judged.found.has_dependency("(softirq)", "b"));
  CHECK(judged.found.has_dependency("a", "c"));
  CHECK_FALSE(judged.noted("no perf event"));
  MemoryFile file(text);
  traces::LineSource source(file.fd());
  std::vector<std::string> sites;
  struct Sites : traces::EventConsumer {
    std::vector<std::string>* out;
    std::vector<std::string> texts{""};
    std::vector<traces::Site> stack;
    void on_class(const traces::ClassDefinition&) override {}
    void on_lock(const traces::LockDefinition&) override {}
    void on_context(const traces::ContextDefinition&) override {}
    void on_site(traces::Site site, std::string_view text) override {
      if (texts.size() <= site) texts.resize(site + 1);
      texts[site] = text;
    }
    void on_event(const traces::Event& event) override {
      if (event.kind == traces::EventKind::kSetStack) stack.assign(event.frames, event.frames + event.number);
      if (event.kind != traces::EventKind::kRequest) return;
      std::string all = texts[event.site] + ":";
      for (const traces::Site site : stack) all += " " + texts[site];
      out->push_back(all);
    }
  } consumer;
  consumer.out = &sites;
  CHECK(traces::read_perf_script(source, "x", consumer).ok());
  REQUIRE(sites.size() == 3);
  CHECK(sites[0] == "my_function+0x30 [my_mod]: my_function+0x30 [my_mod] kthread+0x40");
  CHECK(sites[1].starts_with("timer_callback+0x10: "));
}

TEST_CASE("perf: irq events are contexts where there is no call chain", "[traces][perf]") {
  const Judged judged = judge_perf(
      lock("t 1", "a", kA) + at("t 1", "irq:irq_handler_entry: irq=4 name=x") + at("t 1", "irq_vectors:local_timer_entry: vector=236") +
      lock("t 1", "b", kB) + unlock("t 1", "b", kB) + at("t 1", "irq_vectors:local_timer_exit: vector=236") +
      at("t 1", "irq:irq_handler_exit: irq=4 ret=handled") + at("t 1", "irq:softirq_entry: vec=1 [action=TIMER]") +
      at("t 1", "timer:timer_expire_entry: timer=0x1 function=f now=1") + lock("t 1", "c", kC) + unlock("t 1", "c", kC) +
      at("t 1", "timer:timer_expire_exit: timer=0x1") + at("t 1", "irq:softirq_exit: vec=1 [action=TIMER]") + lock("t 1", "d", "ffff888000000040"));
  CHECK(judged.found.has_dependency("(hardirq)", "b"));
  CHECK(judged.found.has_dependency("(softirq)", "c"));
  CHECK(judged.found.has_dependency("a", "d"));
  CHECK(judged.found.dependencies.size() == 3);
}

TEST_CASE("perf: sched, workqueue and probe events as in ftrace", "[traces][perf]") {
  const std::string done = "(completion)0xffffffffa0006e00";
  const Judged judged = judge_perf(
      at("w 1", "probe:wait_for_completion: (ffffffff810d1234) x=0xffffffffa0006e00") + lock("s 2", "a", kA) + unlock("s 2", "a", kA) +
      at("s 2", "probe:complete: (ffffffff810d1300) x=0xffffffffa0006e00") +
      at("w 1", "probe:wait_for_completion__return: (ffffffff810d1999 <- ffffffff810d1234)") + lock("w 1", "a", kA) +
      at("w 1", "probe:wait_for_completion: (ffffffff810d1234) x=0xffffffffa0006e00") + at("s 2", "probe:complete: (ffffffff810d1300) x=0xffffffffa0006e00") +
      at("kworker/0:0 6", "workqueue:workqueue_execute_start: work struct 0xffff0000aaaa0000: function do_it") + lock("kworker/0:0 6", "b", kB) +
      at("kworker/0:0 6", "sched:sched_switch: kworker/0:0:6 [120] X ==> swapper/0:0 [120]") +
      lock("s 2", "c", kC) + lock("new 6", "d", "ffff888000000040"));
  CHECK(judged.summary() == Lines{"cross-release-cycle possible a -> " + done + " -> a"});
  CHECK(judged.found.has_dependency("(work)do_it", "b"));
  CHECK_FALSE(judged.found.has_dependency("b", "d"));
}

TEST_CASE("perf: losses, idle tasks without a processor, no task", "[traces][perf]") {
  const Judged lost = judge_perf(lock("t 1", "a", kA) + at("t 1", "PERF_RECORD_LOST lost 17") + lock("t 1", "b", kB));
  CHECK_FALSE(lost.found.has_dependency("a", "b"));
  CHECK(lost.lost == 17);
  const Judged idle = judge_perf("swapper 0 1.0: lock:lock_acquire: 0xff10 a\nswapper 0 1.0: lock:lock_acquire: 0xff20 b\n");
  CHECK(idle.found.dependencies.empty());
  CHECK(idle.noted("2 events of idle tasks were passed over"));
  CHECK(judge_perf("1.0: lock:lock_acquire: 0xff10 a\n").noted("do not say which task"));
  const Judged cut = judge_perf(lock("t 1", "a", kA) + "t 1 [000] 1.5: lock:lock_acq");
  CHECK(cut.status.partial());
  CHECK(judge_perf(lock("t 1", "a", kA) + "rubbish\n").noted("1 line is no perf event and was passed over, line 3"));
}

TEST_CASE("perf: a real recording", "[traces][perf]") {
  const std::string content = load("kernel/stock.perf-script");
  const Judged judged = judge_perf(content);
  CHECK(judged.status.ok());
  CHECK(judged.summary().empty());
  CHECK(judged.found.has_dependency("hrtimer_bases.lock", "tk_core.seq.seqcount"));
  CHECK(judged.undefined == 0);
  std::string cause;
  CHECK(traces::recognise(content, cause) == traces::Format::kPerf);
}

TEST_CASE("perf: the same events give the same findings as in ftrace text", "[traces][perf]") {
  for (const char* name : {"stock.ftrace", "abba_mutex.ftrace.xz", "abba_spin.ftrace.xz", "wq_flush_work.ftrace.xz"}) {
    INFO(name);
    const std::string ftrace = load(std::string("kernel/") + name);
    const Judged one = judge_ftrace(stock_only(ftrace)), other = judge_perf(as_perf(ftrace));
    CHECK(other.status.ok());
    CHECK(one.summary() == other.summary());
    CHECK(one.found.dependencies.size() == other.found.dependencies.size());
    CHECK(one.found.classes == other.found.classes);
    if (std::string(name).starts_with("abba")) CHECK_FALSE(other.summary().empty());
  }
}
