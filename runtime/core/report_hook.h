// SPDX-License-Identifier: MIT
//
// __crossdep_on_report(): a function that the tested program may define, told of each finding once it is printed
// (include/crossdep.h says what it may do).
//
// Threading: the thread that made the finding, with no lock of ours held.  Allocation: pages, given back.
#pragma once

#include "engine/sink.h"

namespace crossdep::runtime {

const char* check_name(engine::Check check) noexcept;
const char* verdict_name(engine::Verdict verdict) noexcept;

/// True if the program defines the function: the text is wanted.
bool report_hook_present() noexcept;
void call_report_hook(const engine::FindingInfo& finding, const char* text) noexcept;

/// A report on its way through memory, so that it can be both printed and handed to the program.
class ReportText {
 public:
  ReportText() noexcept;
  ~ReportText();
  ReportText(const ReportText&) = delete;
  ReportText& operator=(const ReportText&) = delete;

  /// Where the helper is to print, -1 if there is no memory for it.
  int fd() const noexcept { return fd_; }
  /// What it printed, nullptr for nothing; valid while this lives.
  const char* text() noexcept;

 private:
  int fd_;
  char* pages_ = nullptr;
  unsigned long size_ = 0;
};

}  // namespace crossdep::runtime
