// SPDX-License-Identifier: MIT
//
// ThreadSanitizer's output (gcc's and clang's) -> the findings about locks in it: lock-order inversions, unlock of what is
// not locked, destruction of a locked mutex, double locks, invalid mutexes, calls of unsafe functions in signal handlers. Its
// data races and leaks are not about locks and only counted.
//
// A report lies between two lines of `=`; whatever stands before `WARNING:` (a test driver's prefix, a time) is taken off the
// following lines too, where it has the same shape. Format: compiler-rt/lib/tsan/rtl/tsan_report.cpp.
// Threading: one thread.  Allocation: the heap, the reports of one process.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "traces/printed.h"
#include "traces/printed_objects.h"

namespace crossdep::traces {

class TsanLog {
 public:
  explicit TsanLog(PrintedConsumer& consumer) : consumer_(consumer) {}

  void line(std::string_view line, std::uint64_t number);
  void finish();

  /// The line where a report begins that the end of the log cut; 0 if there is none.
  std::uint64_t cut_at() const { return cut_at_; }

 private:
  enum class Kind : std::uint8_t { kNone, kCycle, kDoubleLock, kBadUnlock, kDestroy, kInvalid, kSignal, kOther };
  struct Acquisition {               // "Mutex M2 acquired here while holding mutex M1 in thread T1:"
    std::string to, from, thread;
    PrintedStack stack, from_stack;
  };
  struct Thread {
    std::string name;
    std::uint64_t tid = 0;
  };

  /// What is read of one report.
  struct Report {
    Kind kind = Kind::kNone;
    std::string title;
    std::uint64_t line = 0, pid = 0;
    std::vector<std::string> order;                // M1, M2, M1
    std::vector<Acquisition> acquisitions;
    std::map<std::string, PrintedObject> mutexes;  // by M number
    std::map<std::string, Thread> threads;         // by T number
    PrintedStack block;                            // "Location is heap block of size N at ADDRESS allocated by ..."
    std::uint64_t block_at = 0, block_size = 0;
    PrintedStack first, second;                    // stacks without a title, and behind "and:"
    std::string first_maker;
  };
  /// "Location is global 'x' of size N at ADDRESS".
  struct Global {
    std::string symbol;
    std::uint64_t size = 0;
  };

  void begin(std::string_view text, std::uint64_t number);
  void end(bool cut);
  void section(std::string_view text);
  void tell();
  void cycle();
  void simple();
  PrintedFinding base(engine::Check check, engine::Verdict verdict) const;
  PrintedContext thread(const std::string& name) const;
  PrintedLock lock(const std::string& mutex);

  PrintedConsumer& consumer_;
  PrintedObjects objects_;
  std::uint64_t pid_ = 0, cut_at_ = 0, races_ = 0;

  // Reports of one process wait for its last one: a global is described where one of its mutexes was misused or something
  // beside it raced, not where its mutexes are a cycle.
  std::vector<Report> waiting_;
  std::map<std::uint64_t, Global> globals_;        // by address

  Report report_;                                  // the one being read, then the one being told
  std::string prefix_;
  bool followed_ = false;                          // by lines of something else, without an end of its own
  PrintedStack* stack_ = nullptr;
  std::string* maker_ = nullptr;
};

}  // namespace crossdep::traces
