// SPDX-License-Identifier: MIT
//
// Who waits for read sections, from a kernel's recordings: the domain's lock map found by what the kernel does (before 6.4), by
// where it lies (since), before and after its first reader; RCU itself.
#include "catch.hpp"
#include "run_trace.h"
#include "traces/kernel_probes.h"

using namespace crossdep;
using namespace crossdep::traces_test;
using Lines = std::vector<std::string>;

namespace {

std::string at(const std::string& task, const std::string& event, const std::string& column = ".....") {
  static int time = 0;
  char columns[64];
  std::snprintf(columns, sizeof columns, " [000] %s  1.%06d: ", column.c_str(), ++time);
  return " " + task + columns + event + "\n";
}

const std::string kM = "ffff888000000010", kDomain = "ffffffffa0008f20", kMap = "ffffffffa00092f8", kNearMap = "ffffffffa0008f48", kRcu = "ffffffff821dfa00";

std::string get(const std::string& task, const std::string& map, const std::string& name, int read, int check, const std::string& more = "",
                const std::string& column = ".....") {
  return at(task, "lockx_acquire: map=" + map + " key=" + map + " sub=0 try=0 read=" + std::to_string(read) + " check=" + std::to_string(check) +
                      " nest=0000000000000000 hoff=0 ctx=0 on=1 he=1 se=1 wait=0:0 type=0" + more + " ip=f+0x1/0x9 name=" + name, column);
}
std::string put(const std::string& task, const std::string& map, const std::string& name, const std::string& column = ".....") {
  return at(task, "lockx_release: map=" + map + " key=" + map + " on=1 ip=f+0x2/0x9 name=" + name, column);
}
std::string section(const std::string& task, const std::string& map, int check, const std::string& inside) {
  return get(task, map, "dom", 2, check) + inside + put(task, map, "dom");
}
std::string locked(const std::string& task, const std::string& inside) { return get(task, kM, "m", 0, 1) + inside + put(task, kM, "m"); }
// Before 6.4 it reads its own domain for a moment.
std::string waits(const std::string& task, const std::string& domain, const std::string& map) {
  return at(task, "synchronize_srcu: (synchronize_srcu+0x0/0xd3) ssp=0x" + domain) + (map.empty() ? "" : section(task, map, 0, "")) +
         at(task, "synchronize_srcu_ret: (f+0x1/0x2 <- synchronize_srcu) ret=0x0");
}

const std::string kReader = "r-1", kWaiter = "w-2";

Lines judge(const std::string& text) {
  const Judged judged = judge_ftrace(text);
  CHECK(judged.status.ok());
  CHECK(judged.consistent);
  return judged.summary();
}

}  // namespace

TEST_CASE("kernel: readers of SRCU waited for under a lock of theirs", "[traces][kernel][srcu]") {
  const Lines found = {"lock-order-cycle possible m -> dom -> m"};
  const std::string reads = section(kReader, kMap, 0, locked(kReader, ""));
  CHECK(judge(reads + locked(kWaiter, waits(kWaiter, kDomain, kMap))) == found);
  CHECK(judge(reads + locked(kWaiter, "") + waits(kWaiter, kDomain, kMap)).empty());
  CHECK(judge(section(kReader, kMap, 0, "") + locked(kReader, "") + locked(kWaiter, waits(kWaiter, kDomain, kMap))).empty());
  // Waited for before anybody read; the kernel's own reading tells which map it is.
  CHECK(judge(locked(kWaiter, waits(kWaiter, kDomain, kMap)) + reads).size() == 1);
  // Another domain: as far from its map as this one's.
  CHECK(judge(reads + locked(kWaiter, waits(kWaiter, "ffffffffa0018f20", "ffffffffa00192f8"))).empty());
  // Its own read section is over for what comes behind.
  CHECK(judge(section(kWaiter, kMap, 0, "") + waits(kWaiter, kDomain, kMap) + locked(kWaiter, "")).empty());
  CHECK(judge(section(kWaiter, kMap, 0, waits(kWaiter, kDomain, kMap))).size() == 1);
}

TEST_CASE("kernel: readers of SRCU waited for, as 6.4 and later tell it", "[traces][kernel][srcu]") {
  const Lines found = {"lock-order-cycle possible m -> dom -> m"};
  const std::string reads = section(kReader, kNearMap, 1, locked(kReader, ""));
  CHECK(judge(reads + locked(kWaiter, waits(kWaiter, kDomain, ""))) == found);
  CHECK(judge(locked(kWaiter, waits(kWaiter, kDomain, "")) + reads).size() == 1);   // under the name it had until then
  CHECK(judge(reads + locked(kWaiter, "") + waits(kWaiter, kDomain, "")).empty());
  CHECK(judge(reads + locked(kWaiter, waits(kWaiter, "ffffffffa0007000", ""))).empty());
  // By the acquisition that lockdep calls sync.
  CHECK(judge(reads + locked(kWaiter, get(kWaiter, kNearMap, "dom", 0, 1, " sync=1"))) == found);
  CHECK(judge(reads + locked(kWaiter, "") + get(kWaiter, kNearMap, "dom", 0, 1, " sync=1")).empty());
}

TEST_CASE("kernel: readers of SRCU waited for, by probes", "[traces][kernel][srcu]") {
  const auto acquire = [](const std::string& task, const std::string& map, const std::string& name, int read, int check) {
    return at(task, "lock_acquire_args: (lock_acquire+0x0/0x300) map=0x" + map + " key=0x" + map + " name=\"" + name + "\" sub=0 try=0 read=" +
                        std::to_string(read) + " check=" + std::to_string(check) + " nest=0x0 ip=f+0x1/0x9") +
           at(task, "lock_acquire: " + map + (read != 0 ? " read " : " ") + name);
  };
  const auto release = [](const std::string& task, const std::string& map, const std::string& name) { return at(task, "lock_release: " + map + " " + name); };
  for (const int check : {0, 1}) {
    const std::string map = check == 0 ? kMap : kNearMap;
    const std::string reads = acquire(kReader, map, "dom", 2, check) + acquire(kReader, kM, "m", 0, 1) + release(kReader, kM, "m") + release(kReader, map, "dom");
    const std::string own = check == 0 ? acquire(kWaiter, map, "dom", 2, 0) + release(kWaiter, map, "dom") : "";
    const std::string sync = at(kWaiter, "synchronize_srcu: (synchronize_srcu+0x0/0xd3) ssp=0x" + kDomain) + own;
    CHECK(judge(reads + acquire(kWaiter, kM, "m", 0, 1) + sync + release(kWaiter, kM, "m")) == Lines{"lock-order-cycle possible m -> dom -> m"});
    CHECK(judge(reads + acquire(kWaiter, kM, "m", 0, 1) + release(kWaiter, kM, "m") + sync).empty());
  }
  const std::string lock_sync = at(kWaiter, "lock_sync: (lock_sync+0x0/0x90) map=0x" + kNearMap + " key=0x" + kNearMap + " name=\"dom\" sub=0 read=0 check=1 nest=0x0 ip=f+0x1/0x9");
  const std::string reads = acquire(kReader, kNearMap, "dom", 2, 1) + acquire(kReader, kM, "m", 0, 1) + release(kReader, kM, "m") + release(kReader, kNearMap, "dom");
  CHECK(judge(reads + acquire(kWaiter, kM, "m", 0, 1) + lock_sync + release(kWaiter, kM, "m")) == Lines{"lock-order-cycle possible m -> dom -> m"});
  CHECK(judge(reads + acquire(kWaiter, kM, "m", 0, 1) + release(kWaiter, kM, "m") + lock_sync).empty());
  const std::string probes = traces::kernel_probes("x86_64", false);
  for (const char* line : {"p:crossdep/synchronize_srcu synchronize_srcu ssp=$arg1:x64\n", "r:crossdep/synchronize_srcu_ret synchronize_srcu ret=$retval:x64\n",
                           "p:crossdep/synchronize_rcu synchronize_rcu \n", "p:crossdep/lock_sync lock_sync map=$arg1:x64"})
    CHECK(probes.find(line) != std::string::npos);
}

TEST_CASE("kernel: RCU waited for inside its own read section", "[traces][kernel][srcu]") {
  const auto rcu = [](const std::string& task, const std::string& inside) {
    return get(task, kRcu, "rcu_read_lock", 2, 0) + inside + put(task, kRcu, "rcu_read_lock");
  };
  const std::string wait = at("w-2", "synchronize_rcu: (synchronize_rcu+0x0/0x10)");
  CHECK(judge(rcu(kWaiter, wait)) == Lines{"recursive-lock deadlock rcu_read_lock"});
  CHECK(judge(rcu(kWaiter, rcu(kWaiter, "") + wait)).size() == 1);
  CHECK(judge(rcu(kWaiter, "") + wait).empty());
  CHECK(judge(rcu(kReader, wait)).empty());   // another task's
  CHECK(judge(get(kWaiter, kRcu, "rcu_read_lock_sched", 2, 0) + wait).empty());
  // An interrupt's section is over when the task goes on; what sleeps reads no more.
  CHECK(judge(locked(kWaiter, get(kWaiter, kRcu, "rcu_read_lock", 2, 0, "", "d.h1.") + put(kWaiter, kRcu, "rcu_read_lock", "d.h1.") + wait)).empty());
  CHECK(judge(get(kWaiter, kRcu, "rcu_read_lock", 2, 0) +
              at(kWaiter, "sched_switch: prev_comm=w prev_pid=2 prev_prio=120 prev_state=S ==> next_comm=swapper/0 next_pid=0 next_prio=120") + wait).empty());
  // By the stock events alone.
  const std::string read = at(kWaiter, "lock_acquire: " + kRcu + " read rcu_read_lock"), end = at(kWaiter, "lock_release: " + kRcu + " rcu_read_lock");
  CHECK(judge(read + wait + end).size() == 1);
  CHECK(judge(read + end + wait).empty());
}
