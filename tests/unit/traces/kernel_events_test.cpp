// SPDX-License-Identifier: MIT
//
// What other kernels and other recorders print (5.4 to 6.12, trace_pipe, latency format, trace-cmd report), the probes of
// `crossdep kernel-probes`, semaphores and wait queues.
#include "catch.hpp"
#include "run_trace.h"
#include "traces/ftrace_line.h"
#include "traces/kernel_events.h"
#include "traces/kernel_probes.h"

using namespace crossdep;
using namespace crossdep::traces_test;
using Lines = std::vector<std::string>;
using traces::FtraceLine;

namespace {

std::string at(const std::string& task, const std::string& event, int cpu = 0) {
  static int time = 0;
  char columns[64];
  std::snprintf(columns, sizeof columns, " [%03d] .....  1.%06d: ", cpu, ++time);
  return " " + task + columns + event + "\n";
}
std::string lock(const std::string& task, const std::string& name, const std::string& map) { return at(task, "lock_acquire: " + map + " " + name); }
std::string unlock(const std::string& task, const std::string& name, const std::string& map) { return at(task, "lock_release: " + map + " " + name); }
std::string probe(const std::string& task, const std::string& function, const std::string& fields) {
  return at(task, function + "_: (" + function + "+0x0/0x30) " + fields);
}
std::string returned(const std::string& task, const std::string& function, const std::string& fields) {
  return at(task, function + "_ret: (caller+0x1/0x2 <- " + function + ") " + fields);
}

const std::string kA = "ffff888000000010", kB = "ffff888000000020", kC = "ffff888000000030", kS = "0xffff888000005000", kQ = "0xffff888000006000";
const std::string kSemaphore = "(semaphore)" + kS, kQueue = "(wait queue)" + kQ;

// a -> b by one task, b -> a by another, with the lines of these given by `line`.
template <class Line>
void check_abba(Line&& line) {
  std::string text;
  for (const char* step : {"t-1 lock_acquire a", "t-1 lock_acquire b", "t-1 lock_release b", "t-1 lock_release a", "u-2 lock_acquire b",
                           "u-2 lock_acquire a", "u-2 lock_release a", "u-2 lock_release b"}) {
    const std::string words = step;
    text += line(words.substr(0, 3), words.substr(4, 12), words.substr(17) == "a" ? kA : kB, words.substr(17)) + "\n";
  }
  INFO(text);
  const Judged judged = judge_ftrace(text);
  CHECK(judged.status.ok());
  CHECK(judged.summary() == Lines{"lock-order-cycle possible b -> a -> b"});
  CHECK_FALSE(judged.noted("passed over"));
  std::string cause;
  CHECK(traces::recognise(text, cause) == traces::Format::kFtrace);
}

}  // namespace

TEST_CASE("kernel text: the columns of other kernels, options and tools", "[traces][ftrace]") {
  using S = const std::string&;
  check_abba([](S task, S event, S map, S name) { return " " + task + " [000] d.h2 1.0: " + event + ": " + map + " " + name; });          // 5.4
  check_abba([](S task, S event, S map, S name) { return " " + task + " [000] dNh2.. 1.0: " + event + ": " + map + " " + name; });        // RT
  check_abba([](S task, S event, S map, S name) { return " " + task + " (      1) [000] bL.1. 1.0: " + event + ": " + map + " " + name; });
  check_abba([](S task, S event, S map, S name) { return " " + task + " (-------) [000] ..... 1.0: " + event + ": " + map + " " + name; });
  check_abba([](S task, S event, S map, S name) { return " " + task + " [000] 1.0: " + event + ": " + map + " " + name; });               // no flags
  check_abba([](S task, S event, S map, S name) { return " " + task + " [000] ..... 918273645: " + event + ": " + map + " " + name; });   // clock counter
  check_abba([](S task, S event, S map, S name) { return "  a-b c" + task + "  [000]  1.0: " + event + ":         0x" + map + " " + name; });   // trace-cmd
  check_abba([](S task, S event, S map, S name) { return "buffer:   " + task + "  [000]  d..1. 1.0: " + event + ":  0x" + map + " " + name; });
  check_abba([](S task, S event, S map, S name) { return "   <...>" + task.substr(1) + "    0d..1.   12us+: " + event + ": " + map + " " + name; });   // latency
  check_abba([](S task, S event, S map, S name) { return "  " + task + "  12d.h1   12us : " + event + ": " + map + " " + name; });
  check_abba([](S task, S event, S map, S name) { return "  " + task + "  0.....  -12us!: " + event + ": " + map + " " + name; });
}

TEST_CASE("kernel text: the latency format's line", "[traces][ftrace]") {
  FtraceLine line;
  REQUIRE(traces::parse_ftrace_line("    my task-1977   12d.h1.   12us+: lock_acquire: ffffffff81c0bb58 x", line));
  CHECK((line.comm == "my task" && line.pid == 1977 && line.cpu == 12 && line.flags == "d.h1." && line.context() == 'h'));
  CHECK((line.event == "lock_acquire" && line.body == "ffffffff81c0bb58 x"));
  for (const char* text : {"a-1 0d..1.", "a-1 0d..1. 12us", "a-1 0d..1. us: e: b", "a 0d..1. 12us: e: b", "T1 acquire A 0d..1. 12us: e: b", "a-1 0 12us: e: b"}) {
    INFO(text);
    CHECK_FALSE(traces::parse_ftrace_line(text, line));
  }
}

TEST_CASE("kernel text: lines between the events", "[traces][ftrace]") {
  const Judged judged = judge_ftrace("cpus=2\n" + lock("t-1", "a", kA) + "##### CPU 1 buffer started ####\nCPU 1 is empty\n\n" + lock("t-1", "b", kB) +
                                     "buffer: CPU:0 [5 EVENTS DROPPED]\n" + lock("t-1", "c", kC) + "CPU:1 [LOST 3 EVENTS]\nCPU:1 [EVENTS DROPPED]\n");
  CHECK(judged.found.has_dependency("a", "b"));
  CHECK_FALSE(judged.found.has_dependency("b", "c"));
  CHECK(judged.lost == 9);
  CHECK_FALSE(judged.noted("no ftrace event"));
  const Judged names = judge_ftrace("locks:           my task-1  [000] 1.0: lock_acquire: ff10 a\nlocks:           my task-1  [000] 1.0: lock_acquire: ff20 b\n");
  CHECK(names.found.contexts.begin()->second == "my task");
}

TEST_CASE("kernel text: a task that may have been on the processor with the hole", "[traces][ftrace]") {
  // t is last seen on processor 1, where u runs now: it may have gone on on processor 0.
  const Judged judged = judge_ftrace(at("t-1", "lock_acquire: " + kA + " a", 1) + at("u-2", "lock_acquire: " + kB + " b", 1) + "CPU:0 [LOST 3 EVENTS]\n" +
                                     at("t-1", "lock_acquire: " + kC + " c", 1) + at("u-2", "lock_acquire: " + kC + " c", 1));
  CHECK_FALSE(judged.found.has_dependency("a", "c"));
  CHECK(judged.found.has_dependency("b", "c"));
}

TEST_CASE("kernel text: pointers not printed, and hashed", "[traces][ftrace]") {
  for (const char* pointer : {"(____ptrval____)", "(ptrval)", "(null)"})
    CHECK(judge_ftrace(lock("t-1", "a", pointer)).noted("tells none apart"));
  const std::string fields = "(lock_acquire+0x0/0x270) map=0x" + kA + " key=0xffff0001 name=\"a\" sub=0 try=0 read=0 check=1 nest=0x0";
  const std::string other = "(lock_acquire+0x0/0x270) map=0x" + kB + " key=0xffff0002 name=\"b\" sub=0 try=0 read=0 check=1 nest=0x0";
  const Judged judged = judge_ftrace(at("t-1", "acq: " + fields) + lock("t-1", "a", "00000000deadbeef") + unlock("t-1", "a", "00000000deadbeef") +
                                     at("t-1", "acq: " + other) + lock("t-1", "b", "00000000cafecafe"));
  CHECK(judged.found.dependencies.empty());
  CHECK_FALSE(judged.noted("releases of locks"));
  CHECK_FALSE(judged.noted("by name only"));
}

TEST_CASE("kernel: contention alone tells no order", "[traces][ftrace]") {
  const Judged judged = judge_ftrace(at("t-1", "contention_begin: " + kA + " (flags=SPIN)") + at("t-1", "contention_end: " + kA + " (ret=0)"));
  CHECK(judged.noted("tell no lock order"));
  CHECK(judged.found.classes.empty());
}

TEST_CASE("kernel probes: both architectures, and what they print is read", "[traces][kernel_probes]") {
  const std::string probes = traces::kernel_probes("x86_64", false);
  CHECK(probes == traces::kernel_probes("aarch64", false));
  CHECK(probes.find("p:crossdep/lock_acquire_args lock_acquire map=$arg1:x64 key=+0($arg1):x64 name=+0(+24($arg1)):string sub=$arg2:u32") == 0);
  CHECK(probes.find("\nr:crossdep/wait_for_completion_ret wait_for_completion ret=$retval:x64\n") != std::string::npos);
  CHECK(probes.find('@') == std::string::npos);
  CHECK(traces::kernel_probes("amd64", true).find("map=%di:x64 key=+0(%di):x64") != std::string::npos);
  CHECK(traces::kernel_probes("arm64", true).find("nest=%x5:x64 ip=%x6:symbol") != std::string::npos);
  CHECK(traces::kernel_probes("vax", false).empty());
  CHECK_FALSE(traces::kernel_probes_know("vax"));

  // As ftrace prints them, with the stock events between; then as perf and trace-cmd do, by address.
  for (const bool symbols : {true, false}) {
    const auto place = [symbols](const std::string& function) { return symbols ? "(" + function + "+0x0/0x30)" : std::string("(ffffffff81000000)"); };
    const auto acquire = [&](const std::string& task, const std::string& map, const std::string& name, const std::string& more) {
      return at(task, "lock_acquire_args: " + place("lock_acquire") + " map=0x" + map + " key=0xffff0001 name=\"" + name + "\" " + more +
                          " check=1 nest=0x0 ip=take_it+0x1c/0x80 [my_mod]") + lock(task, name, map);
    };
    const auto release = [&](const std::string& task, const std::string& map, const std::string& name) {
      return at(task, "lock_release_args: " + place("lock_release") + " map=0x" + map + " ip=drop_it+0x1c/0x80 [my_mod]") + unlock(task, name, map);
    };
    const std::string done = "0xffffffffa0006e00";
    const Judged judged = judge_ftrace(
        acquire("t-1", kA, "a", "sub=0 try=0 read=0") + acquire("t-1", kB, "a", "sub=1 try=0 read=2") + release("t-1", kB, "a") +
        at("t-1", "lock_downgrade: " + place("lock_downgrade") + " map=0x" + kA + " ip=x+0x1/0x2") + release("t-1", kA, "a") +
        at("w-3", "wait_for_completion: " + place("wait_for_completion") + " x=" + done) + acquire("t-1", kA, "a", "sub=0 try=0 read=0") +
        release("t-1", kA, "a") + at("t-1", "complete: " + place("complete") + " x=" + done) +
        at("w-3", "wait_for_completion_ret: " + (symbols ? std::string("(x+0x1/0x2 <- wait_for_completion)") : "(ffffffff81000000 <- ffffffff81000100)") +
                      " ret=0x0"));
    CHECK(judged.status.ok());
    CHECK(judged.found.has_dependency("a", "a/1"));
    CHECK(judged.found.has_dependency("(completion)" + done, "a"));
    CHECK_FALSE(judged.noted("by name only"));
    CHECK_FALSE(judged.noted("passed over"));
    CHECK(judged.undefined == 0);
    CHECK(judged.consistent);
  }
}

TEST_CASE("kernel probes: an interrupt that comes while a probe is handled has its stock events only", "[traces][kernel_probes]") {
  const auto acquire = [](const std::string& task, const std::string& map, const std::string& name) {
    return at(task, "lock_acquire_args: (lock_acquire+0x0/0x2cf) map=0x" + map + " key=0xffff0001 name=\"" + name +
                        "\" sub=0 try=0 read=0 check=1 nest=0x0 ip=take_it+0x1c/0x80");
  };
  const auto release = [](const std::string& task, const std::string& map) {
    return at(task, "lock_release_args: (lock_release+0x0/0x2e0) map=0x" + map + " ip=drop_it+0x1c/0x80");
  };
  const auto interrupt = [](const std::string& event, const std::string& name) {
    std::string line = lock("t-1", name, kC);
    if (event == "release") line = unlock("t-1", name, kC);
    return line.replace(line.find("....."), 5, "d.h..");
  };
  // Between the probe of a request and its stock event, and behind a release; the idle tasks of two processors are two.
  std::string text;
  for (int i = 0; i < 2; ++i) {
    text += acquire("t-1", kA, "a") + interrupt("acquire", "timers") + interrupt("release", "timers") + lock("t-1", "a", kA);
    text += release("t-1", kA) + interrupt("acquire", "timers") + interrupt("release", "timers") + unlock("t-1", "a", kA);
  }
  for (int i = 0; i < 2; ++i) text += acquire("<idle>-0", kB, "b") + at("<idle>-0", "lock_acquire: " + kC + " timers", 1) +
                                      lock("<idle>-0", "b", kB) + release("<idle>-0", kB) + unlock("<idle>-0", "b", kB) +
                                      at("<idle>-0", "lock_release: " + kC + " timers", 1);
  const Judged judged = judge_ftrace(text);
  CHECK(judged.status.ok());
  CHECK(judged.summary() == Lines{});
  CHECK_FALSE(judged.noted("passed over"));
  CHECK_FALSE(judged.noted("by name only"));
  CHECK(judged.noted("was not hit"));
  CHECK(judged.consistent);
}

TEST_CASE("kernel probes: set by a breakpoint they do not show where they ran, their stock event does", "[traces][kernel_probes]") {
  const auto column = [](std::string line, const std::string& flags) { return line.replace(line.find("....."), 5, flags); };
  const auto acquire = [&](const std::string& task, const std::string& map, const std::string& name, const std::string& flags) {
    return column(at(task, "lock_acquire_args: (lock_acquire+0x0/0x2cf) map=0x" + map + " key=0xffff00" + name + name + " name=\"" + name +
                               "\" sub=0 try=0 read=0 check=1 nest=0x0 ip=take_it+0x1c/0x80"), "d.Z1.") + column(lock(task, name, map), flags);
  };
  const auto release = [&](const std::string& task, const std::string& name, const std::string& map, const std::string& flags) {
    return column(at(task, "lock_release_args: (lock_release+0x0/0x2e0) map=0x" + map + " ip=drop_it+0x1c/0x80"), "d.Z1.") +
           column(unlock(task, name, map), flags);
  };
  const std::string done = "0xffffffffa0006e00";
  const std::string trapped = column(at("t-1", "lock_acquire_args: (lock_acquire+0x0/0x2cf) map=0x" + kB + " key=0xffff00bb name=\"b\" sub=0 try=0"
                                                " read=0 check=1 nest=0x0 ip=take_it+0x1c/0x80"), "d.Z1.");
  const std::string text =
      column(probe("w-3", "wait_for_completion", "x=" + done), ".....") + acquire("t-1", kA, "a", ".....") +
      // Between the trap and the call's own event an interrupt, which completes something.
      trapped + column(probe("t-1", "complete", "x=" + done), "d.Z1.") + acquire("t-1", kC, "c", "d.h1.") + release("t-1", "c", kC, "d.h1.") +
      lock("t-1", "b", kB) + release("t-1", "b", kB, ".....") + release("t-1", "a", kA, ".....") +
      column(returned("w-3", "wait_for_completion", "ret=0x0"), ".....");
  const Judged judged = judge_ftrace(text);
  CHECK(judged.summary() == Lines{});
  CHECK(judged.found.has_dependency("a", "b"));
  CHECK_FALSE(judged.found.has_dependency("a", "c"));      // another context
  CHECK_FALSE(judged.found.has_dependency("c", "b"));
  CHECK_FALSE(judged.found.has_dependency("(completion)" + done, "a"));   // the interrupt completed it
  CHECK_FALSE(judged.noted("passed over"));
  CHECK_FALSE(judged.noted("was not hit"));
}

TEST_CASE("kernel probes: a lock first seen without its probe has its class from the next", "[traces][kernel_probes]") {
  const auto acquire = [](const std::string& task, const std::string& map, const std::string& key) {
    return at(task, "lock_acquire_args: (lock_acquire+0x0/0x2cf) map=0x" + map + " key=0x" + key +
                        " name=\"a\" sub=0 try=0 read=0 check=1 nest=0x0 ip=take_it+0x1c/0x80") + lock(task, "a", map);
  };
  // Two classes of one name; a lock of the first is seen without its probe at first.
  const std::string text = acquire("t-1", kB, "ffff0002") + unlock("t-1", "a", kB) + lock("t-1", "a", kA) + unlock("t-1", "a", kA) +
                           acquire("t-1", kA, "ffff0001") + acquire("t-1", kB, "ffff0002") + unlock("t-1", "a", kB) + unlock("t-1", "a", kA) +
                           acquire("u-2", kB, "ffff0002") + acquire("u-2", kC, "ffff0001") + unlock("u-2", "a", kC) + unlock("u-2", "a", kB);
  CHECK(judge_ftrace(text).summary() == Lines{"lock-order-cycle possible a -> a -> a"});
}

TEST_CASE("kernel: a recording that was stopped for a while", "[traces][ftrace]") {
  // Waiting when it stopped, having got the lock when it went on: lock_acquired tells of a request that was not recorded.
  const Judged judged = judge_ftrace(lock("t-1", "a", kA) + unlock("t-1", "a", kA) + at("t-1", "lock_acquired: " + kA + " a") +
                                     unlock("t-1", "a", kA));
  CHECK(judged.summary().empty());
  CHECK(judged.noted("1 releases"));
}

TEST_CASE("kernel: a semaphore that is given back by its holder is a lock", "[traces][kernel_waits]") {
  for (const bool returns : {false, true}) {
    const auto down = [&](const std::string& task) { return probe(task, "down", "sem=" + kS) + (returns ? returned(task, "down", "ret=0x7") : ""); };
    const std::string one = down("t-1") + lock("t-1", "a", kA) + unlock("t-1", "a", kA) + probe("t-1", "up", "sem=" + kS);
    const std::string other = lock("u-2", "a", kA) + down("u-2") + lock("u-2", "x", kC) + unlock("u-2", "x", kC) + probe("u-2", "up", "sem=" + kS) +
                              unlock("u-2", "a", kA);
    const Judged judged = judge_ftrace(one + other), turned = judge_ftrace(other + one);
    REQUIRE(judged.summary().size() == 1);
    CHECK(judged.summary()[0].find("lock-order-cycle possible") == 0);
    CHECK(judged.summary()[0].find(kSemaphore) != std::string::npos);
    CHECK(turned.summary().size() == 1);
    CHECK(judged.consistent);
    CHECK(judge_ftrace(one + one).summary().empty());
  }
  // Tried for: whether it was got is known by its return only.
  const std::string tried = probe("t-1", "down_trylock", "sem=" + kS);
  CHECK(judge_ftrace(tried + lock("t-1", "a", kA)).found.dependencies.empty());
  CHECK(judge_ftrace(tried + returned("t-1", "down_trylock", "ret=0x1") + lock("t-1", "a", kA)).found.dependencies.empty());
  CHECK(judge_ftrace(tried + returned("t-1", "down_trylock", "ret=0x0") + lock("t-1", "a", kA)).found.has_dependency(kSemaphore, "a"));
  const std::string timeout = probe("t-1", "down_timeout", "sem=" + kS) + returned("t-1", "down_timeout", "ret=0xffffffc2");
  CHECK(judge_ftrace(timeout + lock("t-1", "a", kA)).found.dependencies.empty());
}

TEST_CASE("kernel: a semaphore that another task releases is a signal", "[traces][kernel_waits]") {
  const std::string sleeps = at("t-1", "sched_switch: prev_comm=t prev_pid=1 prev_prio=120 prev_state=D ==> next_comm=u next_pid=2 next_prio=120");
  for (const bool returns : {false, true}) {
    const std::string back = returns ? returned("t-1", "down", "ret=0x0") : "";
    const std::string wait = probe("t-1", "down", "sem=" + kS) + lock("t-1", "&rq->__lock", kC) + sleeps + unlock("t-1", "&rq->__lock", kC);
    const std::string text = wait + lock("u-2", "a", kA) + unlock("u-2", "a", kA) + probe("u-2", "up", "sem=" + kS) + back +
                             lock("t-1", "a", kA) + wait + probe("u-2", "up", "sem=" + kS) + back + unlock("t-1", "a", kA);
    const Judged judged = judge_ftrace(text);
    REQUIRE(judged.summary().size() == 1);
    CHECK(judged.summary()[0].find("cross-release-cycle possible") == 0);
    CHECK(judged.found.has_dependency(kSemaphore, "a"));
    CHECK(judged.found.has_dependency("a", kSemaphore));
    CHECK(judged.consistent);
    // The same without the lock over the wait.
    const Judged right = judge_ftrace(wait + lock("u-2", "a", kA) + unlock("u-2", "a", kA) + probe("u-2", "up", "sem=" + kS) + back +
                                      lock("t-1", "a", kA) + unlock("t-1", "a", kA) + wait + probe("u-2", "up", "sem=" + kS) + back);
    CHECK(right.summary().empty());
  }
}

TEST_CASE("kernel: wait queues", "[traces][kernel_waits]") {
  const auto waits = [](const std::string& inside) {
    return probe("t-1", "prepare_to_wait_event", "wq=" + kQ) + probe("t-1", "prepare_to_wait_event", "wq=" + kQ) + inside +
           probe("t-1", "finish_wait", "wq=" + kQ);
  };
  const std::string wakes = probe("u-2", "__wake_up", "wq=" + kQ + " mode=0x3 nr=0x1");
  const std::string takes = lock("u-2", "a", kA) + unlock("u-2", "a", kA);
  const Judged judged = judge_ftrace(waits(takes + wakes) + lock("t-1", "a", kA) + waits(wakes) + unlock("t-1", "a", kA));
  REQUIRE(judged.summary().size() == 1);
  CHECK(judged.summary()[0].find("cross-release-cycle possible") == 0);
  CHECK(judged.summary()[0].find(kQueue) != std::string::npos);
  CHECK(judged.consistent);
  // Nobody waits; never woken, then woken by one who took the lock before; another lock.
  CHECK(judge_ftrace(takes + wakes + lock("t-1", "a", kA) + waits("") + unlock("t-1", "a", kA)).summary().empty());
  const Judged before = judge_ftrace(waits(takes) + lock("t-1", "a", kA) + waits(wakes) + unlock("t-1", "a", kA));
  CHECK(before.found.origins(kQueue, "a") == std::set<engine::Origin>{engine::Origin::kHistory});
  CHECK(judge_ftrace(waits(takes + wakes) + lock("t-1", "b", kB) + waits(wakes) + unlock("t-1", "b", kB)).summary().empty());
}

TEST_CASE("kernel: functions of a call chain", "[traces][ftrace]") {
  using traces::KernelFunction;
  CHECK(traces::kernel_function("lock_acquire+0x10/0x20") == KernelFunction::kLocking);
  CHECK(traces::kernel_function("_raw_spin_lock_irqsave") == KernelFunction::kLocking);
  CHECK(traces::kernel_function("__do_softirq+0x1") == KernelFunction::kSoftirq);
  CHECK(traces::kernel_function("asm_sysvec_apic_timer_interrupt+0x1") == KernelFunction::kHardirq);
  CHECK(traces::kernel_function("smp_call_function_many") == KernelFunction::kOther);
  CHECK(traces::kernel_function("preempt_schedule_irq") == KernelFunction::kTask);
  CHECK(traces::kernel_function("complete_walk+0x1 [x]") == KernelFunction::kOther);
  CHECK(traces::kernel_function("perf_trace_lock") == KernelFunction::kTracing);
}

TEST_CASE("kernel: locks with a subclass of their own that no event shows", "[traces][ftrace]") {
  // A work item queued under the lock of an unbound pool: put_pwq().
  std::string text;
  for (const char* name : {"&pool->lock", "&other->lock"}) {
    const auto acquire = [name](const std::string& map) {
      return at("t-1", "lockx_acquire: map=" + map + " key=" + (name[1] == 'p' ? "ff01" : "ff02") + " sub=0 try=0 read=0 check=1 nest=0 hoff=1 ctx=0 on=1 "
                       "he=0 se=1 wait=0:2 type=0 ip=f+0x1/0x2 name=" + name);
    };
    const auto release = [name](const std::string& map) { return at("t-1", "lockx_release: map=" + map + " key=ff01 on=1 ip=f+0x1/0x2 name=" + name); };
    const std::string outer = name[1] == 'p' ? kA : kC, inner = name[1] == 'p' ? kB : "ffff888000000040";
    text += acquire(outer) + acquire(inner) + release(inner) + release(outer);
  }
  CHECK(judge_ftrace(text).summary() == Lines{"recursive-lock latent &other->lock"});
}

TEST_CASE("kernel: subclasses taken in two orders, of the same two locks", "[traces][ftrace]") {
  // Lockdep goes by class: the outer lock is not a common gate when it is `a` here and `a/1` there.
  const auto nest = [](const std::string& task, int outer, int inner) {
    const auto acquire = [&](const std::string& map, int sub) {
      return at(task, "lockx_acquire: map=" + map + " key=ff01 sub=" + std::to_string(sub) + " try=0 read=0 check=1 nest=0 hoff=1 ctx=0 on=1 he=0 se=1 "
                      "wait=0:2 type=0 ip=f+0x1/0x2 name=a");
    };
    const auto release = [&](const std::string& map) { return at(task, "lockx_release: map=" + map + " key=ff01 on=1 ip=f+0x1/0x2 name=a"); };
    return acquire(kA, outer) + acquire(kB, inner) + release(kB) + release(kA);
  };
  CHECK(judge_ftrace(nest("t-1", 0, 1) + nest("u-2", 0, 1)).summary() == Lines{});
  CHECK(judge_ftrace(nest("t-1", 0, 1) + nest("u-2", 1, 0)).summary() == Lines{"lock-order-cycle possible a/1 -> a -> a/1"});
}
