// SPDX-License-Identifier: MIT
//
// See json_tape.h. The parser keeps open containers on a stack of its own, so that no depth of nesting can exhaust the
// program's.
//
// Threading and allocation: see json_tape.h.
#include "reports/json_tape.h"

#include <bit>
#include <charconv>
#include <cstring>

namespace crossdep::reports {
namespace {

// What needs a look inside a string: its end, an escape, a control character, a byte that is not ASCII.
bool is_special(char c) { return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x80 || c == '"' || c == '\\'; }

// Where the next such byte is, or the text's end; eight bytes a step.
std::size_t next_special(std::string_view text, std::size_t at) {
  constexpr std::uint64_t kEach = 0x0101010101010101u, kTop = 0x80 * kEach;
  const auto below = [](std::uint64_t bytes, std::uint64_t limit) { return (bytes - limit * kEach) & ~bytes; };   // top bits
  while (std::endian::native == std::endian::little && at + 8 <= text.size()) {
    std::uint64_t bytes;
    std::memcpy(&bytes, text.data() + at, 8);
    // A borrow can mark a byte wrongly only above one that is marked rightly.
    const std::uint64_t marks = (bytes | below(bytes, 0x20) | below(bytes ^ '"' * kEach, 1) | below(bytes ^ '\\' * kEach, 1)) & kTop;
    if (marks != 0) return at + static_cast<unsigned>(std::countr_zero(marks)) / 8;
    at += 8;
  }
  while (at < text.size() && !is_special(text[at])) ++at;
  return at;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Length of the well-formed UTF-8 sequence at `at`, 0 if there is none (RFC 3629: no overlong forms, no surrogates).
std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u; };
  const auto follows = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xbf) { return byte(i) >= low && byte(i) <= high; };
  const unsigned lead = byte(0);
  if (lead >= 0xc2 && lead <= 0xdf) return follows(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef)
    return follows(1, lead == 0xe0 ? 0xa0 : 0x80, lead == 0xed ? 0x9f : 0xbf) && follows(2) ? 3 : 0;
  if (lead >= 0xf0 && lead <= 0xf4)
    return follows(1, lead == 0xf0 ? 0x90 : 0x80, lead == 0xf4 ? 0x8f : 0xbf) && follows(2) && follows(3) ? 4 : 0;
  return 0;
}

bool hex4(std::string_view text, std::size_t at, unsigned& out) {
  if (at + 4 > text.size()) return false;
  const auto [end, error] = std::from_chars(text.data() + at, text.data() + at + 4, out, 16);
  return error == std::errc() && end == text.data() + at + 4;
}

// The escape whose backslash is at `at`: how long it is and the character it means. 0: there is no such escape.
std::size_t escape(std::string_view text, std::size_t at, unsigned& code) {
  if (at + 1 >= text.size()) return 0;
  switch (text[at + 1]) {
    case '"': case '\\': case '/': code = static_cast<unsigned char>(text[at + 1]); return 2;
    case 'b': code = '\b'; return 2;
    case 'f': code = '\f'; return 2;
    case 'n': code = '\n'; return 2;
    case 'r': code = '\r'; return 2;
    case 't': code = '\t'; return 2;
    case 'u': break;
    default: return 0;
  }
  unsigned low = 0;
  if (!hex4(text, at + 2, code) || (code >= 0xdc00 && code <= 0xdfff)) return 0;
  if (code < 0xd800 || code > 0xdfff) return 6;
  if (at + 7 >= text.size() || text[at + 6] != '\\' || text[at + 7] != 'u' || !hex4(text, at + 8, low) || low < 0xdc00 || low > 0xdfff)
    return 0;
  code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  return 12;
}

void append_utf8(std::string& out, unsigned code) {
  const auto put = [&](unsigned byte) { out += static_cast<char>(byte); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xc0 | code >> 6);
  } else {
    if (code < 0x10000) {
      put(0xe0 | code >> 12);
    } else {
      put(0xf0 | code >> 18);
      put(0x80 | (code >> 12 & 0x3f));
    }
    put(0x80 | (code >> 6 & 0x3f));
  }
  put(0x80 | (code & 0x3f));
}

}  // namespace

inline void JsonTape::put(Type type, std::size_t begin, std::size_t length) {
  tokens_.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(length), static_cast<std::uint32_t>(tokens_.size() + 1), type});
}

bool JsonTape::word(std::size_t& at, std::string_view expected, Type type) {
  if (text_.substr(at, expected.size()) != expected) return fail(at);
  put(type, at, expected.size());
  at += expected.size();
  return true;
}

bool JsonTape::number(std::size_t& at) {
  const std::size_t begin = at;
  const auto digits = [&] {
    const std::size_t from = at;
    while (at < text_.size() && is_digit(text_[at])) ++at;
    return at != from;
  };
  const auto next_is = [&](char c) { return at < text_.size() && text_[at] == c; };
  if (next_is('-')) ++at;
  const std::size_t first = at;
  if (!digits() || (text_[first] == '0' && at - first > 1)) return fail(at);
  if (next_is('.')) {
    ++at;
    if (!digits()) return fail(at);
  }
  if (next_is('e') || next_is('E')) {
    ++at;
    if (next_is('+') || next_is('-')) ++at;
    if (!digits()) return fail(at);
  }
  put(Type::kNumber, begin, at - begin);
  return true;
}

bool JsonTape::string(std::size_t& at) {
  const std::size_t begin = ++at;
  bool escapes = false;
  for (;;) {
    at = next_special(text_, at);
    if (at == text_.size()) return fail(at);
    const auto c = static_cast<unsigned char>(text_[at]);
    if (c == '"') break;
    unsigned code = 0;
    const std::size_t length = c == '\\' ? escape(text_, at, code) : c >= 0x80 ? utf8_length(text_, at) : 0;
    if (length == 0) return fail(at);
    escapes |= c == '\\';
    at += length;
  }
  put(escapes ? Type::kEscapedText : Type::kText, begin, at - begin);
  ++at;
  return true;
}

bool JsonTape::value(std::size_t& at) {
  if (at == text_.size()) return fail(at);
  switch (text_[at]) {
    case '"': return string(at);
    case 't': return word(at, "true", Type::kTrue);
    case 'f': return word(at, "false", Type::kFalse);
    case 'n': return word(at, "null", Type::kNull);
    default: return number(at);
  }
}

bool JsonTape::parse(std::string_view text) {
  text_ = text;
  tokens_.clear();
  if (text.size() > kMostBytes) return fail(kMostBytes);
  tokens_.reserve(text.size() / 8);   // about as many as a graph has
  std::vector<std::uint32_t> open;   // containers being read
  std::size_t at = text.starts_with("\xef\xbb\xbf") ? 3 : 0;
  const auto skip_space = [&] {
    while (at < text.size() && (text[at] == ' ' || text[at] == '\n' || text[at] == '\t' || text[at] == '\r')) ++at;
  };
  for (;;) {
    skip_space();
    const bool opens = at < text.size() && (text[at] == '{' || text[at] == '[');
    if (opens) {
      open.push_back(static_cast<std::uint32_t>(tokens_.size()));
      put(text[at] == '{' ? Type::kObject : Type::kArray, at, 0);
      ++at;
      skip_space();
    } else if (!value(at)) {
      return false;
    }
    // After a value: what ends, then the comma before the next one. A container just opened ends at once if it is empty.
    for (bool empty_so_far = opens;; empty_so_far = false) {
      if (open.empty()) {
        skip_space();
        return at == text.size() || fail(at);
      }
      Token& container = tokens_[open.back()];
      const bool object = container.type == Type::kObject;
      if (!empty_so_far) {
        ++container.length;
        skip_space();
      }
      if (at == text.size()) return fail(at);
      if (text[at] == (object ? '}' : ']')) {
        ++at;
        container.after = static_cast<std::uint32_t>(tokens_.size());
        open.pop_back();
        continue;
      }
      if (!empty_so_far) {
        if (text[at] != ',') return fail(at);
        ++at;
        skip_space();
      }
      if (!object) break;
      if (at == text.size() || text[at] != '"' || !string(at)) return fail(at);
      skip_space();
      if (at == text.size() || text[at] != ':') return fail(at);
      ++at;
      break;
    }
  }
}

std::string JsonValue::text() const {
  bool plain = false;
  const std::string_view raw_text = raw(plain);
  if (plain) return std::string(raw_text);
  std::string out;
  for (std::size_t i = 0; i < raw_text.size();) {
    if (raw_text[i] != '\\') {
      out += raw_text[i++];
      continue;
    }
    unsigned code = 0;
    i += escape(raw_text, i, code);
    append_utf8(out, code);
  }
  return out;
}

bool JsonValue::whole_number(std::uint64_t& magnitude, bool& negative) const {
  const JsonTape::Token& token = tape_->tokens_[at_];
  if (token.type != JsonTape::Type::kNumber) return false;
  const char* begin = tape_->text_.data() + token.begin;
  const char* const end = begin + token.length;
  negative = *begin == '-';
  if (negative) ++begin;
  const auto [stop, error] = std::from_chars(begin, end, magnitude);
  return error == std::errc() && stop == end;
}

}  // namespace crossdep::reports
