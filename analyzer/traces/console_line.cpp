// SPDX-License-Identifier: MIT
//
// See console_line.h. Each step takes one kind of prefix off the front; they are tried until none fits, since they come in
// many combinations.
#include "traces/console_line.h"

#include <algorithm>
#include <cctype>

namespace crossdep::traces {
namespace {

constexpr int kPrefixes = 7;                  // no log has more of them in a row
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

// "Nov 27 10:00:00 host kernel: ", "2026-11-27T10:00:00+00:00 host kernel: ", "Mon Nov 27 10:00:00 2026 kern.warn kernel: ",
// "kernel: ", "kernel:[ ", behind another prefix also "host kernel: "
bool take_syslog(std::string_view& text, bool prefixed) {
  const std::size_t word = text.substr(0, kSyslogPrefix).find("kernel:");
  if (word == std::string_view::npos) return false;
  std::string_view rest = text.substr(word + 7);
  if (!rest.empty() && rest.front() != ' ' && rest.front() != '[') return false;
  const bool dated = text.size() > 4 && (is_month(text) || is_day(text) || (digit(text[0]) && digit(text[1]) && digit(text[2])));
  const bool host = prefixed && text.find(' ') + 1 == word;
  if (word != 0 && !((dated || host) && text[word - 1] == ' ')) return false;
  if (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
  text = rest;
  return true;
}

// As long as the pattern: 0 stands for a digit, all else for itself.
bool fits_pattern(std::string_view text, std::string_view pattern) {
  if (text.size() < pattern.size()) return false;
  for (std::size_t i = 0; i < pattern.size(); ++i)
    if (pattern[i] == '0' ? !digit(text[i]) : text[i] != pattern[i]) return false;
  return true;
}

// "2026-11-27T10:00:00.123Z ", "2026-11-27 10:00:00.123 ", "10:00:00.123 " before another prefix
bool take_iso_time(std::string_view& text) {
  const bool joined = fits_pattern(text, "0000-00-00T00:00:00"), apart = fits_pattern(text, "0000-00-00 00:00:00");
  const bool hour = fits_pattern(text, "00:00:00");
  if (!joined && !apart && !hour) return false;
  const std::size_t end = text.find(' ', apart ? 11 : 0);
  if (end == std::string_view::npos || end > 40) return false;
  if (hour && (end + 1 >= text.size() || (text[end + 1] != '[' && text[end + 1] != '<'))) return false;
  text.remove_prefix(end + 1);
  return true;
}

// /dev/kmsg's "4,5005,12915307506,-;" or "4,5005,12915307506,-,caller=T125;"
bool take_record(std::string_view& text, std::string_view& caller) {
  const std::size_t end = text.find(';');
  if (end == std::string_view::npos || end > 60 || !digit(text.front())) return false;
  const std::string_view head = text.substr(0, end);
  if (std::count(head.begin(), head.end(), ',') < 3 || head.find(' ') != std::string_view::npos) return false;
  const std::size_t flags = head.find_first_not_of("0123456789,");
  if (flags == std::string_view::npos || (head[flags] != '-' && head[flags] != 'c' && head[flags] != '+')) return false;
  if (const std::size_t at = head.find("caller="); at != std::string_view::npos) caller = head.substr(at + 7);
  text.remove_prefix(end + 1);
  return true;
}

// logcat's "11-27 10:00:00.123  1234  1234 W kernel  : " and "W/kernel  ( 1234): "
bool take_logcat(std::string_view& text) {
  constexpr std::string_view kLevels = "VDIWEF";
  std::size_t at = 0;
  if (fits_pattern(text, "00-00 00:00:00.000")) {
    at = text.find_first_not_of("0123456789 ", 18);
    if (at == std::string_view::npos || at + 2 >= text.size() || kLevels.find(text[at]) == std::string_view::npos) return false;
  } else if (text.size() < 8 || kLevels.find(text[0]) == std::string_view::npos || text[1] != '/') {
    return false;
  }
  const std::size_t end = text.find(": ", at);
  if (end == std::string_view::npos || end > at + 40) return false;
  text.remove_prefix(end + 2);
  return true;
}

// Phones' kernels print who runs where: "(2)[125:kworker/2:1]", "[2:    kworker/2:1:  125] ", "I[0:  swapper/0:    0] "
bool take_runner(std::string_view& text) {
  std::string_view rest = text;
  const bool cpu = fits_pattern(rest, "(0)[") || fits_pattern(rest, "-(0)[");
  if (cpu) rest.remove_prefix(rest.find('['));
  else if (rest.size() > 3 && rest[0] >= 'A' && rest[0] <= 'Z' && rest[1] == '[') rest.remove_prefix(1);
  const std::size_t end = rest.find(']');
  if (rest.empty() || rest.front() != '[' || end == std::string_view::npos || end > 40) return false;
  const std::string_view inside = rest.substr(1, end - 1);
  const std::size_t first = inside.find(':'), last = inside.rfind(':');
  if (first == std::string_view::npos) return false;
  std::string_view tid = cpu ? inside.substr(0, first) : inside.substr(last + 1);
  while (!tid.empty() && tid.front() == ' ') tid.remove_prefix(1);
  const auto number = [](std::string_view word) { return !word.empty() && std::all_of(word.begin(), word.end(), digit); };
  if (!number(tid) || (!cpu && (first == last || !number(inside.substr(0, first))))) return false;
  text = rest.substr(end + 1);
  if (!text.empty() && text.front() == ' ') text.remove_prefix(1);
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

// Whatever a container, a test protocol or a console server puts before it ("qemu-1  | ", "# "), the kernel's own time, with
// microseconds, stands out: "[  512.000123] ".
bool take_anything_before_time(std::string_view& text) {
  const std::string_view front = text.substr(0, kSyslogPrefix);
  for (std::size_t open = front.find('['); open != std::string_view::npos; open = front.find('[', open + 1)) {
    std::size_t at = open + 1;
    while (at < text.size() && text[at] == ' ') ++at;
    const std::size_t seconds = at;
    while (at < text.size() && digit(text[at])) ++at;
    if (at == seconds || !fits_pattern(text.substr(at), ".000000]")) continue;
    text.remove_prefix(open);
    return true;
  }
  return false;
}

bool take_prefix(std::string_view& text, std::string_view& caller, bool prefixed) {
  const char c = text.front();
  if (c == '[') return take_bracket(text, is_time) || take_caller(text, caller) || take_runner(text);
  if (digit(c)) return take_syslog(text, prefixed) || take_iso_time(text) || take_record(text, caller) || take_logcat(text);
  return take_level(text) || take_syslog(text, prefixed) || take_facility(text) || take_logcat(text) || take_runner(text);
}

}  // namespace

ConsoleLine parse_console_line(std::string_view line, std::string& scratch) {
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
  if (line.find('\x1b') != std::string_view::npos) line = without_colours(line, scratch);
  ConsoleLine out{line, {}, false};
  for (int i = 0; i < kPrefixes; ++i) {
    // Blanks before a prefix are a mail's or a commit message's; before text they are its own.
    std::string_view rest = out.text;
    while (!rest.empty() && (rest.front() == ' ' || rest.front() == '\t')) rest.remove_prefix(1);
    if (rest.empty() || (!take_prefix(rest, out.caller, out.prefixed) && (out.prefixed || !take_anything_before_time(rest)))) break;
    out.text = rest;
    out.prefixed = true;
  }
  return out;
}

}  // namespace crossdep::traces
