// SPDX-License-Identifier: MIT
//
// See json_lines.h: one walk over the text that descends only into what the pointer names. Known to be JSON already, so
// nothing is checked; the depth is that of the pointer, what lies beside is skipped by counting brackets.
//
// Threading: pure functions.  Allocation: the heap.
#include "gate/json_lines.h"

#include <algorithm>
#include <vector>

namespace crossdep::gate {
namespace {

std::vector<std::string> parts_of(const std::string& pointer) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < pointer.size() && pointer[at] == '/';) {
    const std::size_t end = std::min(pointer.find('/', at + 1), pointer.size());
    out.push_back(pointer.substr(at + 1, end - at - 1));
    at = end;
  }
  return out;
}

class Walk {
 public:
  explicit Walk(std::string_view text) : text_(text) {}

  void blanks() {
    while (at_ < text_.size() && std::string_view(" \t\r\n,:").find(text_[at_]) != std::string_view::npos) ++at_;
  }
  char next() { return at_ < text_.size() ? text_[at_] : '\0'; }
  std::size_t at() const { return at_; }
  void go_to(std::size_t at) { at_ = at; }
  void step() { ++at_; }

  // The string's text as written: keys of our formats have no escapes.
  std::string_view string() {
    const std::size_t begin = ++at_;
    while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
    const std::string_view out = text_.substr(begin, std::min(at_, text_.size()) - begin);
    ++at_;
    return out;
  }
  void value() {
    std::size_t depth = 0;
    do {
      const char c = next();
      if (c == '"') string();
      else if (c == '{' || c == '[') ++depth, ++at_;
      else if (c == '}' || c == ']') --depth, ++at_;
      else while (at_ < text_.size() && std::string_view(",:]}[{\" \t\r\n").find(text_[at_]) == std::string_view::npos) ++at_;
      if (depth != 0) blanks();
    } while (depth != 0 && at_ < text_.size());
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::size_t line_at(std::string_view text, std::size_t offset) {
  const auto end = text.begin() + static_cast<std::ptrdiff_t>(std::min(offset, text.size()));
  return 1 + static_cast<std::size_t>(std::count(text.begin(), end, '\n'));
}

std::size_t line_of(std::string_view json, const std::string& pointer) {
  Walk walk(json);
  walk.blanks();
  std::size_t found = walk.at();
  for (const std::string& part : parts_of(pointer)) {
    const char open = walk.next();
    if (open != '{' && open != '[') break;
    walk.step();
    std::size_t value = 0, where = 0;
    bool there = false;
    std::size_t index = 0;
    for (walk.blanks(); walk.next() != '}' && walk.next() != ']' && walk.next() != '\0'; walk.blanks(), ++index) {
      const std::size_t begin = walk.at();
      bool fits = open == '[' && std::to_string(index) == part;
      if (open == '{') {
        fits = walk.string() == part;
        walk.blanks();
      }
      if (fits) {
        there = true;
        where = begin;
        value = walk.at();
      }
      walk.value();
    }
    if (!there) break;
    found = where;
    walk.go_to(value);
  }
  return line_at(json, found);
}

}  // namespace crossdep::gate
