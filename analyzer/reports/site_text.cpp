// SPDX-License-Identifier: MIT
//
// See site_text.h.
//
// Threading: none of its own.  Allocation: the heap.
#include "reports/site_text.h"

#include <charconv>

namespace crossdep::reports {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

template <typename Number>
bool parse_number(std::string_view text, int base, Number& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

bool parse_hex(std::string_view text, std::uint64_t& out) {
  return text.starts_with("0x") && parse_number(text.substr(2), 16, out);
}

// "SYM+0xOFF" or "SYM+0xOFF/0xLEN"
bool parse_symbol(std::string_view text, Frame& out) {
  const auto plus = text.rfind('+');
  if (plus == std::string_view::npos || plus == 0) return false;
  std::string_view offset = text.substr(plus + 1);
  const auto slash = offset.find('/');
  if (slash != std::string_view::npos) {
    if (!parse_hex(offset.substr(slash + 1), out.size)) return false;
    offset = offset.substr(0, slash);
  }
  if (!parse_hex(offset, out.offset)) return false;
  out.function = text.substr(0, plus);
  return true;
}

// "FILE:LINE" or "FILE:LINE:COLUMN"
bool parse_file(std::string_view text, Frame& out) {
  const auto last = text.rfind(':');
  if (last == std::string_view::npos || last == 0) return false;
  std::uint32_t number = 0;
  if (!parse_number(text.substr(last + 1), 10, number)) return false;
  const std::string_view head = text.substr(0, last);
  const auto before = head.rfind(':');
  std::uint32_t line = 0;
  if (before != std::string_view::npos && before != 0 && parse_number(head.substr(before + 1), 10, line)) {
    out.file = head.substr(0, before);
    out.line = line;
    out.column = number;
  } else {
    out.file = head;
    out.line = number;
  }
  return true;
}

}  // namespace

Frame parse_site(std::string_view text) {
  Frame out;
  text = trimmed(text);
  if (text.ends_with(" [inline]")) {
    out.inlined = true;
    text = trimmed(text.substr(0, text.size() - 9));
  }
  if (text.ends_with(')')) {
    const auto open = text.rfind(" (");
    if (open != std::string_view::npos && open > 0 && parse_file(text.substr(open + 2, text.size() - open - 3), out))
      text = trimmed(text.substr(0, open));
  }
  if (text.ends_with(']')) {
    const auto open = text.rfind('[');
    if (open != std::string_view::npos && open > 0) {
      out.module = text.substr(open + 1, text.size() - open - 2);
      text = trimmed(text.substr(0, open));
    }
  }
  Frame symbol = out, file = out;
  if (parse_symbol(text, symbol)) return symbol;
  if (out.file.empty() && parse_file(text, file)) return file;
  if (parse_hex(text, out.offset)) return out;
  out.function = text;
  return out;
}

void SiteTextResolver::frames(engine::Site site, std::vector<Frame>& out) {
  const std::string_view text = text_of_(site);
  if (text.empty()) {
    out.emplace_back().offset = site;
    return;
  }
  out.push_back(parse_site(text));
}

std::string SiteTextResolver::function_name(std::uint64_t address) {
  return parse_site(text_of_(address)).function;
}

}  // namespace crossdep::reports
