// SPDX-License-Identifier: MIT
//
// One line on the terminal while a trace is read, for what takes longer than two seconds: how far it is and since when.
// Nothing is written where standard error is no terminal.
//
// Threading: a thread of its own, which only looks at the file's position; it ends with the object.  Allocation: a string.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "traces/open.h"

namespace crossdep::cli {

class Progress {
 public:
  /// `file` must outlive the object.
  explicit Progress(const traces::TraceFile& file);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

 private:
  void show();
  std::string text(unsigned seconds) const;

  const traces::TraceFile& file_;
  std::mutex mutex_;
  std::condition_variable over_;
  bool done_ = false;
  std::thread thread_;
};

}  // namespace crossdep::cli
