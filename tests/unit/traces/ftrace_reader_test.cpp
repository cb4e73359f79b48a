// SPDX-License-Identifier: MIT
//
// The kernel's ftrace text, piece by piece: the three sources of lock events, interrupts, work items, completions, losses,
// recordings that begin in the middle, and what is broken. Whole recordings: kernel_recordings_test.cpp.
#include "catch.hpp"
#include "run_trace.h"

using namespace crossdep;
using namespace crossdep::traces_test;
using Lines = std::vector<std::string>;

namespace {

// A recording line by line; each `COMM-PID FLAGS EVENT: BODY` gets the columns around it.
class Recording {
 public:
  Recording& at(const std::string& task, const std::string& event, const std::string& flags = ".....", int cpu = 0) {
    char columns[64];
    std::snprintf(columns, sizeof columns, " [%03d] %s  1.%06d: ", cpu, flags.c_str(), ++time_);
    text_ += " " + task + columns + event + "\n";
    return *this;
  }
  Recording& raw(const std::string& line) {
    text_ += line + "\n";
    return *this;
  }
  Recording& lock(const std::string& task, const std::string& map, const std::string& name, const std::string& flags = ".....") {
    return at(task, "lock_acquire: " + map + " " + name, flags).at(task, "lock_acquired: " + map + " " + name, flags);
  }
  Recording& unlock(const std::string& task, const std::string& map, const std::string& name, const std::string& flags = ".....") {
    return at(task, "lock_release: " + map + " " + name, flags);
  }
  Recording& lockx(const std::string& task, const std::string& map, const std::string& key, const std::string& name,
                   const std::string& more = "sub=0 try=0 read=0 check=1 nest=0000000000000000 hoff=0 ctx=0 on=1",
                   const std::string& flags = ".....") {
    return at(task, "lockx_acquire: map=" + map + " key=" + key + " " + more +
                        " he=1 se=1 wait=0:2 type=0 ip=take+0x1/0x2 [mod] name=" + name, flags);
  }
  Recording& unlockx(const std::string& task, const std::string& map, const std::string& name) {
    return at(task, "lockx_release: map=" + map + " key=0 on=1 ip=drop+0x1/0x2 name=" + name);
  }
  Judged judge() const { return judge_ftrace(text_); }
  const std::string& text() const { return text_; }

 private:
  std::string text_ = "# tracer: nop\n#\n";
  int time_ = 0;
};

const std::string kA = "ffff888000000010", kB = "ffff888000000020", kC = "ffff888000000030";

}  // namespace

TEST_CASE("ftrace: stock events judge by name, and say so", "[traces][ftrace]") {
  Recording recording;
  recording.lock("t-1", kA, "a").lock("t-1", kB, "b").unlock("t-1", kB, "b").unlock("t-1", kA, "a");
  recording.lock("u-2", kB, "b").lock("u-2", kA, "a");
  const Judged judged = recording.judge();
  CHECK(judged.status.ok());
  CHECK(judged.summary() == Lines{"lock-order-cycle possible b -> a -> b"});
  CHECK(judged.noted("known by name only"));
  CHECK(judged.consistent);
}

TEST_CASE("ftrace: stock events: instances of one name may nest, readers never block readers", "[traces][ftrace]") {
  Recording nested;
  nested.lock("t-1", kA, "dentry").lock("t-1", kB, "dentry");
  CHECK(nested.judge().summary().empty());
  Recording readers;
  readers.at("t-1", "lock_acquire: " + kA + " read rcu").at("t-1", "lock_acquire: " + kA + " read rcu");
  CHECK(readers.judge().summary().empty());
  Recording tried;
  tried.lock("t-1", kA, "a").at("t-1", "lock_acquire: " + kB + " try b").at("t-1", "lock_acquire: " + kC + " try read c");
  const Judged judged = tried.judge();
  CHECK(judged.found.dependencies.empty());
}

TEST_CASE("ftrace: an interrupted wait for a mutex holds nothing", "[traces][ftrace]") {
  Recording recording;
  recording.at("t-1", "lock_acquire: " + kA + " a").at("t-1", "lock_contended: " + kA + " a");
  recording.unlock("t-1", kA, "a").lock("t-1", kB, "b");
  const Judged judged = recording.judge();
  CHECK(judged.summary().empty());
  CHECK(judged.found.dependencies.empty());
}

TEST_CASE("ftrace: without lock_acquired the next lock event shows that it was got", "[traces][ftrace]") {
  Recording recording;
  recording.at("t-1", "lock_acquire: " + kA + " a").at("t-1", "lock_acquire: " + kB + " b");
  CHECK(recording.judge().found.has_dependency("a", "b"));
}

TEST_CASE("ftrace: lockx events name classes by key and subclass", "[traces][ftrace]") {
  Recording recording;
  const std::string sub1 = "sub=1 try=0 read=0 check=1 nest=0000000000000000 hoff=0 ctx=0 on=1";
  recording.lockx("t-1", kA, "ffff0001", "clash").lockx("t-1", kB, "ffff0002", "clash").lockx("t-1", kC, "ffff0001", "clash", sub1);
  const Judged judged = recording.judge();
  CHECK(judged.found.classes.size() == 3);
  CHECK(judged.found.dependencies.size() == 3);
  CHECK(judged.summary().empty());
  CHECK_FALSE(judged.noted("by name only"));
  bool place_told = false;
  for (const auto& [id, link] : judged.found.witnesses) place_told |= link[0].to_site != 0;
  CHECK(place_told);
}

TEST_CASE("ftrace: lockx events: unchecked and unrecorded acquisitions are not judged", "[traces][ftrace]") {
  for (const char* what : {"sub=0 try=0 read=0 check=0 nest=0 hoff=0 ctx=0 on=1", "sub=0 try=0 read=0 check=1 nest=0 hoff=0 ctx=0 on=0"}) {
    Recording recording;
    recording.lockx("t-1", kA, "ffff0001", "a").lockx("t-1", kB, "ffff0002", "b", what).lockx("t-1", kC, "ffff0003", "c");
    recording.unlockx("t-1", kB, "b").unlockx("t-1", kC, "c").unlockx("t-1", kA, "a");
    const Judged judged = recording.judge();
    CHECK(judged.found.dependencies.size() == 1);
    CHECK(judged.found.has_dependency("a", "c"));
    CHECK(judged.summary().empty());
  }
}

TEST_CASE("ftrace: lockx events push the stock ones aside, across processors", "[traces][ftrace]") {
  Recording recording;   // the stock line of one processor stands before the lockx line of another
  recording.at("t-1", "lock_acquire: " + kA + " a").at("u-2", "lock_acquire: " + kB + " b", ".....", 1);
  recording.lockx("t-1", kA, "ffff0001", "a").lockx("u-2", kB, "ffff0002", "b");
  recording.at("t-1", "lock_release: " + kA + " a").unlockx("t-1", kA, "a");
  const Judged judged = recording.judge();
  CHECK(judged.found.classes.size() == 2);
  CHECK(judged.summary().empty());
  CHECK_FALSE(judged.noted("by name only"));
}

TEST_CASE("ftrace: lockx events: nest lock, read kinds, downgrade, re-used memory", "[traces][ftrace]") {
  Recording nest;
  nest.lockx("t-1", kA, "ffff0001", "outer");
  nest.lockx("t-1", kB, "ffff0002", "node", "sub=0 try=0 read=0 check=1 nest=" + kA + " hoff=0 ctx=0 on=1");
  nest.lockx("t-1", kC, "ffff0002", "node", "sub=0 try=0 read=0 check=1 nest=" + kA + " hoff=0 ctx=0 on=1");
  CHECK(nest.judge().summary().empty());

  Recording reused;   // the memory of a lock released becomes another lock
  reused.lockx("t-1", kA, "ffff0001", "old").unlockx("t-1", kA, "old").lockx("t-1", kA, "ffff0002", "new").lockx("t-1", kB, "ffff0003", "b");
  const Judged judged = reused.judge();
  CHECK(judged.found.has_dependency("new", "b"));
  CHECK_FALSE(judged.found.has_dependency("old", "b"));
  CHECK(judged.summary().empty());

  const std::string read = "sub=0 try=0 read=1 check=1 nest=0 hoff=0 ctx=0 on=1";
  Recording readers;   // plain readers of an rwsem: A r, B w | B w, A r deadlocks only through a writer in between
  readers.lockx("t-1", kA, "ffff0001", "a", read).at("t-1", "lockx_downgrade: map=" + kA + " key=0 sub=0 ip=x+0x1/0x2 name=a");
  CHECK(readers.judge().summary().empty());
}

TEST_CASE("ftrace: interrupts are contexts of their own", "[traces][ftrace]") {
  Recording recording;
  recording.lock("t-1", kA, "a").lock("t-1", kB, "b", "d.h1.").unlock("t-1", kB, "b", "d.h1.");
  recording.lock("t-1", kC, "c", "..s1.").lock("t-1", kB, "b", "d.H1.").unlock("t-1", kB, "b", "d.H1.");
  recording.unlock("t-1", kC, "c", "..s1.").lock("t-1", "ffff0040", "d");
  const Judged judged = recording.judge();
  CHECK(judged.found.dependencies.size() == 3);
  CHECK(judged.found.has_dependency("a", "d"));
  CHECK(judged.found.has_dependency("(hardirq)", "b"));
  CHECK(judged.found.has_dependency("(softirq)", "c"));
  CHECK(judged.summary().empty());
  CHECK(judged.consistent);
}

TEST_CASE("ftrace: a lock released under an interrupt's column is released when its task is back", "[traces][ftrace]") {
  Recording recording;
  recording.lock("t-1", kA, "a").unlock("t-1", kA, "a", "..s1.").lock("t-1", kB, "b");
  const Judged judged = recording.judge();
  CHECK(judged.found.dependencies.empty());
  CHECK(judged.summary().empty());
}

TEST_CASE("ftrace: the idle tasks of two processors are two", "[traces][ftrace]") {
  Recording recording;
  recording.at("<idle>-0", "lock_acquire: " + kA + " a", "d..1.", 0).at("<idle>-0", "lock_acquire: " + kB + " b", "d..1.", 1);
  recording.at("<idle>-0", "lock_acquire: " + kC + " c", "d..1.", 1);
  const Judged judged = recording.judge();
  CHECK(judged.found.dependencies.size() == 1);
  CHECK(judged.found.has_dependency("b", "c"));
}

TEST_CASE("ftrace: releases of what was taken before the recording are passed over", "[traces][ftrace]") {
  Recording recording;
  recording.unlock("t-1", kA, "a").lock("u-2", kA, "a").unlock("t-1", kA, "a").lock("t-1", kB, "b");
  const Judged judged = recording.judge();
  CHECK(judged.summary().empty());
  CHECK(judged.noted("2 releases of locks taken before the recording began were passed over"));
}

TEST_CASE("ftrace: a second release of one acquisition is a finding", "[traces][ftrace]") {
  Recording recording;
  recording.lock("t-1", kA, "a").unlock("t-1", kA, "a").unlock("t-1", kA, "a");
  CHECK(recording.judge().summary() == Lines{"bad-unlock confirmed a"});
}

TEST_CASE("ftrace: lost events forget what that processor's tasks hold", "[traces][ftrace]") {
  Recording recording;
  recording.lock("t-1", kA, "a").at("u-2", "lock_acquire: " + kB + " b", ".....", 1).at("u-2", "lock_acquired: " + kB + " b", ".....", 1);
  recording.raw("CPU:0 [LOST 17 EVENTS]").lock("t-1", kC, "c").unlock("t-1", kA, "a");
  recording.at("u-2", "lock_acquire: " + kC + " c", ".....", 1);
  const Judged judged = recording.judge();
  CHECK_FALSE(judged.found.has_dependency("a", "c"));
  CHECK(judged.found.has_dependency("b", "c"));
  CHECK(judged.summary().empty());
  CHECK(judged.lost == 17);
  CHECK(judged.noted("17 events are missing"));
}

TEST_CASE("ftrace: the header tells of events lost before the first", "[traces][ftrace]") {
  const Judged judged = judge_ftrace("# tracer: nop\n#\n# entries-in-buffer/entries-written: 2/10   #P:1\n a-1 [000] .... 1.0: lock_release: ff10 x\n");
  CHECK(judged.lost == 8);
  CHECK(judged.noted("8 events are missing"));
  CHECK(judge_ftrace("# entries-in-buffer/entries-written: 2/2   #P:1\n").lost == 0);
}

TEST_CASE("ftrace: probes on lock_acquire, under any event name", "[traces][ftrace]") {
  const auto acquire = [](const std::string& map, const std::string& key, const std::string& name, const std::string& rest) {
    return "myprobe: (lock_acquire+0x0/0x270) map=0x" + map + " key=" + key + " name=\"" + name + "\" " + rest;
  };
  Recording recording;
  const std::string plain = "sub=0 try=0 read=0 check=1 nest=0x0";
  recording.at("t-1", acquire(kA, "0x0", "a", plain)).at("t-1", "lock_acquire: " + kA + " a").at("t-1", "lock_acquired: " + kA + " a");
  recording.at("t-1", acquire(kB, "0xffff0001", "b", "sub=1 try=0 read=2 check=1 nest=0x0")).at("t-1", "lock_acquire: " + kB + " read b");
  recording.unlock("t-1", kB, "b").unlock("t-1", kA, "a");
  recording.at("t-1", acquire(kA, "0x" + kA, "a", plain)).at("t-1", "lock_acquire: " + kA + " a").unlock("t-1", kA, "a");
  const Judged judged = recording.judge();
  CHECK(judged.found.classes.size() == 2);   // key=0x0 is the map's own address
  CHECK(judged.found.has_dependency("a", "b/1"));
  CHECK(judged.summary().empty());
  CHECK_FALSE(judged.noted("by name only"));
}

TEST_CASE("ftrace: a work item is a context, the maps held around it go with it", "[traces][ftrace]") {
  Recording bare;
  bare.at("kworker/0:0-6", "workqueue_execute_start: work struct ffff0000aaaa0000: function do_it [mod]");
  bare.lock("kworker/0:0-6", kA, "a").unlock("kworker/0:0-6", kA, "a");
  bare.at("kworker/0:0-6", "workqueue_execute_end: work struct ffff0000aaaa0000: function do_it [mod]");
  bare.lock("kworker/0:0-6", kB, "b");
  const Judged alone = bare.judge();
  CHECK(alone.found.has_dependency("(work)do_it [mod]", "a"));
  CHECK_FALSE(alone.found.has_dependency("(work)do_it [mod]", "b"));

  Recording mapped;
  mapped.at("kworker/0:0-6", "lock_acquire: " + kA + " (wq_completion)events").at("kworker/0:0-6", "lock_acquire: " + kB + " (work_completion)(&w)");
  mapped.at("kworker/0:0-6", "workqueue_execute_start: work struct ffff0000aaaa0000: function do_it");
  mapped.lock("kworker/0:0-6", kC, "c").unlock("kworker/0:0-6", kC, "c");
  mapped.at("kworker/0:0-6", "workqueue_execute_end: work struct ffff0000aaaa0000: function do_it");
  mapped.unlock("kworker/0:0-6", kB, "(work_completion)(&w)").unlock("kworker/0:0-6", kA, "(wq_completion)events");
  const Judged judged = mapped.judge();
  CHECK(judged.found.has_dependency("(wq_completion)events", "c"));
  CHECK(judged.found.has_dependency("(work_completion)(&w)", "c"));
  CHECK(judged.found.has_dependency("(wq_completion)events", "(work_completion)(&w)"));
  for (const auto& [id, name] : judged.found.classes) CHECK(name.find("(work)") == std::string::npos);
  CHECK(judged.summary().empty());
  CHECK_FALSE(judged.noted("releases of locks"));
}

TEST_CASE("ftrace: a completion on a static object", "[traces][ftrace]") {
  Recording recording;
  recording.lock("w-1", kA, "a");
  recording.at("w-1", "p1: (wait_for_completion+0x0/0x30) x=0xffffffffa0006e00");
  recording.lock("s-2", kB, "b").unlock("s-2", kB, "b");
  recording.at("s-2", "p2: (complete+0x0/0x70) x=0xffffffffa0006e00");
  recording.at("w-1", "p3: (0xffffffffa000aa25 <- wait_for_completion)");
  recording.unlock("w-1", kA, "a");
  recording.at("v-3", "p1: (wait_for_completion_timeout+0x0/0x30) x=0xffffffffa0006e00", "..Zff");   // the probe's trap
  recording.lock("s-2", kA, "a").unlock("s-2", kA, "a").at("s-2", "p2: (complete_all+0x0/0x70) x=0xffffffffa0006e00");
  recording.at("v-3", "p3: (x+0x1/0x2 <- wait_for_completion_timeout) ret=0x5");
  const Judged judged = recording.judge();
  const std::string name = "(completion)0xffffffffa0006e00";
  CHECK(judged.found.has_dependency("a", name));
  CHECK(judged.found.origins(name, "b") == std::set<engine::Origin>{engine::Origin::kOverlap});
  CHECK(judged.summary() == Lines{"cross-release-cycle possible " + name + " -> a -> " + name});
}

TEST_CASE("ftrace: a completion on a stack is another one once it is over", "[traces][ftrace]") {
  const auto round = [](const std::string& held, const std::string& taken) {
    Recording recording;
    for (const std::string& address : {std::string("0xffffc90000157df0"), std::string("0xffffffffa0006e00")}) {
      // Round one: w holds `held` and waits. Round two: nobody holds anything, but s takes `taken` first.
      recording.lock("w-1", held, "held").at("w-1", "p: (wait_for_completion+0x0/0x30) x=" + address);
      recording.at("s-2", "p: (complete+0x0/0x70) x=" + address).at("w-1", "p: (f+0x1/0x2 <- wait_for_completion)").unlock("w-1", held, "held");
      recording.at("w-1", "p: (wait_for_completion+0x0/0x30) x=" + address).lock("s-2", taken, "held").unlock("s-2", taken, "held");
      recording.at("s-2", "p: (complete+0x0/0x70) x=" + address).at("w-1", "p: (g+0x1/0x2 <- wait_for_completion)");
    }
    return recording.judge();
  };
  const Judged judged = round(kA, kA);
  const std::string name = "(completion)0xffffffffa0006e00";
  CHECK(judged.summary() == Lines{"cross-release-cycle possible " + name + " -> held -> " + name});
}

TEST_CASE("ftrace: a wait that ended by itself, and one whose return was not recorded", "[traces][ftrace]") {
  Recording recording;
  recording.at("w-1", "p: (wait_for_completion_interruptible+0x0/0x30) x=0xffffffffa0006e00");
  recording.at("w-1", "p: (f+0x1/0x2 <- wait_for_completion_interruptible) ret=0xfffffffffffffe00");
  recording.at("w-1", "p: (wait_for_completion_timeout+0x0/0x30) x=0xffffffffa0006e00");
  recording.at("w-1", "p: (f+0x1/0x2 <- wait_for_completion_timeout) ret=0x0");
  recording.at("w-1", "p: (wait_for_completion+0x0/0x30) x=0xffffffffa0006e00");
  recording.at("w-1", "p: (wait_for_completion+0x0/0x30) x=0xffffffffa0006f00");
  recording.at("w-1", "p: (f+0x1/0x2 <- wait_for_completion)").at("w-1", "p: (f+0x1/0x2 <- wait_for_completion)");
  recording.at("w-1", "p: (try_wait_for_completion+0x0/0x30) x=0xffffffffa0006f00").at("w-1", "p: (f+0x1/0x2 <- try_wait_for_completion) ret=0x0");
  recording.at("s-2", "p: (complete+0x0/0x30) x=0xffffffffa0006f00");
  recording.at("w-1", "p: (try_wait_for_completion+0x0/0x30) x=0xffffffffa0006f00").at("w-1", "p: (f+0x1/0x2 <- try_wait_for_completion) ret=0x1");
  const std::string text = as_text(recording.text());
  INFO(text);
  CHECK(recording.judge().status.ok());
  std::size_t failed = 0;
  for (std::size_t at = 0; (at = text.find(" failed", at)) != std::string::npos; ++at) ++failed;
  CHECK(failed == 2);
  CHECK(text.find("wake (completion)") == std::string::npos);   // locks are called by their address
  CHECK(text.find("w wait 0xffffffffa0006f00 try") != std::string::npos);
  CHECK(text.find("w wake 0xffffffffa0006f00 by=s") != std::string::npos);
}

TEST_CASE("ftrace: tasks are created, named and end", "[traces][ftrace]") {
  Recording recording;
  recording.at("kthreadd-2", "sched_process_fork: comm=kthreadd pid=2 child_comm=kthreadd child_pid=44");
  recording.lock("kthreadd-44", kA, "a").lock("my worker-44", kB, "b").unlock("my worker-44", kB, "b").unlock("my worker-44", kA, "a");
  recording.lock("my worker-44", kC, "rq", "d..2.");
  recording.at("my worker-44", "sched_switch: prev_comm=my worker prev_pid=44 prev_prio=120 prev_state=X ==> next_comm=x next_pid=9 next_prio=1", "d..2.");
  recording.unlock("my worker-44", kC, "rq", "d..2.");   // the switch itself, still counted as the old task
  recording.lock("x-9", kA, "a").unlock("x-9", kA, "a");
  recording.lock("other-44", kB, "b").lock("other-44", kA, "a");
  const Judged judged = recording.judge();
  REQUIRE(judged.found.contexts.size() >= 3);
  CHECK(judged.summary() == Lines{"lock-order-cycle possible b -> a -> b"});   // no exit-held, and two tasks
  CHECK(judged.consistent);
}

TEST_CASE("ftrace: hotplug threads hold cpu_hotplug_lock for the task that waits for them", "[traces][ftrace]") {
  Recording recording;
  recording.at("insmod-1", "lock_acquire: " + kA + " read cpu_hotplug_lock");
  recording.at("insmod-1", "p: (wait_for_completion+0x0/0x30) x=0xffffffffa0006e00");
  recording.lock("cpuhp/0-16", kA, "cpu_hotplug_lock").lock("cpuhp/0-16", kB, "b");
  recording.unlock("cpuhp/0-16", kB, "b").unlock("cpuhp/0-16", kA, "cpu_hotplug_lock");
  recording.at("cpuhp/0-16", "p: (complete+0x0/0x30) x=0xffffffffa0006e00");
  const Judged judged = recording.judge();
  CHECK(judged.summary().empty());
  CHECK(judged.found.has_dependency("cpu_hotplug_lock", "b"));
}

TEST_CASE("ftrace: what cannot be read is counted, not guessed", "[traces][ftrace]") {
  Recording recording;
  recording.raw("[    7.334892] a kernel message before").at("t-1", "lock_acquire: garbage").at("t-1", "lock_acquire: " + kA);
  recording.at("t-1", "lock_release: ");
  recording.at("t-1", "p: (complete+0x0/0x70) x=").at("t-1", "workqueue_execute_start: something else");
  recording.at("t-1", "sched_process_fork: comm=a").raw("no event at all").raw(" => do_fork").raw("t-1 <stack trace>");
  recording.at("t-1", "lock_acquire: (____ptrval____) early");
  const Judged judged = recording.judge();
  CHECK(judged.status.ok());
  CHECK(judged.noted("6 events could not be read and were passed over, the first in line 4"));
  CHECK(judged.noted("1 line is no ftrace event and was passed over"));
  CHECK(judged.noted("1 events name locks by (____ptrval____)"));
  CHECK(judged.found.classes.empty());

  Recording detailed;
  detailed.at("t-1", "lockx_release: key=3").at("t-1", "lockx_acquire: map=zz key=1 name=x").at("t-1", "lockx_acquire: map=ff10 key=1");
  detailed.at("t-1", "lockx_acquire: map=ff10 key=1 sub=900 name=x").at("t-1", "lockx_downgrade: name=x").at("t-1", "lockx_acquire:");
  const Judged none = detailed.judge();
  CHECK(none.noted("6 events could not be read"));
  CHECK(none.found.classes.empty());
}

TEST_CASE("ftrace: CR LF", "[traces][ftrace]") {
  std::string text = "# tracer: nop\r\n a-1 [000] .... 1.0: lock_acquire: ff10 a\r\n a-1 [000] .... 1.0: lock_acquire: ff20 b\r\n";
  const Judged judged = judge_ftrace(text);
  CHECK(judged.status.ok());
  CHECK(judged.found.has_dependency("a", "b"));
}

TEST_CASE("ftrace: cut at every byte", "[traces][ftrace]") {
  Recording recording;
  recording.lock("t-1", kA, "a").at("t-1", "p: (wait_for_completion+0x0/0x30) x=0xffffffffa0006e00");
  recording.lockx("u-2", kB, "ffff0001", "b").at("u-2", "workqueue_execute_start: work struct ff: function f");
  const std::string& whole = recording.text();
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const Judged judged = judge_ftrace(std::string(whole, 0, length));
    INFO("cut at " << length << ": " << judged.status.text());
    CHECK(judged.consistent);
    for (const auto& [id, name] : judged.found.classes)   // no name is half a name
      CHECK((name == "a" || name == "b" || name == "(work)f" || name == "(completion)0xffffffffa0006e00"));
    if (!judged.status.ok()) CHECK(judged.status.cause == "the last line is not ended: the file may have been cut");
  }
}

TEST_CASE("ftrace: noise between the lines", "[traces][ftrace]") {
  Recording recording;
  recording.lock("t-1", kA, "a");
  std::string text = recording.text();
  std::uint32_t state = 12345;
  for (int i = 0; i < 200000; ++i) text += static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  text += "\n";
  Recording after;
  after.lock("t-1", kB, "b");
  const Judged judged = judge_ftrace(text + after.text());
  CHECK(judged.status.ok());
  CHECK(judged.found.has_dependency("a", "b"));
  CHECK(judged.consistent);
}

TEST_CASE("ftrace: very many tasks and processors", "[traces][ftrace]") {
  std::string text;
  for (int i = 1; i <= 20000; ++i) {
    const std::string task = " t-" + std::to_string(i) + " [" + std::to_string(i % 5000) + "] .... 1.0: ";
    text += task + "lock_acquire: ff10 a\n" + task + "lock_release: ff10 a\n";
    text += task + "sched_switch: prev_comm=t prev_pid=1 prev_prio=1 prev_state=X ==> next_comm=x next_pid=1 next_prio=1\n";
  }
  const Judged judged = judge_ftrace(text);
  CHECK(judged.status.ok());
  CHECK(judged.summary().empty());
  CHECK(judged.undefined == 0);
}
