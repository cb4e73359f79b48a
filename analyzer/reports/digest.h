// SPDX-License-Identifier: MIT
//
// A short fingerprint of a list of strings and numbers: FNV-1a, 64 bits, finished with splitmix64's mixer so that short
// prefixes of the hex form spread too. Part of the graph format (finding ids, run ids): changing it changes every id.
//
// Threading: a value.  Allocation: hex() only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace crossdep::reports {

class Digest {
 public:
  /// Strings are closed by a zero byte, so that ("ab","c") and ("a","bc") differ.
  Digest& add(std::string_view text) {
    for (const char c : text) byte(static_cast<unsigned char>(c));
    byte(0);
    return *this;
  }
  Digest& add(std::uint64_t number) {
    for (int i = 0; i < 8; ++i) byte(static_cast<unsigned char>(number >> (8 * i)));
    return *this;
  }
  /// The first `digits` (at most 16) hex digits.
  std::string hex(unsigned digits) const {
    std::uint64_t x = state_;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    x ^= x >> 31;
    std::string out;
    for (unsigned i = 0; i < digits && i < 16; ++i) out += "0123456789abcdef"[(x >> (60 - 4 * i)) & 15];
    return out;
  }

 private:
  void byte(unsigned char value) { state_ = (state_ ^ value) * 0x100000001b3u; }
  std::uint64_t state_ = 0xcbf29ce484222325u;
};

}  // namespace crossdep::reports
