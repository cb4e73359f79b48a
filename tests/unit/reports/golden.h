// SPDX-License-Identifier: MIT
//
// Golden files: what a report printed when somebody last looked at it and found it right. UPDATE_GOLDEN=1 in the
// environment rewrites them; a difference fails with the lines that differ.
//
// Threading: one thread.  Allocation: the heap.
#pragma once

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "catch.hpp"

namespace crossdep::reports::test {

inline std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

/// Empty if equal, else the first differences with two lines of context before them.
inline std::string difference(const std::vector<std::string>& expected, const std::vector<std::string>& got) {
  std::size_t at = 0;
  while (at < expected.size() && at < got.size() && expected[at] == got[at]) ++at;
  if (at == expected.size() && at == got.size()) return {};
  std::string out = "first difference in line " + std::to_string(at + 1) + "\n";
  for (std::size_t i = at < 2 ? 0 : at - 2; i < at; ++i) out += "  " + expected[i] + "\n";
  for (std::size_t i = at; i < expected.size() && i < at + 6; ++i) out += "- " + expected[i] + "\n";
  for (std::size_t i = at; i < got.size() && i < at + 6; ++i) out += "+ " + got[i] + "\n";
  return out;
}

inline void check_golden(const std::string& name, const std::string& text) {
  const std::string path = std::string(CROSSDEP_TEST_DATA) + "/golden/" + name;
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::binary) << text;
    return;
  }
  INFO("golden file " << name << " (UPDATE_GOLDEN=1 rewrites it)");
  const std::string diff = difference(lines_of(read_text(path)), lines_of(text));
  INFO(diff);
  CHECK(diff.empty());
}

}  // namespace crossdep::reports::test
