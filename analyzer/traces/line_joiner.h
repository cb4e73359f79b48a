// SPDX-License-Identifier: MIT
//
// Lines of a splat that came in pieces -> whole lines. Kernels 4.9 to 4.13 ended a line at each part of a lock; mailers and
// commit messages break lines at 72 columns, and some fill them up again, so that two lines are one:
//
//   -> #3 (                          ffff8881 (&q->lock){+.+.}-{2:2},      ... at: f+0x1/0x2 [m] but this lock took
//   sb_writers#6                       at: take_queue+0x12/0x30            another, HARDIRQ-unsafe lock in the past: (g){+.+.}
//   ){.+.+}-{0:0}:
//
// A line is held back only while what it begins is not whole; where the next does not go on with it, it comes out as it is.
// Threading: one thread.  Allocation: one line.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace crossdep::traces {

class LineJoiner {
 public:
  using Out = std::function<void(std::string_view line, std::uint64_t number)>;

  explicit LineJoiner(Out out) : out_(std::move(out)) {}

  void line(std::string_view line, std::uint64_t number);
  void finish() { flush(); }

 private:
  void flush();
  void whole(std::string_view line, std::uint64_t number);

  Out out_;
  std::string held_;                // the beginning of a line
  std::string before_;              // the line before, which may be the first half of a sentence
  std::uint64_t number_ = 0, before_number_ = 0;
  unsigned pieces_ = 0;
};

}  // namespace crossdep::traces
