// SPDX-License-Identifier: MIT
//
// ThreadSanitizer's, Helgrind's and DRD's reports as people and machines pass them on: with times before each line, in
// comments, in documents, without heads and ends.
#include "catch.hpp"
#include "reports/splat.h"
#include "told.h"

using namespace crossdep;
using namespace crossdep::traces_test;

namespace {

const std::string kOrder =
    "WARNING: ThreadSanitizer: lock-order-inversion (potential deadlock) (pid=42)\n"
    "  Cycle in lock order graph: M0 (0x7b1000000010) => M1 (0x7b1000000050) => M0\n\n"
    "  Mutex M1 acquired here while holding mutex M0 in main thread:\n    #0 pthread_mutex_lock ??:? (app+0x75add)\n"
    "    #1 Cache::refresh(Store&) /src/cache.cpp:41:17 (app+0x2a1c) (BuildId: aabb)\n\n"
    "  Mutex M0 acquired here while holding mutex M1 in thread T3:\n    #0 pthread_mutex_lock ??:? (app+0x75add)\n"
    "    #1 Store::flush() /src/store.cpp:? (app+0x2b77)\n\n";
const std::string kEnd = "SUMMARY: ThreadSanitizer: lock-order-inversion (potential deadlock) /src/cache.cpp:41:17 in Cache::refresh(Store&)\n";

// `before` in front of every line, its digits counting on.
std::string timed(const std::string& text, std::string before) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    for (std::size_t i = before.size(); i-- > 0;)
      if (before[i] >= '0' && before[i] < '9') {
        ++before[i];
        break;
      }
    out += before + text.substr(at, end - at) + "\n";
    at = end + 1;
  }
  return out;
}

const std::string kHelgrind =
    "Thread #1: lock order \"0x7FF0006D0 before 0x7FF0006A0\" violated\n\nObserved (incorrect) order is: acquisition of lock at 0x7FF0006A0\n"
    "   at 0x4C2BC62: pthread_mutex_lock (hg_intercepts.c:494)\n   by 0x400825: main (laog.c:23)\n\n"
    " followed by a later acquisition of lock at 0x7FF0006D0\n   at 0x4C2BC62: pthread_mutex_lock (hg_intercepts.c:494)\n"
    "   by 0x400853: main (laog.c:24)\n\nRequired order was established by acquisition of lock at 0x7FF0006D0\n"
    "   at 0x4C2BC62: pthread_mutex_lock (hg_intercepts.c:494)\n   by 0x40076D: main (laog.c:17)\n\n"
    " followed by a later acquisition of lock at 0x7FF0006A0\n   at 0x4C2BC62: pthread_mutex_lock (hg_intercepts.c:494)\n"
    "   by 0x40079B: main (laog.c:18)\n\n";

}  // namespace

TEST_CASE("logs: ThreadSanitizer behind prefixes that change from line to line", "[traces][explain]") {
  const Told expected = tell(kOrder + kEnd);
  REQUIRE(expected.graph.findings.size() == 1);
  CHECK(expected.status.ok());
  CHECK(expected.only().links.size() == 2);
  for (const std::string before : {"2024-05-01T12:00:00.1234111Z ", "05-01 12:00:00.124  1234  1240 I wrap.sh : ", "// ", "# ", "34: ", "> ", "[ 12/99] "}) {
    CAPTURE(before);
    const Told told = tell(timed(kOrder + kEnd, before));
    CHECK(told.ids() == expected.ids());
    CHECK(told.status.ok());
  }
}

TEST_CASE("logs: a report of ThreadSanitizer whose last line a document leaves out", "[traces][explain]") {
  CHECK(tell(kOrder).status.partial());
  const Told told = tell(kOrder + "The fix is to take the store's lock first.\n");
  CHECK(told.status.ok());
  CHECK(told.ids() == tell(kOrder + kEnd).ids());
  for (const reports::Frame& frame : told.graph.frames) CHECK(frame.file.find('?') == std::string::npos);
}

TEST_CASE("logs: mutexes without addresses are told apart by their numbers", "[traces][explain]") {
  const Told told = tell("WARNING: ThreadSanitizer: lock-order-inversion (potential deadlock) (pid=2)\n"
                         "  Cycle in lock order graph: M80 (0x000000000000) => M56 (0x000000000000) => M80\n\n"
                         "  Mutex M56 acquired here while holding mutex M80 in thread T12:\n    #0 pthread_mutex_lock <null> (libtsan.so.0+0x3faeb)\n"
                         "    #1 lock_at ../lib/thread.c:76 (test+0x3f)\n    #2 a ../lib/a.c:10 (test+0x3f)\n\n"
                         "  Mutex M80 acquired here while holding mutex M56 in thread T15:\n    #0 pthread_mutex_lock <null> (libtsan.so.0+0x3faeb)\n"
                         "    #1 lock_at ../lib/thread.c:76 (test+0x3f)\n    #2 b ../lib/a.c:20 (test+0x3f)\n\n" + kEnd);
  REQUIRE(told.graph.findings.size() == 1);
  CHECK(told.only().links.size() == 2);
}

TEST_CASE("logs: Helgrind's errors as documents print them", "[traces][explain]") {
  const Told told = tell("The tool says:\n\n" + kHelgrind + "The locks are taken in both orders.\n");
  REQUIRE(told.graph.findings.size() == 1);
  CHECK(told.status.ok());
  CHECK(told.only().links.size() == 2);
  CHECK(told.only().reason.find("reported by Helgrind") != std::string::npos);
  const Told cut = tell(kHelgrind);
  CHECK(cut.status.partial());
  REQUIRE(cut.graph.findings.size() == 1);
  CHECK(cut.only().links.empty());
  CHECK(cut.graph.dependencies.size() == 2);
  CHECK(cut.only().reason.find("partial") != std::string::npos);
}

TEST_CASE("logs: waiting inside the C library is not the place", "[traces][explain]") {
  const Told told = tell("==6== Thread #2: Exiting thread still holds 1 lock\n==6==    at 0x4B342C0: futex_wait (futex-internal.h:146)\n"
                         "==6==    by 0x4B342C0: __lll_lock_wait (lowlevellock.c:49)\n==6==    by 0x4B3B001: lll_mutex_lock_optimized (pthread_mutex_lock.c:48)\n"
                         "==6==    by 0x4B3B001: pthread_mutex_lock@@GLIBC_2.2.5 (pthread_mutex_lock.c:93)\n==6==    by 0x109336: work(void*) (w.cc:7)\n"
                         "==6== \n==6== ERROR SUMMARY: 1 errors from 1 contexts\n");
  REQUIRE(told.graph.findings.size() == 1);
  CHECK(reports::short_place(told.graph, told.only().site) == "w.cc:7");
  CHECK(told.only().reason.find("reported by Helgrind") != std::string::npos);
}

TEST_CASE("logs: C++ and the heap are named as in a live run", "[traces][explain]") {
  // What the runtime calls `mutex@member+8`: eight bytes into the memory that member() asked for; without parameters.
  const Told heap = tell("WARNING: ThreadSanitizer: unlock of an unlocked mutex (or by a wrong thread) (pid=188)\n"
                         "    #0 pthread_mutex_unlock <null> (libtsan.so.2+0x439f1)\n    #1 std::mutex::unlock() /usr/include/c++/12/bits/std_mutex.h:118 (u+0x14ef)\n"
                         "    #2 ns::member(ns::Conn&) /u.cc:11 (u+0x12b7)\n\n  Location is heap block of size 48 at 0x7b0c00000000 allocated by main thread:\n"
                         "    #0 operator new(unsigned long) ../tsan_new_delete.cpp:64 (libtsan.so.2+0x87323)\n    #1 ns::make(int) /u.cc:9 (u+0x1298)\n\n"
                         "  Mutex M9 (0x7b0c00000008) created at:\n    #0 pthread_mutex_unlock <null> (libtsan.so.2+0x439f1)\n"
                         "    #1 ns::member(ns::Conn&) /u.cc:11 (u+0x12b7)\n\nSUMMARY: ThreadSanitizer: unlock\n");
  REQUIRE(heap.graph.findings.size() == 1);
  CHECK(heap.cycle(heap.only()) == "mutex@ns::make+8");
  CHECK(heap.graph.frames.at(heap.graph.stacks.at(heap.only().site).front()).function == "ns::member");
  // Of a mutex whose creation is not printed an address would be another one in each run.
  const Told invalid = tell("WARNING: ThreadSanitizer: use of an invalid mutex (e.g. uninitialized or destroyed) (pid=188)\n"
                            "    #0 pthread_mutex_lock <null> (u+0x439f1)\n    #1 work(void*) /u.cc:30 (u+0x12b7)\n\n"
                            "  Mutex M5 (0x7b0c00000040) is already destroyed.\n\nSUMMARY: ThreadSanitizer: use of an invalid mutex\n");
  REQUIRE(invalid.graph.findings.size() == 1);
  CHECK(invalid.cycle(invalid.only()) == "mutex@work#1");
}

TEST_CASE("logs: members of a global are classes of their own, wherever the global is described", "[traces][explain]") {
  const auto took = [](const std::string& second, const std::string& first, const std::string& by, int line) {
    return "  Mutex " + second + " acquired here while holding mutex " + first + " in thread " + by + ":\n    #0 pthread_mutex_lock <null> (libtsan.so.2+0x558e1)\n"
           "    #1 std::mutex::lock() /usr/include/c++/12/bits/std_mutex.h:100 (m+0x10)\n    #2 " + by + "_work() /src/m.cpp:" + std::to_string(line) + " (m+0x20)\n\n";
  };
  const std::string cycle = "WARNING: ThreadSanitizer: lock-order-inversion (potential deadlock) (pid=7)\n"
                            "  Cycle in lock order graph: M0 (0x555555558088) => M1 (0x5555555580d8) => M0\n\n" +
                            took("M1", "M0", "T1", 7) + took("M0", "M1", "T2", 8) + "SUMMARY: ThreadSanitizer: lock-order-inversion (potential deadlock) x\n";
  const std::string race = "WARNING: ThreadSanitizer: data race (pid=7)\n  Write of size 4 at 0x555555558080 by thread T2:\n    #0 T2_work() /src/m.cpp:8 (m+0x30)\n\n"
                           "  Location is global 'g_table' of size 240 at 0x555555558080 (m+0x4080)\n\nSUMMARY: ThreadSanitizer: data race x\n";
  CHECK(tell(cycle).cycle(tell(cycle).only()) == "mutex@T2_work#1 -> mutex@T1_work#1");
  for (const std::string& log : {cycle + race, race + cycle}) {
    const Told told = tell(log);
    REQUIRE(told.graph.findings.size() == 1);
    CHECK(told.cycle(told.only()) == "g_table+0x8 -> g_table+0x58");
  }
  // Another process has other things there.
  std::string other = race;
  other.replace(other.find("pid=7"), 5, "pid=8");
  CHECK(tell(other + cycle).ids() == tell(cycle).ids());
}

TEST_CASE("logs: with and without optimisation and debugging information, a lock has one name", "[traces][explain]") {
  // What libstdc++ does in frames of its own, inlined ones (valgrind: a bare name and a header) or none.
  const auto tsan = [](const std::string& library, const std::string& tail) {
    return "WARNING: ThreadSanitizer: unlock of an unlocked mutex (or by a wrong thread) (pid=9)\n    #0 pthread_rwlock_unlock <null> (libtsan.so.2+0x1)\n" +
           library + "    #9 Store::flush(int) " + tail + " (m+0x14ef)\n\nSUMMARY: ThreadSanitizer: unlock\n";
  };
  const std::vector<std::string> expected = tell(tsan("", "/src/m.cpp:9")).ids();
  REQUIRE(expected.size() == 1);
  CHECK(tell(tsan("", "m.cpp")).ids() == expected);        // clang, without -g
  CHECK(tell(tsan("", "<null>")).ids() == expected);
  CHECK(tell(tsan("    #1 __glibcxx_rwlock_unlock /usr/include/c++/12/shared_mutex:80 (m+0x10)\n    #2 std::shared_mutex::unlock() /usr/include/c++/12/shared_mutex:201 "
                  "(m+0x11)\n", "/src/m.cpp:9")).ids() == expected);
  CHECK(tell(tsan("    #1 unlock /usr/include/c++/12/shared_mutex:201 (m+0x11)\n", "/src/m.cpp:9")).ids() == expected);

  const auto helgrind = [](const std::string& library) {
    return "==5== Helgrind, a thread error detector\n==5== Thread #1 unlocked a not-locked lock at 0x10F0A8\n"
           "==5==    at 0x484976E: ??? (in /usr/libexec/valgrind/vgpreload_helgrind-amd64-linux.so)\n" + library +
           "==5==    by 0x1091D6: Store::flush(int) (m.cpp:9)\n==5==  Lock at 0x10F0A8 was first observed\n"
           "==5==    at 0x484976E: ??? (in /usr/libexec/valgrind/vgpreload_helgrind-amd64-linux.so)\n" + library +
           "==5==    by 0x1091D0: Store::flush(int) (m.cpp:8)\n==5== \n==5== ERROR SUMMARY: 1 errors\n";
  };
  const std::vector<std::string> one = tell(helgrind("")).ids();
  REQUIRE(one.size() == 1);
  CHECK(tell(helgrind("==5==    by 0x10989E: __gthread_mutex_lock(pthread_mutex_t*) (gthr-default.h:749)\n==5==    by 0x1098EF: std::mutex::lock() (std_mutex.h:100)\n"
                      "==5==    by 0x109BC8: std::unique_lock<std::mutex>::lock() (unique_lock.h:139)\n")).ids() == one);
  CHECK(tell(helgrind("==5==    by 0x10989E: __gthread_mutex_lock (gthr-default.h:749)\n==5==    by 0x1098EF: lock (std_mutex.h:100)\n"
                      "==5==    by 0x1098EF: lock (mutex:108)\n==5==    by 0x1098EF: lock_guard (std_mutex.h:229)\n")).ids() == one);
  // A user's own header is none of the library's.
  CHECK(tell(helgrind("==5==    by 0x1098EF: lock (my_mutex.h:100)\n")).ids() != one);
  const Told global = tell("==5== Helgrind, a thread error detector\n==5== Thread #1 unlocked a not-locked lock at 0x10F0A8\n==5==    at 0x484976E: f (m.cpp:3)\n"
                           "==5==  Lock at 0x10F0A8 was first observed\n==5==    at 0x484976E: f (m.cpp:2)\n"
                           "==5==  Address 0x10f0a8 is 8 bytes inside data symbol \"_ZN3appL5innerE\"\n==5== \n==5== ERROR SUMMARY: 1 errors\n");
  REQUIRE(global.graph.findings.size() == 1);
  CHECK(global.cycle(global.only()) == "app::inner+0x8");
}

TEST_CASE("logs: memory freed with a lock in it: the place is whoever freed it", "[traces][explain]") {
  const auto freed = [](const std::string& frames) {
    return "[  1.0] WARNING: held lock freed!\n[  1.0] 6.6.0 #1 Not tainted\n[  1.0] -------------------------\n"
           "[  1.0] rmmod/62 is freeing memory ffff8880004a8000-ffff8880004a80ff, with a lock still held there!\n"
           "[  1.0] ffff8880004a8070 (&o->m){+.+.}-{3:3}, at: card_stop+0x2e/0x39 [card]\n[  1.0] 1 lock held by rmmod/62:\n"
           "[  1.0]  #0: ffff8880004a8070 (&o->m){+.+.}-{3:3}, at: card_stop+0x2e/0x39 [card]\n[  1.0]\n[  1.0] stack backtrace:\n[  1.0] Call Trace:\n"
           "[  1.0]  <TASK>\n[  1.0]  dump_stack_lvl+0x6f/0xa2\n[  1.0]  debug_check_no_locks_freed+0xf1/0x11e\n" + frames + "[  1.0]  do_syscall_64+0x3d/0x4c\n[  1.0]  </TASK>\n";
  };
  for (const std::string frames : {"[  1.0]  slab_free_freelist_hook.constprop.0+0x5/0x80\n[  1.0]  __kmem_cache_free+0x1/0x2\n[  1.0]  kfree+0xdc/0xe1\n",
                                   "[  1.0]  kmem_cache_free+0xdc/0xe1\n", "[  1.0]  kvfree+0x1/0x2\n[  1.0]  vfree+0x1/0x2\n", "[  1.0]  free_unref_page+0x1/0x2\n[  1.0]  __free_pages+0x1/0x2\n[  1.0]  kfree_sensitive+0x1/0x2\n"}) {
    const Told told = tell(freed(frames + "[  1.0]  free_card+0x36/0x39 [card]\n"));
    REQUIRE(told.graph.findings.size() == 1);
    CHECK(reports::short_place(told.graph, told.only().site) == "free_card+0x36/0x39 [card]");
  }
}

TEST_CASE("logs: a program without symbols is known by offsets", "[traces][explain]") {
  const auto unlocked = [](const std::string& offset) {
    return tell("WARNING: ThreadSanitizer: unlock of an unlocked mutex (or by a wrong thread) (pid=9)\n    #0 pthread_mutex_unlock <null> (libtsan.so.2+0x1)\n"
                "    #1 <null> <null> (/opt/app+0x" + offset + ") (BuildId: 289ee39f)\n\nSUMMARY: ThreadSanitizer: unlock\n");
  };
  const Told one = unlocked("14ef"), other = unlocked("2abc");
  REQUIRE(one.graph.findings.size() == 1);
  CHECK(one.cycle(one.only()) == "mutex@app+0x14ef#1");
  CHECK(one.ids() != other.ids());
}
