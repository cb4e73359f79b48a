// SPDX-License-Identifier: MIT
//
// See demangle.h. The demangler is the C++ library's; what it prints is shortened by matching brackets.
//
// Threading: pure functions.  Allocation: the heap.
#include "symbols/demangle.h"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>

namespace crossdep::symbols {
namespace {

constexpr std::size_t kLongestArguments = 24;   // of a template, in characters

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) text.replace(at, what.size(), with);
}

bool ends_with_operator(std::string_view text) {
  constexpr std::string_view kWord = "operator";
  if (!text.ends_with(kWord)) return false;
  if (text.size() == kWord.size()) return true;
  const char before = text[text.size() - kWord.size() - 1];
  return before == ':' || before == ' ';
}

// Position behind the bracket that closes the one at `open`; npos if none does.
std::size_t behind_closing(std::string_view text, std::size_t open, char opening, char closing) {
  int depth = 0;
  for (std::size_t i = open; i < text.size(); ++i) {
    if (text[i] == opening) ++depth;
    if (text[i] == closing && --depth == 0) return i + 1;
  }
  return std::string_view::npos;
}

// How many template argument lists are open at the end of `before`.
int open_arguments(std::string_view before) {
  int depth = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const std::string_view left = before.substr(0, i);
    if (ends_with_operator(left) || left.ends_with("operator<") || left.ends_with("operator>") || left.ends_with("operator-")) continue;
    if (before[i] == '<') ++depth;
    if (before[i] == '>' && depth > 0) --depth;
  }
  return depth;
}

// Whether `before`, which ends before a "(", ends with the type that a function type returns: in template arguments, where
// a function's parameters would follow its name.
bool in_function_type(std::string_view before) {
  constexpr std::string_view kEnds = " )*(";
  return !before.empty() && kEnds.find(before.back()) != std::string_view::npos && open_arguments(before) > 0;
}

// Without "(...)" and what may follow it (const, &), but with "operator()" and with function types.
std::string without_parameters(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] != '(') {
      out += text[i++];
      continue;
    }
    if (in_function_type(out)) {
      const std::size_t end = behind_closing(text, i, '(', ')');
      out += text.substr(i, end == std::string_view::npos ? end : end - i);
      if (end == std::string_view::npos) return out;
      i = end;
      continue;
    }
    const bool call_operator = ends_with_operator(out) && text.substr(i, 2) == "()";
    const std::size_t end = call_operator ? i + 2 : behind_closing(text, i, '(', ')');
    if (end == std::string_view::npos) return out;
    i = end;
    if (call_operator) {
      out += "()";
      continue;
    }
    for (const std::string_view qualifier : {" const", " volatile", " &&", " &"})
      if (text.substr(i).starts_with(qualifier)) i += qualifier.size();
  }
  return out;
}

// "<a, b>" longer than kLongestArguments becomes "<...>"; operators that contain < or > stay.
std::string with_short_arguments(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] != '<' || ends_with_operator(out) || out.ends_with("operator<")) {
      out += text[i++];
      continue;
    }
    const std::size_t end = behind_closing(text, i, '<', '>');
    if (end == std::string_view::npos) return out + std::string(text.substr(i));
    out += end - i > kLongestArguments ? std::string("<...>") : std::string(text.substr(i, end - i));
    i = end;
  }
  return out;
}

// The demangler prints the return type of templates: drop all up to the last blank outside brackets.
std::string without_return_type(const std::string& text) {
  if (text.find("operator ") != std::string::npos) return text;   // a conversion: its type is its name
  int depth = 0;
  std::size_t end = text.rfind("operator");   // its brackets are none
  if (end == std::string::npos || open_arguments(std::string_view(text).substr(0, end)) > 0) end = text.size();
  for (std::size_t i = end; i-- > 0;) {
    const char c = text[i];
    if (c == '>' || c == ')' || c == '}' || c == ']') ++depth;
    if (c == '<' || c == '(' || c == '{' || c == '[') --depth;
    if (c == ' ' && depth == 0) return text.substr(i + 1);
  }
  return text;
}

bool is_special(std::string_view text) {
  for (const std::string_view word : {"guard variable for ", "vtable for ", "typeinfo for ", "typeinfo name for ", "non-virtual thunk to ", "virtual thunk to "})
    if (text.starts_with(word)) return true;
  return false;
}

}  // namespace

std::string compact(std::string_view demangled) {
  if (is_special(demangled)) {
    const std::size_t at = demangled.find(demangled.find(" to ") != std::string_view::npos ? " to " : " for ");
    const std::size_t skip = demangled.find(" to ") != std::string_view::npos ? 4 : 5;
    return std::string(demangled.substr(0, at + skip)) + compact(demangled.substr(at + skip));
  }
  std::string text(demangled);
  replace_all(text, "(anonymous namespace)", "{anonymous}");
  replace_all(text, "std::__cxx11::", "std::");
  replace_all(text, "std::basic_string<char, std::char_traits<char>, std::allocator<char> >", "std::string");
  replace_all(text, "[abi:cxx11]", "");
  // "{lambda(int)#1}" loses its parameters like any function.
  text = with_short_arguments(without_parameters(text));
  return without_return_type(text);
}

std::string demangle(const char* symbol) {
  if (symbol == nullptr) return {};
  if (symbol[0] != '_' || symbol[1] != 'Z') return symbol;
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(abi::__cxa_demangle(symbol, nullptr, nullptr, &status), std::free);
  return status == 0 && text ? compact(text.get()) : symbol;
}

}  // namespace crossdep::symbols
