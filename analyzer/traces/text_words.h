// SPDX-License-Identifier: MIT
//
// One line of a text trace as words: `context event argument ... # comment`, an argument being `word` or `key=value`,
// any word or value possibly "double quoted" with \" \\ \xNN. And the way back: writing a value so that it reads back.
//
// Threading: one user.  Allocation: one buffer for unescaped values, reused from line to line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace crossdep::traces {

struct TextWord {
  std::string_view key;     // empty: a plain word
  std::string_view value;
};

class TextWords {
 public:
  /// Splits the line; views stay valid until the next call. False: `error()` says why.
  bool parse(std::string_view line);
  const std::vector<TextWord>& words() const { return words_; }
  const std::string& error() const { return error_; }

 private:
  bool parse_value(std::string_view line, std::size_t& at, bool may_have_key, TextWord& word);

  std::vector<TextWord> words_;
  std::string unescaped_;
  std::string error_;
};

/// Appends the value, quoted if it would not read back as one word.
void append_text_value(std::string& out, std::string_view value);

/// Reads all of `text` as a number, decimal or 0x hexadecimal.
bool parse_text_number(std::string_view text, unsigned long long& number);

}  // namespace crossdep::traces
