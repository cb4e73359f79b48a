// SPDX-License-Identifier: MIT
//
// See pattern.h.
//
// Threading: pure functions.  Allocation: none.
#include "rules/pattern.h"

namespace crossdep::rules {
namespace {

// `at_begin`, `at_end`: tied to that end of the name.
bool matches(std::string_view pattern, std::string_view name, bool at_begin, bool at_end) {
  bool anchored = at_begin;
  while (true) {
    const std::size_t star = pattern.find('*');
    const std::string_view piece = pattern.substr(0, star);
    const bool last = star == std::string_view::npos;
    if (last && at_end) {
      if (anchored) return name == piece;
      return name.size() >= piece.size() && name.substr(name.size() - piece.size()) == piece;
    }
    const std::size_t found = anchored ? (name.substr(0, piece.size()) == piece ? 0 : std::string_view::npos) : name.find(piece);
    if (found == std::string_view::npos) return false;
    if (last) return true;
    name.remove_prefix(found + piece.size());
    pattern.remove_prefix(star + 1);
    anchored = false;
  }
}

}  // namespace

bool fits(std::string_view pattern, std::string_view name) {
  const bool at_begin = !pattern.empty() && pattern.front() == '^';
  if (at_begin) pattern.remove_prefix(1);
  const bool at_end = !pattern.empty() && pattern.back() == '$';
  if (at_end) pattern.remove_suffix(1);
  return matches(pattern, name, at_begin, at_end);
}

bool is(std::string_view pattern, std::string_view name) { return matches(pattern, name, true, true); }

bool is_function(std::string_view pattern, std::string_view function) {
  if (is(pattern, function)) return true;
  if (const std::size_t open = function.find('('); open != std::string_view::npos && open != 0 && is(pattern, function.substr(0, open)))
    return true;
  for (const std::string_view suffix : {".constprop", ".isra", ".part", ".cold", ".lto_priv"})
    if (const std::size_t at = function.find(suffix); at != std::string_view::npos && is(pattern, function.substr(0, at))) return true;
  return false;
}

}  // namespace crossdep::rules
