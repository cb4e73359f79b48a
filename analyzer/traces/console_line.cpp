// SPDX-License-Identifier: MIT
//
// See console_line.h. Each step takes one kind of prefix off the front; they are tried until none fits, since they come in
// many combinations.
#include "traces/console_line.h"

#include <algorithm>
#include <cctype>

namespace crossdep::traces {
namespace {

constexpr int kPrefixes = 6;                  // no log has more of them in a row
constexpr std::size_t kSyslogPrefix = 160;    // "kernel: " stands before this

bool digit(char c) { return c >= '0' && c <= '9'; }

bool is_word_of(std::string_view word, std::string_view list) {
  for (std::size_t at = 0; at < list.size(); at += 3)
    if (word.substr(0, 3) == list.substr(at, 3)) return true;
  return false;
}
bool is_month(std::string_view text) { return is_word_of(text, "JanFebMarAprMayJunJulAugSepOctNovDec"); }
bool is_day(std::string_view text) { return is_word_of(text, "MonTueWedThuFriSatSun"); }

// "<4>"
bool take_level(std::string_view& text) {
  if (text.size() < 3 || text[0] != '<' || !digit(text[1])) return false;
  std::size_t at = 1;
  while (at < text.size() && digit(text[at])) ++at;
  if (at >= text.size() || text[at] != '>' || at > 4) return false;
  text.remove_prefix(at + 1);
  return true;
}

// What stands in brackets is a time: 6.749450, Mon Nov 27 10:00:00 2026, Nov27 10:00, +0.000012, 12345 with a dot or colon.
bool is_time(std::string_view inside) {
  while (!inside.empty() && inside.front() == ' ') inside.remove_prefix(1);
  if (inside.empty()) return false;
  const bool number = digit(inside.front()) || inside.front() == '+' || inside.front() == '<';
  if (!number && !is_month(inside) && !is_day(inside)) return false;
  const bool divided = inside.find('.') != std::string_view::npos || inside.find(':') != std::string_view::npos;
  const auto fits = [&](char c) {
    return digit(c) || std::string_view(" .:+-,@<>TZ").find(c) != std::string_view::npos || (!number && std::isalpha(static_cast<unsigned char>(c)));
  };
  return divided && std::all_of(inside.begin(), inside.end(), fits);
}

// "[...] " whose inside fits; one blank behind it belongs to it.
template <typename Fits>
bool take_bracket(std::string_view& text, Fits fits) {
  if (text.empty() || text.front() != '[') return false;
  const std::size_t end = text.find(']');
  if (end == std::string_view::npos || end > 40 || !fits(text.substr(1, end - 1))) return false;
  text.remove_prefix(end + 1);
  if (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  return true;
}

bool take_caller(std::string_view& text, std::string_view& caller) {
  std::string_view inside;
  const auto fits = [&inside](std::string_view in) {
    while (!in.empty() && in.front() == ' ') in.remove_prefix(1);
    inside = in;
    return in.size() > 1 && (in[0] == 'T' || in[0] == 'C') && std::all_of(in.begin() + 1, in.end(), digit);
  };
  if (!take_bracket(text, fits)) return false;
  caller = inside;
  return true;
}

// "Nov 27 10:00:00 host kernel: ", "2026-11-27T10:00:00+00:00 host kernel: ", "kernel: "
bool take_syslog(std::string_view& text) {
  const std::size_t word = text.substr(0, kSyslogPrefix).find("kernel: ");
  if (word == std::string_view::npos) return false;
  const bool dated = text.size() > 4 && (is_month(text) || (digit(text[0]) && digit(text[1]) && digit(text[2])));
  if (word != 0 && !(dated && text[word - 1] == ' ')) return false;
  text.remove_prefix(word + 8);
  return true;
}

// "2026-11-27T10:00:00.123Z "
bool take_iso_time(std::string_view& text) {
  if (text.size() < 20 || !digit(text[0]) || text[4] != '-' || text[7] != '-' || text[10] != 'T') return false;
  const std::size_t end = text.find(' ');
  if (end == std::string_view::npos || end > 40) return false;
  text.remove_prefix(end + 1);
  return true;
}

// "kern  :warn  : " of dmesg -x
bool take_facility(std::string_view& text) {
  constexpr std::string_view kFacilities[] = {"kern", "user", "daemon", "syslog"};
  for (const std::string_view facility : kFacilities) {
    if (text.substr(0, facility.size()) != facility) continue;
    std::size_t at = facility.size();
    for (int part = 0; part < 2; ++part) {
      while (at < text.size() && text[at] == ' ') ++at;
      if (at >= text.size() || text[at] != ':') return false;
      ++at;
      if (part == 0)
        while (at < text.size() && text[at] >= 'a' && text[at] <= 'z') ++at;
    }
    if (at < text.size() && text[at] == ' ') ++at;
    text.remove_prefix(at);
    return true;
  }
  return false;
}

// Escape sequences of colours go; the line is copied.
std::string_view without_colours(std::string_view line, std::string& scratch) {
  scratch.clear();
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '\x1b' || i + 1 >= line.size() || line[i + 1] != '[') {
      scratch += line[i];
      continue;
    }
    i += 2;
    while (i < line.size() && !std::isalpha(static_cast<unsigned char>(line[i]))) ++i;
  }
  return scratch;
}

}  // namespace

ConsoleLine parse_console_line(std::string_view line, std::string& scratch) {
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
  if (line.find('\x1b') != std::string_view::npos) line = without_colours(line, scratch);
  ConsoleLine out{line, {}, false};
  for (int i = 0; i < kPrefixes; ++i) {
    if (!take_level(out.text) && !take_bracket(out.text, is_time) && !take_syslog(out.text) && !take_iso_time(out.text) &&
        !take_facility(out.text) && !take_caller(out.text, out.caller))
      break;
    out.prefixed = true;
  }
  // dmesg pads the caller with blanks; where none follows, they belong to the text.
  std::string_view padded = out.text;
  while (out.prefixed && !padded.empty() && padded.front() == ' ') padded.remove_prefix(1);
  if (out.prefixed && out.caller.empty() && take_caller(padded, out.caller)) out.text = padded;
  return out;
}

}  // namespace crossdep::traces
