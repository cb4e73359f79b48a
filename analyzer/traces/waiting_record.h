// SPDX-License-Identifier: MIT
//
// A kernel's record whose call chain is still to come, in the lines behind it: its text is copied, the frames gathered.
//
// Threading: one user.  Allocation: two buffers, reused from record to record.
#pragma once

#include <string>
#include <vector>

#include "traces/kernel_events.h"

namespace crossdep::traces {

class WaitingRecord {
 public:
  /// One waits: its frames may come.
  explicit operator bool() const { return waits_; }
  const KernelRecord& record() const { return record_; }
  bool has_frames() const { return !frames_.empty(); }
  void add_frame(Site frame) { frames_.push_back(frame); }

  /// No other may be waiting. The views are copied.
  void hold(const KernelRecord& record) {
    text_.clear();
    text_.append(record.comm).append(record.event).append(record.body);
    record_ = record;
    const std::string_view text = text_;
    record_.comm = text.substr(0, record.comm.size());
    record_.event = text.substr(record.comm.size(), record.event.size());
    record_.body = text.substr(record.comm.size() + record.event.size());
    frames_.clear();
    waits_ = true;
  }
  /// Gives it on, if one waits.
  void give(KernelEvents& to) {
    if (!waits_) return;
    waits_ = false;
    record_.frames = frames_.data();
    record_.frame_count = frames_.size();
    to.record(record_);
    frames_.clear();
  }

 private:
  KernelRecord record_;
  std::string text_;
  std::vector<Site> frames_;
  bool waits_ = false;
};

}  // namespace crossdep::traces
