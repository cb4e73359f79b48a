// SPDX-License-Identifier: MIT
//
// See log_text.h.
#include "traces/log_text.h"

#include <algorithm>
#include <cctype>

#include "traces/splat_words.h"

namespace crossdep::traces {
namespace {

// A line put together of soft breaks; more is no mail.
constexpr std::size_t kLongest = 1 << 16;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// "=3D=20" -> "= "; an `=` that begins no code stays.
void decode(std::string_view text, std::string& out) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '=' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low < 0) {
      out += text[i];
      continue;
    }
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
}

bool starts_with_any_case(std::string_view text, std::string_view front) {
  return text.size() >= front.size() && std::equal(front.begin(), front.end(), text.begin(), [](char a, char b) {
           return a == std::tolower(static_cast<unsigned char>(b));
         });
}

struct Code {
  std::string_view text, meaning;
};
constexpr Code kCodes[] = {{"\xc2\xa0", " "}, {"&amp;", "&"}, {"&gt;", ">"}, {"&lt;", "<"}, {"&quot;", "\""}, {"&#39;", "'"}, {"#011", "\t"}};

// A no-break blank of Latin-1; behind another byte above 127 it is a part of a UTF-8 letter.
bool is_latin_blank(std::string_view line, std::size_t at) {
  return line[at] == '\xa0' && (at == 0 || static_cast<unsigned char>(line[at - 1]) < 128 || line[at - 1] == '\xa0');
}

bool replace_codes(std::string_view line, std::string& out) {
  const bool blanks = line.find('\xa0') != std::string_view::npos;
  if (!blanks && line.find('&') == std::string_view::npos && line.find('#') == std::string_view::npos) return false;
  if (!blanks && std::none_of(std::begin(kCodes), std::end(kCodes), [&](const Code& code) { return has(line, code.text); }))
    return false;
  out.clear();
  for (std::size_t i = 0; i < line.size();) {
    const Code* const code = std::find_if(std::begin(kCodes), std::end(kCodes), [&](const Code& c) { return line.substr(i).starts_with(c.text); });
    if (code == std::end(kCodes)) {
      out += is_latin_blank(line, i) ? ' ' : line[i];
      ++i;
    } else {
      out += code->meaning;
      i += code->text.size();
    }
  }
  return true;
}

}  // namespace

std::string_view without_quoting(std::string_view line) {
  for (;;) {
    std::size_t at = line.find_first_not_of(" \t");
    if (at == std::string_view::npos) return line;
    // "PM> ": the initials of who is quoted.
    std::size_t mark = at;
    while (mark < line.size() && mark - at < 4 && std::isupper(static_cast<unsigned char>(line[mark]))) ++mark;
    if (mark < line.size() && line[mark] == '>') at = mark;
    const bool bar = line[at] == '|' && (at + 1 == line.size() || line[at + 1] == ' ');
    if (line[at] != '>' && !bar) {
      if (!line.substr(at).starts_with("[...] ") || line.size() <= at + 6) return line;
      at += 4;
    }
    line.remove_prefix(at + 1);
    if (!line.empty() && line.front() == ' ') line.remove_prefix(1);
  }
}

void LogText::line(std::string_view line, std::uint64_t number) {
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  constexpr std::string_view kEncoding = "content-transfer-encoding:";
  if (starts_with_any_case(line, kEncoding)) encoded_ = has(line, "uoted-printable");
  if (has(line, "=3D=3D=3D=3D")) encoded_ = true;   // a rule of `=`; the header may be missing
  if (has(line, "==")) encoded_ = false;   // another mail's: there each would be a code
  if (!encoded_) {
    finish();
    return whole(line, number);
  }
  if (encoded_line_.empty()) encoded_number_ = number;
  const bool soft = line.ends_with('=') && encoded_line_.size() + line.size() < kLongest;
  if (soft) line.remove_suffix(1);
  decode(line, encoded_line_);
  if (!soft) {
    whole(encoded_line_, encoded_number_);
    encoded_line_.clear();
  }
}

void LogText::whole(std::string_view line, std::uint64_t number) {
  if (replace_codes(line, scratch_)) line = scratch_;
  constexpr std::string_view kLineEnd = "#012";
  for (std::size_t end = line.find(kLineEnd); end != std::string_view::npos; end = line.find(kLineEnd)) {
    out_(without_quoting(line.substr(0, end)), number);
    line.remove_prefix(end + kLineEnd.size());
  }
  out_(without_quoting(line), number);
}

void LogText::finish() {
  if (encoded_line_.empty()) return;
  whole(encoded_line_, encoded_number_);
  encoded_line_.clear();
}

}  // namespace crossdep::traces
