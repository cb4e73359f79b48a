// SPDX-License-Identifier: MIT
//
// Kernel logs -> the findings their splats report. Lines are sorted by their caller (`[  T123]`), where the kernel prints
// it, so that two splats printed at once do not mix; a line without a prefix goes on with the message before it.
//
// Threading: one thread.  Allocation: the heap, one splat per caller that is in the middle of one.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "traces/printed.h"
#include "traces/splat_parser.h"

namespace crossdep::traces {

class KernelLog {
 public:
  explicit KernelLog(PrintedConsumer& consumer) : consumer_(consumer), idle_(make_parser()) {}

  void line(std::string_view line, std::uint64_t number);
  void finish();

  /// The line where a splat begins that the end of the log cut; 0 if there is none.
  std::uint64_t cut_at() const { return cut_at_; }

 private:
  void done(const Splat& splat);
  std::unique_ptr<SplatParser> make_parser();

  PrintedConsumer& consumer_;
  std::map<std::string, std::unique_ptr<SplatParser>, std::less<>> busy_;   // in the middle of a splat, by caller
  std::unique_ptr<SplatParser> idle_;                                       // of all others
  std::string last_caller_;
  std::string scratch_;
  std::uint64_t cut_at_ = 0, hung_ = 0;
  bool finishing_ = false;
};

}  // namespace crossdep::traces
