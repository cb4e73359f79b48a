// SPDX-License-Identifier: MIT
//
// See line_source.h. Unread bytes are moved to the front of the buffer when a block has been used up; with blocks far
// longer than lines that copies next to nothing.
#include "traces/line_source.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace crossdep::traces {

LineSource::LineSource(int fd, std::string_view prefix, const bool* stop) : fd_(fd), stop_(stop), buffer_(kBlock + kLongestLine) {
  if (prefix.size() > buffer_.size()) buffer_.resize(prefix.size());
  if (!prefix.empty()) std::memcpy(buffer_.data(), prefix.data(), prefix.size());
  end_ = prefix.size();
}

bool LineSource::fill() {
  if (stop_ != nullptr && *stop_) {
    begin_ = end_;   // a piece of a line that nobody wants
    ended_ = true;
  }
  if (ended_) return false;
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  for (;;) {
    const ssize_t got = ::read(fd_, buffer_.data() + end_, buffer_.size() - end_);
    if (got > 0) {
      end_ += static_cast<std::size_t>(got);
      return true;
    }
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) error_ = errno;
    ended_ = true;
    return false;
  }
}

bool LineSource::next(std::string_view& line) {
  cut_ = false;
  unterminated_ = false;
  std::size_t searched = 0;
  for (;;) {
    const char* start = buffer_.data() + begin_;
    const std::size_t size = end_ - begin_;
    const void* newline = size > searched ? std::memchr(start + searched, '\n', size - searched) : nullptr;
    if (newline != nullptr) {
      std::size_t length = static_cast<std::size_t>(static_cast<const char*>(newline) - start);
      begin_ += length + 1;
      offset_ += length + 1;
      if (length > 0 && start[length - 1] == '\r') --length;
      cut_ = length > kLongestLine;
      line = {start, cut_ ? kLongestLine : length};
      if (++line_number_ == 1 && line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);   // a byte order mark
      return true;
    }
    searched = size;
    if (size > kLongestLine) break;
    if (!fill()) {
      if (size == 0 || begin_ == end_) return false;
      line = {buffer_.data() + begin_, size};
      if (line.back() == '\r') line.remove_suffix(1);
      begin_ = end_;
      offset_ += size;
      unterminated_ = true;
      ++line_number_;
      return true;
    }
  }

  // Longer than the limit: keep its beginning in place, read over the rest behind it.
  cut_ = true;
  ++line_number_;
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  std::size_t discard_from = kLongestLine;
  for (;;) {
    char* from = buffer_.data() + discard_from;
    const void* newline = end_ > discard_from ? std::memchr(from, '\n', end_ - discard_from) : nullptr;
    if (newline != nullptr) {
      begin_ = static_cast<std::size_t>(static_cast<const char*>(newline) - buffer_.data()) + 1;
      offset_ += begin_;
      break;
    }
    offset_ += end_ - discard_from;
    end_ = discard_from;
    const ssize_t got = ::read(fd_, from, buffer_.size() - discard_from);
    if (got > 0) {
      end_ += static_cast<std::size_t>(got);
      continue;
    }
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) error_ = errno;
    ended_ = true;
    unterminated_ = true;
    begin_ = end_;
    offset_ += kLongestLine;
    break;
  }
  line = {buffer_.data(), kLongestLine};
  return true;
}

}  // namespace crossdep::traces
