// SPDX-License-Identifier: MIT
//
// See text_words.h. Views point into the line; only values with escapes are copied, into a buffer that was made large
// enough before the first view was taken (unescaping never lengthens).
#include "traces/text_words.h"

#include <charconv>

namespace crossdep::traces {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

bool TextWords::parse_value(std::string_view line, std::size_t& at, bool may_have_key, TextWord& word) {
  if (at < line.size() && line[at] == '"') {
    const std::size_t first = unescaped_.size();
    const std::size_t opened = at++;
    while (at < line.size() && line[at] != '"') {
      char c = line[at++];
      if (c == '\\') {
        const char escaped = at < line.size() ? line[at++] : '\0';
        if (escaped == '"' || escaped == '\\') {
          c = escaped;
        } else if (escaped == 'x' && at + 1 < line.size() && hex_digit(line[at]) >= 0 && hex_digit(line[at + 1]) >= 0) {
          c = static_cast<char>(hex_digit(line[at]) * 16 + hex_digit(line[at + 1]));
          at += 2;
        } else {
          error_ = "unknown escape after \\ in a quoted value: \\\" \\\\ and \\xNN exist";
          return false;
        }
      }
      unescaped_.push_back(c);
    }
    if (at == line.size()) {
      error_ = "quotation opened in column " + std::to_string(opened + 1) + " is not closed";
      return false;
    }
    ++at;
    if (at < line.size() && !is_blank(line[at])) {
      error_ = "no blank after the closing quotation mark";
      return false;
    }
    word.value = std::string_view(unescaped_).substr(first);
    return true;
  }
  const std::size_t first = at;
  while (at < line.size() && !is_blank(line[at])) {
    const char c = line[at];
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      error_ = "a control character: not text";
      return false;
    }
    if (c == '=' && may_have_key && at > first) {
      word.key = line.substr(first, at - first);
      ++at;
      return parse_value(line, at, false, word);
    }
    ++at;
  }
  word.value = line.substr(first, at - first);
  return true;
}

bool TextWords::parse(std::string_view line) {
  words_.clear();
  unescaped_.clear();
  if (unescaped_.capacity() < line.size()) unescaped_.reserve(line.size());
  std::size_t at = 0;
  for (;;) {
    while (at < line.size() && is_blank(line[at])) ++at;
    if (at == line.size() || line[at] == '#') return true;
    TextWord word;
    if (!parse_value(line, at, words_.size() >= 2, word)) return false;
    words_.push_back(word);
  }
}

void append_text_value(std::string& out, std::string_view value) {
  bool plain = !value.empty() && value.front() != '"' && value.front() != '#' && value.front() != '%';
  for (const char c : value)
    if (is_blank(c) || static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '=') plain = false;
  if (plain) {
    out += value;
    return;
  }
  out += '"';
  for (const char c : value) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      static const char digits[] = "0123456789abcdef";
      out += "\\x";
      out += digits[static_cast<unsigned char>(c) >> 4];
      out += digits[c & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

bool parse_text_number(std::string_view text, unsigned long long& number) {
  int base = 10;
  if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
    text.remove_prefix(2);
    base = 16;
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

}  // namespace crossdep::traces
