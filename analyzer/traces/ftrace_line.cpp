// SPDX-License-Identifier: MIT
//
// See ftrace_line.h. Plain scanning; this is where the time of reading an ftrace file goes.
#include "traces/ftrace_line.h"

#include <cstring>

namespace crossdep::traces {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

const char* skip_blanks(const char* at, const char* end) {
  while (at < end && *at == ' ') ++at;
  return at;
}

// Reads `COMM-PID` and an optional `(TGID)` that end before `end`.
bool parse_task(const char* begin, const char* end, FtraceLine& out) {
  begin = skip_blanks(begin, end);
  while (end > begin && end[-1] == ' ') --end;
  if (end > begin && end[-1] == ')') {   // ( 1977) or (-------)
    while (end > begin && *end != '(') --end;
    while (end > begin && end[-1] == ' ') --end;
  }
  const char* digits = end;
  while (digits > begin && is_digit(digits[-1])) --digits;
  if (digits == end || end - digits > 9 || digits - begin < 2 || digits[-1] != '-') return false;
  std::uint32_t pid = 0;
  for (const char* at = digits; at < end; ++at) pid = pid * 10 + static_cast<std::uint32_t>(*at - '0');
  out.pid = pid;
  out.comm = {begin, static_cast<std::size_t>(digits - 1 - begin)};
  return true;
}

// Reads `EVENT: BODY` from `at`; a stack trace's line is `<stack trace>` alone. trace-cmd pads the body with blanks.
bool parse_event(const char* at, const char* end, FtraceLine& out) {
  constexpr std::string_view kStack = "<stack trace>";
  const char* const name = at;
  const void* colon = std::memchr(at, ':', static_cast<std::size_t>(end - at));
  if (colon == nullptr) {
    const std::string_view rest(at, static_cast<std::size_t>(end - at));
    if (!rest.starts_with(kStack)) return false;
    out.event = kStack;
    out.body = {};
    return true;
  }
  at = static_cast<const char*>(colon);
  if (at == name) return false;
  out.event = {name, static_cast<std::size_t>(at - name)};
  at = skip_blanks(at + 1, end);
  out.body = {at, static_cast<std::size_t>(end - at)};
  return true;
}

// Reads `FLAGS TIME: EVENT: BODY` from `at`.
bool parse_rest(const char* at, const char* end, FtraceLine& out) {
  at = skip_blanks(at, end);
  const char* word = at;
  while (at < end && *at != ' ') ++at;
  out.flags = {word, static_cast<std::size_t>(at - word)};
  if (at > word && at[-1] == ':' && is_digit(*word)) {   // a time already: no flags column
    out.flags = {};
    at = word;
  } else {
    at = skip_blanks(at, end);
  }
  const char* time = at;
  const char* point = nullptr;
  std::uint64_t value = 0;
  for (; at < end && (is_digit(*at) || *at == '.'); ++at) {
    if (*at == '.') point = at;
    else value = value * 10 + static_cast<unsigned>(*at - '0');
  }
  if (at == time || at == end || *at != ':') return false;
  out.time = at - time > 20 ? 0 : value;
  out.fraction = point != nullptr ? static_cast<unsigned>(at - point - 1) : 0;
  at = skip_blanks(at + 1, end);

  return parse_event(at, end, out);
}

bool is_flag(char c) {
  return c == '.' || c == '#' || c == '*' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c);
}

// The latency format, `COMM-PID CPU FLAGS TIME: EVENT: BODY` without brackets, CPU and FLAGS in one word:
//     bash-1977    0d..1.   12us!: lock_acquire: ffffffff81c0bb58 jiffies_lock
// The word stands before the first one that begins like a time and ends with a colon.
bool parse_latency_line(const char* begin, const char* end, FtraceLine& out) {
  for (const char* at = skip_blanks(begin, end); at < end;) {
    const char* const word = at;
    while (at < end && *at != ' ') ++at;
    const char* const word_end = at;
    at = skip_blanks(at, end);
    const char* digits = word;
    while (digits < word_end && is_digit(*digits)) ++digits;
    if (digits == word || word_end - digits < 4 || word_end - digits > 7 || digits - word > 5) continue;
    bool flags = *digits == '.' || *digits == 'd' || *digits == 'D' || *digits == 'b' || *digits == 'X';
    for (const char* c = digits; c < word_end; ++c) flags &= is_flag(*c);
    if (!flags) continue;
    const char* time = at;
    if (time < end && *time == '-') ++time;   // before the beginning of the latency
    const char* const time_begin = time;
    while (time < end && (is_digit(*time) || *time == '.')) ++time;
    if (time == time_begin || end - time < 3) continue;
    if (time[0] == 'u' && time[1] == 's') time += 2;
    while (time < end && (*time == ' ' || *time == '+' || *time == '!' || *time == '#' || *time == '*' || *time == '@' || *time == '$')) ++time;
    if (time == end || *time != ':' || !parse_task(begin, word, out)) continue;
    out.cpu = 0;
    out.time = 0;   // since the trace began, or none
    for (const char* c = word; c < digits; ++c) out.cpu = out.cpu * 10 + static_cast<std::uint32_t>(*c - '0');
    out.flags = {digits, static_cast<std::size_t>(word_end - digits)};
    return parse_event(skip_blanks(time + 1, end), end, out);
  }
  return false;
}

}  // namespace

std::uint64_t FtraceLine::nanoseconds() const {
  if (fraction == 0 || fraction > 9) return 0;
  std::uint64_t out = time;
  for (unsigned digits = fraction; digits < 9; ++digits) out *= 10;
  return out;
}

bool parse_ftrace_line(std::string_view line, FtraceLine& out) {
  const char* const begin = line.data();
  const char* const end = begin + line.size();
  const char* from = begin;
  for (;;) {
    const void* found = std::memchr(from, '[', static_cast<std::size_t>(end - from));
    if (found == nullptr) return parse_latency_line(begin, end, out);
    const char* const bracket = static_cast<const char*>(found);
    const char* at = bracket + 1;
    std::uint32_t cpu = 0;
    while (at < end && is_digit(*at) && at - bracket <= 6) cpu = cpu * 10 + static_cast<std::uint32_t>(*at++ - '0');
    if (at > bracket + 1 && at + 1 < end && at[0] == ']' && at[1] == ' ' && bracket > begin) {
      out.cpu = cpu;
      if (parse_task(begin, bracket, out) && parse_rest(at + 2, end, out)) return true;
    }
    from = bracket + 1;
  }
}

bool parse_ftrace_probe(std::string_view body, FtraceProbe& out) {
  if (body.empty() || body.front() != '(') return false;
  const std::size_t close = body.find(')');
  if (close == std::string_view::npos) return false;
  std::string_view inside = body.substr(1, close - 1);
  out.fields = body.substr(close + 1);
  const std::size_t arrow = inside.find(" <- ");
  out.is_return = arrow != std::string_view::npos;
  out.place = out.is_return ? inside.substr(0, arrow) : inside;
  std::string_view function = out.is_return ? inside.substr(arrow + 4) : inside;
  function = function.substr(0, function.find(' '));
  out.function = function.substr(0, function.find('+'));
  return !out.function.empty();
}

bool take_hex(std::string_view& text, std::uint64_t& value) {
  const char* at = text.data();
  const char* const end = at + text.size();
  if (end - at > 2 && at[0] == '0' && (at[1] | 32) == 'x') at += 2;
  const char* const first = at;
  std::uint64_t number = 0;
  for (; at < end; ++at) {
    const char c = *at;
    unsigned digit;
    if (c >= '0' && c <= '9') digit = static_cast<unsigned>(c - '0');
    else if ((c | 32) >= 'a' && (c | 32) <= 'f') digit = static_cast<unsigned>((c | 32) - 'a' + 10);
    else break;
    number = (number << 4) | digit;
  }
  if (at == first || at - first > 16) return false;
  value = number;
  text.remove_prefix(static_cast<std::size_t>(at - text.data()));
  return true;
}

bool take_decimal(std::string_view& text, std::uint64_t& value) {
  std::size_t at = 0;
  std::uint64_t number = 0;
  while (at < text.size() && is_digit(text[at]) && at < 19) number = number * 10 + static_cast<unsigned>(text[at++] - '0');
  if (at == 0) return false;
  value = number;
  text.remove_prefix(at);
  return true;
}

bool take_field(std::string_view& text, std::string_view& key, std::string_view& value) {
  std::size_t at = 0;
  while (at < text.size() && text[at] == ' ') ++at;
  const std::size_t first = at;
  while (at < text.size() && text[at] != '=' && text[at] != ' ') ++at;
  if (at == text.size() || text[at] != '=') {
    text = {};
    return false;
  }
  key = text.substr(first, at - first);
  ++at;
  if (at < text.size() && text[at] == '"') {
    const std::size_t close = text.find('"', at + 1);
    if (close == std::string_view::npos) {
      text = {};
      return false;
    }
    value = text.substr(at + 1, close - at - 1);
    text.remove_prefix(close + 1);
    return true;
  }
  const std::size_t start = at;
  while (at < text.size() && text[at] != ' ') ++at;
  value = text.substr(start, at - start);
  text.remove_prefix(at);
  return true;
}

std::string_view last_field(std::string_view text, std::string_view key_and_equals) {
  const std::size_t at = text.rfind(key_and_equals);
  if (at == std::string_view::npos) return {};
  std::string_view value = text.substr(at + key_and_equals.size());
  return value.substr(0, value.find(' '));
}

}  // namespace crossdep::traces
