// SPDX-License-Identifier: MIT
//
// See format.h.
//
// Threading: pure functions.  Allocation: the heap.
#include "reports/format.h"

#include <algorithm>
#include <charconv>

namespace crossdep::reports {
namespace {

std::string line_suffix(const Frame& frame) { return frame.line == 0 ? std::string() : ":" + std::to_string(frame.line); }

}  // namespace

std::string hex(std::uint64_t number) {
  char digits[16];
  const auto end = std::to_chars(digits, digits + sizeof digits, number, 16).ptr;
  return "0x" + std::string(digits, end);
}

std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) out += c;
    else out += {'\\', 'x', "0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]};
  }
  return out;
}

std::string address(std::uint64_t number) {
  const std::string digits = hex(number).substr(2);
  return std::string(16 - digits.size(), '0') + digits;
}

std::string base_name(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

std::string symbol(const Frame& frame) {
  if (frame.function.empty()) {
    if (!frame.module.empty()) return frame.module + "+" + hex(frame.offset);
    if (!frame.file.empty()) return base_name(frame.file) + line_suffix(frame);
    return hex(frame.offset);
  }
  std::string out = frame.function;
  if (frame.offset != 0 || frame.size != 0) {
    out += "+" + hex(frame.offset);
    if (frame.size != 0) out += "/" + hex(frame.size);
  }
  if (!frame.module.empty()) out += " [" + frame.module + "]";
  return out;
}

std::string symbol_and_place(const Frame& frame, bool full_path) {
  std::string out = symbol(frame);
  if (!frame.file.empty() && !(frame.function.empty() && frame.module.empty()))
    out += " (" + (full_path ? frame.file : base_name(frame.file)) + line_suffix(frame) + ")";
  if (frame.inlined) out += " [inline]";
  return out;
}

std::string short_place(const Frame& frame) {
  if (frame.file.empty()) return symbol(frame);
  return base_name(frame.file) + line_suffix(frame);
}

std::vector<Index> shown_frames(const Graph& graph, Index stack, bool verbose) {
  if (stack >= graph.stacks.size()) return {};
  std::vector<Index> own;
  for (const Index frame : graph.stacks[stack])
    if (verbose || !graph.frames[frame].library) own.push_back(frame);
  return own.empty() ? graph.stacks[stack] : own;
}

Index own_frame(const Graph& graph, Index stack) {
  const std::vector<Index> frames = shown_frames(graph, stack, false);
  return frames.empty() ? kNoIndex : frames.front();
}

Index own_function(const Graph& graph, Index stack) {
  for (const Index frame : shown_frames(graph, stack, false))
    if (!graph.frames[frame].inlined) return frame;
  return own_frame(graph, stack);
}

std::string short_place(const Graph& graph, Index site) {
  const Index frame = own_frame(graph, site);
  return frame == kNoIndex ? "an unknown place" : short_place(graph.frames[frame]);
}

std::string context_name(const Graph& graph, Index context) {
  if (context >= graph.contexts.size()) return "unknown/0";
  const Context& c = graph.contexts[context];
  return (c.name.empty() ? std::string("task") : c.name) + "/" + std::to_string(c.tid);
}

std::string shell_word(const std::string& text) {
  const bool plain = text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./+:=@%,") == std::string::npos;
  if (plain && !text.empty()) return text;
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string count_of(std::uint64_t count, const char* noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

std::vector<Held> shown_locks(const Finding& finding) {
  std::vector<Held> out;
  for (const Held& held : finding.held)
    if (!held.pseudo || std::find(finding.classes.begin(), finding.classes.end(), held.class_index) != finding.classes.end()) out.push_back(held);
  return out;
}

std::string usage_characters(std::uint8_t usage) {
  // lockdep's get_usage_char(): hard write, hard read, soft write, soft read; the "enabled" bit lies four higher.
  std::string out;
  for (unsigned bit = 0; bit < 4; ++bit) {
    const bool used = (usage >> bit & 1) != 0;
    const bool enabled = (usage >> (bit + 4) & 1) != 0;
    out += enabled ? (used ? '?' : '+') : (used ? '-' : '.');
  }
  return out;
}

}  // namespace crossdep::reports
