// SPDX-License-Identifier: MIT
//
// Lines of a kernel log (one task's or CPU's, console_line.h) -> splats. Each line is recognised by what it says, not by its
// position, so that lines of other messages in between do no harm: they fit nowhere and are skipped. A splat is over at the
// end of its call trace, at the title of the next, or with the log.
//
// Source: kernel/locking/lockdep.c of 2.6.18 to 6.x, kernel/rcu/update.c, 4.14-rc's cross-release, the DEPT patches; and
// reports/splat.cpp for our own lines.
// Threading: one thread.  Allocation: the heap, O(one splat).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "traces/line_joiner.h"
#include "traces/splat.h"

namespace crossdep::traces {

class SplatParser {
 public:
  using Done = std::function<void(const Splat&)>;

  explicit SplatParser(Done done)
      : done_(std::move(done)), joiner_([this](std::string_view text, std::uint64_t number) { whole_line(text, number); }) {}

  /// The text behind the prefixes; `number` is the line's in the log.
  void line(std::string_view text, std::uint64_t number) { joiner_.line(text, number); }
  /// The log is over.
  void finish() {
    joiner_.finish();
    end(false);
  }
  /// In the middle of a splat.
  bool busy() const { return splat_.kind != SplatKind::kNone; }

 private:
  enum class Next : std::uint8_t {   // what the next line should be
    kNothing, kIdent, kOwnIdent, kRequested, kHeld, kReleasedAt, kNewDependency, kSafe, kUnsafe, kOther, kRcuPlace, kAnyLock, kNotHeld,
  };

  void whole_line(std::string_view text, std::uint64_t number);
  void begin(SplatKind kind, std::string_view text, std::uint64_t number, bool beginless);
  void end(bool displaced);
  bool in_own_trace() const;
  void end_of_trace();
  void back_from_trace();
  bool ident(std::string_view text);
  bool expected(std::string_view text);
  bool outer_place(std::string_view text);
  bool place_goes_on(std::string_view text, PrintedLock* lock);
  bool header(std::string_view text);
  bool chain(std::string_view text);
  bool interrupt_rule(std::string_view text);
  bool path(std::string_view text);
  bool scenario(std::string_view line);
  bool held(std::string_view text);
  bool misuse(std::string_view text);
  bool mutex_debugging(std::string_view text);
  bool dept(std::string_view text);
  bool own_line(std::string_view text);
  bool frame(std::string_view line);

  Done done_;
  LineJoiner joiner_;
  Splat splat_;
  Next next_ = Next::kNothing;
  PrintedLock* lock_ = nullptr;               // printed last, its place may follow
  PrintedStack* stack_ = nullptr;             // where frames go
  std::vector<Splat::Entry>* path_ = nullptr; // where path entries go
  Splat::Story* story_ = nullptr;
  std::string before_;                        // the line before, trimmed
  unsigned foreign_ = 0;                      // lines in a row that fit nowhere
  std::size_t dept_side_ = 0;
  bool in_trace_ = false;
  bool own_trace_ = false;                    // "stack backtrace:" stood before it; otherwise it may be another message's
  bool blank_ = false;                        // the line before was, behind frames
  bool listing_others_ = false;               // the locks that follow are held by another task
};

}  // namespace crossdep::traces
