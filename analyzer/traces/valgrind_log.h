// SPDX-License-Identifier: MIT
//
// Helgrind's and DRD's output -> the findings about locks in it: violated lock orders, unlock of what is not held,
// destruction of a locked mutex, recursive locking, threads that end with locks held, misuse of the pthread API. Their data
// races are not about locks and only counted.
//
// Every line of theirs has `==PID==` before it; the processes of one log are kept apart. An error's texts and stacks follow
// each other; it ends at the next error. Format: helgrind/hg_errors.c, drd/drd_error.c of valgrind 3.19.
// Threading: one thread.  Allocation: the heap, one error per process.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "traces/printed.h"
#include "traces/printed_objects.h"

namespace crossdep::traces {

class ValgrindLog {
 public:
  explicit ValgrindLog(PrintedConsumer& consumer) : consumer_(consumer) {}

  void line(std::string_view line, std::uint64_t number);
  void finish();

  /// The line where an error begins that the end of the log cut; 0 if there is none.
  std::uint64_t cut_at() const { return cut_at_; }

 private:
  enum class Kind : std::uint8_t { kNone, kOrder, kBadUnlock, kExit, kDestroy, kRecursive, kMisuse };
  struct Stack {
    PrintedStack frames;
    std::string maker;                 // its first frame's function
  };
  /// What is known of one process, and the error being read.
  struct Process {
    std::string tool = "valgrind";
    bool ended = false;
    bool partial = false;                           // the error is cut: its locks are not described, their names would be others
    bool followed = false;                          // by lines that are not valgrind's
    PrintedObjects objects;
    std::map<std::uint64_t, PrintedObject> known;   // locks described so far, by address
    std::uint64_t drd_thread = 1;                   // DRD: "Thread 2:" stands before the error

    Kind kind = Kind::kNone;
    std::string title;
    std::uint64_t line = 0, thread = 0;
    std::uint64_t first = 0, second = 0;            // order "first before second"; the lock concerned is `first`
    Stack top, observed, later, required, required_later, previous;
    Stack object_stack;                             // goes to `known`
    Stack* stack = nullptr;
    std::uint64_t described = 0;                    // the lock the last lines describe
  };

  bool begin(Process& process, std::string_view text, std::uint64_t number);
  bool describe(Process& process, std::string_view text);
  void frame(Process& process, std::string_view text);
  void end(Process& process);
  void order(Process& process, PrintedFinding f);
  PrintedLock lock(Process& process, std::uint64_t address, const Stack& otherwise);
  PrintedContext thread(std::uint64_t number) const;

  PrintedConsumer& consumer_;
  std::map<std::uint64_t, Process> processes_;
  std::uint64_t races_ = 0, cut_at_ = 0;
  bool bare_ = false;                               // errors without ==PID== before them, as documents print them
};

}  // namespace crossdep::traces
