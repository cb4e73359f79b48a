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

template <typename Rule>
bool any_names_io(const std::vector<Rule>& rules) {
  return std::any_of(rules.begin(), rules.end(), [](const Rule& rule) { return names_io(rule.performed); });
}

}  // namespace

bool is_io_operation(std::string_view name) { return std::find(std::begin(kIo), std::end(kIo), name) != std::end(kIo); }

bool asks_for_io(const RuleSet& rules) {
  return any_names_io(rules.forbids) || any_names_io(rules.requires_lock) || any_names_io(rules.no_lock);
}

std::uint64_t shortest_hold(const RuleSet& rules) {
  std::uint64_t out = 0;
  for (const MaxHoldRule& rule : rules.max_holds)
    if (out == 0 || rule.milliseconds < out) out = rule.milliseconds;
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
