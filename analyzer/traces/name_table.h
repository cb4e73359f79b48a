// SPDX-License-Identifier: MIT
//
// Strings to dense numbers and back, for formats that name things.
//
// Threading: one user.  Allocation: the standard containers; strings never move, so views of them stay valid.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

namespace crossdep::traces {

class NameTable {
 public:
  static constexpr std::uint32_t kAbsent = 0xffffffffu;

  std::uint32_t find(std::string_view name) const {
    const auto at = numbers_.find(name);
    return at == numbers_.end() ? kAbsent : at->second;
  }
  /// The name's number; `fresh` says whether it is new.
  std::uint32_t add(std::string_view name, bool& fresh) {
    const std::uint32_t known = find(name);
    fresh = known == kAbsent;
    if (!fresh) return known;
    const auto number = static_cast<std::uint32_t>(names_.size());
    names_.emplace_back(name);
    numbers_.emplace(names_.back(), number);
    return number;
  }
  std::string_view operator[](std::uint32_t number) const { return names_[number]; }
  std::uint32_t size() const { return static_cast<std::uint32_t>(names_.size()); }
  void clear() {
    numbers_.clear();
    names_.clear();
  }

 private:
  std::deque<std::string> names_;
  std::unordered_map<std::string_view, std::uint32_t> numbers_;
};

}  // namespace crossdep::traces
