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
