// SPDX-License-Identifier: MIT
//
// Reads compressed input through the program that unpacks it: xz, gzip or zstd, as a child of ours at the other end of a
// pipe. So there is no library to build with, and memory stays bounded whatever the size.
//
// Threading: one thread.  Allocation: none to speak of.  Ownership: the pipe's end and the child are ours.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "traces/status.h"

namespace crossdep::traces {

class Unpacker {
 public:
  Unpacker() = default;
  ~Unpacker();
  Unpacker(const Unpacker&) = delete;
  Unpacker& operator=(const Unpacker&) = delete;

  /// The program for what begins like this; nullptr if it is not compressed.
  static const char* program_for(std::string_view first_bytes);

  /// Unpacks what `fd`, which can be read from its start, holds. Fails if the program is missing.
  Status start(const char* program, int fd, const std::string& file);
  /// Where the unpacked bytes come from; -1 before start().
  int fd() const { return fd_; }
  /// Call when fd() has been read to its end: kPartial if the program found the data damaged or cut. Says nothing where it
  /// was not.
  Status finish();

 private:
  const char* program_ = nullptr;
  std::string file_;
  pid_t child_ = -1;
  int fd_ = -1;
};

}  // namespace crossdep::traces
