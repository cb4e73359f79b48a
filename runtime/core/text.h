// SPDX-License-Identifier: MIT
//
// Small text without libc: a buffer that numbers and strings are appended to, and the few string functions needed.
// Too long a text is cut; it never overflows.
//
// Threading: values.  Allocation: none.
#pragma once

#include <cstddef>
#include <cstdint>

namespace crossdep::runtime {

inline std::size_t length(const char* text) noexcept {
  std::size_t n = 0;
  while (text[n] != 0) ++n;
  return n;
}
inline bool equal(const char* a, const char* b) noexcept {
  while (*a != 0 && *a == *b) ++a, ++b;
  return *a == *b;
}
inline bool begins_with(const char* text, const char* prefix) noexcept {
  while (*prefix != 0 && *text == *prefix) ++text, ++prefix;
  return *prefix == 0;
}
/// The part after the last slash.
inline const char* base_name(const char* path) noexcept {
  const char* base = path;
  for (; *path != 0; ++path)
    if (*path == '/') base = path + 1;
  return base;
}

template <std::size_t kCapacity>
class Text {
 public:
  Text& add(const char* text) noexcept { return add(text, runtime::length(text)); }
  Text& add(const char* text, std::size_t n) noexcept {
    for (std::size_t i = 0; i < n && length_ + 1 < kCapacity; ++i) data_[length_++] = text[i];
    data_[length_] = 0;
    return *this;
  }
  Text& add(char c) noexcept { return add(&c, 1); }
  Text& number(std::uint64_t value) noexcept { return digits(value, 10); }
  Text& hex(std::uint64_t value) noexcept { return add("0x", 2).digits(value, 16); }
  void clear() noexcept { length_ = 0, data_[0] = 0; }
  /// Cut back to its first n characters.
  void cut(std::size_t n) noexcept { if (n < length_) length_ = n, data_[n] = 0; }

  const char* data() const noexcept { return data_; }
  std::size_t length() const noexcept { return length_; }
  bool full() const noexcept { return length_ + 1 == kCapacity; }

 private:
  Text& digits(std::uint64_t value, unsigned base) noexcept {
    char out[24];
    unsigned n = sizeof out;
    do out[--n] = "0123456789abcdef"[value % base]; while ((value /= base) != 0);
    return add(out + n, sizeof out - n);
  }

  std::size_t length_ = 0;
  char data_[kCapacity] = {};
};

using Line = Text<1024>;
using Path = Text<4096>;

}  // namespace crossdep::runtime
