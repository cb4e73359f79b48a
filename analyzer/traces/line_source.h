// SPDX-License-Identifier: MIT
//
// Lines of a file or pipe, read in large blocks, for text formats of any size. Memory is bounded: a line longer than the
// limit is handed out cut, said to be cut, and its rest is skipped.
//
// CR LF counts as one line end. The last line need not be terminated.
//
// Threading: one reader.  Allocation: one buffer of block + limit bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace crossdep::traces {

class LineSource {
 public:
  static constexpr std::size_t kLongestLine = std::size_t{1} << 20;
  static constexpr std::size_t kBlock = std::size_t{1} << 20;

  /// Reads from `fd` (not closed), after `prefix`, which was read from it before. Ends early once `*stop` is true, which is
  /// looked at before each block.
  explicit LineSource(int fd, std::string_view prefix = {}, const bool* stop = nullptr);

  /// The next line without its end; valid until the next call. False at the end of the input or after a read error.
  bool next(std::string_view& line);

  /// The line handed out last was longer than kLongestLine and is cut.
  bool cut() const { return cut_; }
  /// The line handed out last ended with the input, not with a line end.
  bool unterminated() const { return unterminated_; }
  /// Number of the line handed out last, from 1.
  std::uint64_t line_number() const { return line_number_; }
  /// Bytes handed out so far.
  std::uint64_t offset() const { return offset_; }
  /// errno of a failed read, else 0.
  int error() const { return error_; }

 private:
  bool fill();

  int fd_;
  const bool* stop_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;   // unread bytes
  bool ended_ = false, cut_ = false, unterminated_ = false;
  int error_ = 0;
  std::uint64_t line_number_ = 0, offset_ = 0;
};

}  // namespace crossdep::traces
