// SPDX-License-Identifier: MIT
//
// See perf_line.h.
#include "traces/perf_line.h"

#include <cstring>

#include "traces/ftrace_line.h"

namespace crossdep::traces {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_name(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-' || c == '.'; }

void trim(std::string_view& text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
}

// The last word of `text`, which is shortened by it.
std::string_view take_last_word(std::string_view& text) {
  trim(text);
  const std::size_t blank = text.find_last_of(" \t");
  const std::string_view word = blank == std::string_view::npos ? text : text.substr(blank + 1);
  text = blank == std::string_view::npos ? std::string_view() : text.substr(0, blank);
  trim(text);
  return word;
}

bool number(std::string_view text, std::uint32_t& out) {
  if (text.empty() || text.size() > 9) return false;
  std::uint32_t value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return false;
    value = value * 10 + static_cast<std::uint32_t>(c - '0');
  }
  out = value;
  return true;
}

bool is_flags(std::string_view word) {
  if (word.size() < 4 || word.size() > 7) return false;
  for (const char c : word)
    if (!is_name(c) && c != '#') return false;
  return word[0] == '.' || word[0] == 'd' || word[0] == 'D' || word[0] == 'b' || word[0] == 'X';
}

// What stands before the time or the event: `COMM PID/TID [CPU] FLAGS`.
bool parse_task(std::string_view head, PerfLine& out) {
  std::string_view rest = head;
  std::string_view word = take_last_word(rest);
  if (word.empty()) return true;   // -F without task and processor
  if (is_flags(word) && rest.ends_with("]")) {
    out.flags = word;
    word = take_last_word(rest);
  }
  if (word.size() > 2 && word.front() == '[' && word.back() == ']') {
    if (!number(word.substr(1, word.size() - 2), out.cpu)) return false;
    if (rest.empty()) return true;
    word = take_last_word(rest);
  }
  // PID, TID or PID/TID. perf pads the TID on its right: `  123/123  `.
  const std::size_t slash = word.rfind('/');
  std::uint32_t pid = 0;
  if (slash != std::string_view::npos && number(word.substr(0, slash), pid)) word.remove_prefix(slash + 1);
  if (!number(word, out.tid)) return false;
  out.comm = rest;
  return true;
}

// `SYSTEM:EVENT: BODY` from the start of `text`, which may begin with the period.
bool parse_event(std::string_view text, PerfLine& out) {
  trim(text);
  if (text.starts_with("PERF_RECORD_")) {
    const std::size_t end = text.find_first_of(" (");
    out.system = {};
    out.event = text.substr(0, end);
    out.body = end == std::string_view::npos ? std::string_view() : text.substr(end);
    trim(out.body);
    return true;
  }
  std::size_t at = 0;
  while (at < text.size() && is_digit(text[at])) ++at;
  if (at != 0 && at < text.size() && text[at] == ' ') {   // the period
    text.remove_prefix(at);
    trim(text);
  }
  at = 0;
  while (at < text.size() && is_name(text[at])) ++at;
  if (at == 0 || at == text.size() || text[at] != ':') return false;
  out.system = text.substr(0, at);
  text.remove_prefix(at + 1);
  at = 0;
  while (at < text.size() && is_name(text[at])) ++at;
  if (at == 0 || at == text.size()) return false;
  out.event = text.substr(0, at);
  text.remove_prefix(at);
  if (text.front() == '/') {   // `lock:lock_acquire/call-graph=fp/:`
    const std::size_t close = text.find('/', 1);
    if (close == std::string_view::npos) return false;
    text.remove_prefix(close + 1);
    while (!text.empty() && is_name(text.front())) text.remove_prefix(1);
  }
  if (!text.starts_with(":") || (text.size() > 1 && text[1] != ' ')) return false;
  out.body = text.substr(1);
  trim(out.body);
  return true;
}

// Where a time `digits.digits:` ends that begins at `at`; 0 if none does.
std::size_t time_end(std::string_view line, std::size_t at) {
  const std::size_t first = at;
  while (at < line.size() && is_digit(line[at])) ++at;
  if (at == first || at >= line.size() || line[at] != '.') return 0;
  const std::size_t point = ++at;
  while (at < line.size() && is_digit(line[at])) ++at;
  if (at == point || at >= line.size() || line[at] != ':') return 0;
  return at + 1;
}

// Of `digits.digits:`; 0 if it does not fit.
std::uint64_t nanoseconds(std::string_view time) {
  std::uint64_t out = 0;
  unsigned digits = 0, behind = 0;
  bool point = false;
  for (const char c : time) {
    if (c == '.') point = true;
    if (!is_digit(c) || behind == 9) continue;
    out = out * 10 + static_cast<unsigned>(c - '0');
    if (++digits == 20) return 0;
    if (point) ++behind;
  }
  for (; behind < 9 && digits < 19; ++behind, ++digits) out *= 10;
  return behind == 9 ? out : 0;
}

}  // namespace

bool parse_perf_line(std::string_view line, PerfLine& out) {
  for (std::size_t at = 0; at < line.size(); ++at) {
    if (!is_digit(line[at]) || (at > 0 && line[at - 1] != ' ' && line[at - 1] != '\t')) continue;
    const std::size_t end = time_end(line, at);
    if (end == 0) continue;
    out = PerfLine{};
    if (!parse_task(line.substr(0, at), out) || !parse_event(line.substr(end), out)) continue;
    out.time = nanoseconds(line.substr(at, end - at));
    return true;
  }
  // Without a time: the first word that is `SYSTEM:EVENT:` and has a task before it, or nothing.
  for (std::size_t colon = line.find(": "); colon != std::string_view::npos; colon = line.find(": ", colon + 1)) {
    const std::size_t blank = line.find_last_of(" \t", colon);
    const std::size_t begin = blank == std::string_view::npos ? 0 : blank + 1;
    out = PerfLine{};
    if (!parse_event(line.substr(begin), out)) continue;
    std::string_view head = line.substr(0, begin), before = head;
    std::uint32_t period = 0;
    if (number(take_last_word(before), period) && before.ends_with("]")) head = before;
    if (parse_task(head, out)) return true;
  }
  return false;
}

bool parse_perf_frame(std::string_view line, std::string_view& symbol, std::string_view& module) {
  if (line.empty() || (line.front() != ' ' && line.front() != '\t')) return false;
  trim(line);
  module = {};
  if (line.ends_with(")")) {
    const std::size_t open = line.rfind(" (");
    if (open != std::string_view::npos) {
      module = line.substr(open + 2, line.size() - open - 3);
      line = line.substr(0, open);
      trim(line);
    }
  }
  std::size_t digits = 0;
  while (digits < line.size() && is_hex(line[digits])) ++digits;
  const bool address = digits >= 4 && (digits == line.size() || line[digits] == ' ');
  if (!address && module.empty()) return false;
  symbol = line;
  if (address && digits < line.size()) {
    symbol = line.substr(digits);
    trim(symbol);
    if (symbol == "[unknown]") symbol = line.substr(0, digits);
  }
  // The kernel itself is no module, and a module's file name says more than its path.
  if (module == "inlined" || module.find("kernel.kallsyms]") != std::string_view::npos || module == "[unknown]" ||
      module.find("vmlinux") != std::string_view::npos || module.find("[guest.kernel") != std::string_view::npos || module.find("kcore") != std::string_view::npos)
    module = {};
  if (const std::size_t slash = module.rfind('/'); slash != std::string_view::npos) module.remove_prefix(slash + 1);
  if (module.starts_with("[") && module.ends_with("]")) module = module.substr(1, module.size() - 2);
  if (const std::size_t dot = module.find(".ko"); dot != std::string_view::npos) module = module.substr(0, dot);
  return !symbol.empty();
}

}  // namespace crossdep::traces
