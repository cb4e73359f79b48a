// SPDX-License-Identifier: MIT
//
// See needs.h.
//
// Threading and allocation: see needs.h.
#include "rules/needs.h"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "rules/pattern.h"
#include "rules/rule_file.h"

namespace crossdep::rules {
namespace {

// As runtime/interpose/io.cpp has them.
constexpr std::string_view kIo[] = {
    "accept", "accept4", "connect", "epoll_pwait", "epoll_wait", "fdatasync", "fsync", "poll", "ppoll", "pread", "preadv", "pselect",
    "pwrite", "pwritev", "read", "readv", "recv", "recvfrom", "recvmmsg", "recvmsg", "select", "send", "sendfile", "sendmmsg",
    "sendmsg", "sendto", "write", "writev"};

bool names_io(const Performed& performed) {
  return std::any_of(performed.operations.begin(), performed.operations.end(), [](const std::string& pattern) {
    return std::any_of(std::begin(kIo), std::end(kIo), [&](std::string_view name) { return is(pattern, name); });
  });
}

}  // namespace

bool is_io_operation(std::string_view name) { return std::find(std::begin(kIo), std::end(kIo), name) != std::end(kIo); }

bool asks_for_io(const RuleSet& rules) {
  bool any = false;
  rules.each_performed([&](const Performed& performed) { any = any || names_io(performed); });
  return any;
}

std::uint64_t shortest_hold(const RuleSet& rules) {
  std::uint64_t out = 0;
  for (const MaxHoldRule& rule : rules.max_holds)
    if (out == 0 || rule.milliseconds < out) out = rule.milliseconds;
  return out;
}

std::string need_lines(const RuleSet& rules) {
  constexpr const char* kModes[] = {"write", "read", "rread"};
  constexpr const char* kSuccess[] = {"always", "zero", "nonzero"};
  std::string out;
  if (asks_for_io(rules)) out += "io\n";
  if (const std::uint64_t hold = shortest_hold(rules); hold != 0) out += "hold " + std::to_string(hold) + "\n";
  for (const PrimitiveRule& rule : rules.primitives)
    for (const std::string& function : rule.functions)
      out += std::string(primitive_word(rule.op)) + " " + function + " " + std::to_string(rule.argument) + " " +
             kModes[static_cast<unsigned>(rule.mode)] + " " + std::to_string(static_cast<unsigned>(rule.kind)) + " " +
             kSuccess[static_cast<unsigned>(rule.success)] + " " +
             std::to_string(rule.recursive ? engine::kRecursiveLock : 0) + " " + (rule.mutex < 0 ? "-" : std::to_string(rule.mutex)) + "\n";
  return out;
}

bool parse_held_operation(std::string_view name, std::uint64_t& milliseconds, std::size_t& later) {
  if (!name.starts_with(kHeldOperation)) return false;
  const char* at = name.data() + kHeldOperation.size();
  const char* const end = name.data() + name.size();
  const auto [after_time, bad_time] = std::from_chars(at, end, milliseconds);
  if (bad_time != std::errc() || !std::string_view(after_time, static_cast<std::size_t>(end - after_time)).starts_with("ms@")) return false;
  const auto [after, bad] = std::from_chars(after_time + 3, end, later);
  return bad == std::errc() && after == end;
}

}  // namespace crossdep::rules
