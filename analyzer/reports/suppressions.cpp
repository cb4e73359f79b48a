// SPDX-License-Identifier: MIT
//
// See suppressions.h.
//
// Threading and allocation: see suppressions.h.
#include "reports/suppressions.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "rules/catalogue.h"
#include "rules/pattern.h"

namespace crossdep::reports {
namespace {

using engine::Check;

constexpr std::uint32_t bit(Check check) { return 1u << static_cast<unsigned>(check); }

/// The checks a kind stands for; false if there is no such kind. 0: one of TSan's that is not for us.
bool parse_kind(const std::string& kind, std::uint32_t& checks) {
  if (kind == "deadlock") {
    checks = bit(Check::kLockOrderCycle) | bit(Check::kCrossReleaseCycle) | bit(Check::kRecursiveLock) |
             bit(Check::kForkHeldLock);
    return true;
  }
  if (kind == "mutex") {
    // TSan counts a double lock of a mutex here, not as a deadlock.
    checks = bit(Check::kRecursiveLock) | bit(Check::kBadUnlock) | bit(Check::kDestroyHeld) | bit(Check::kExitHeld) | bit(Check::kAssertHeld) |
             bit(Check::kLockMisuse);
    return true;
  }
  checks = 0;
  for (const char* other : {"race", "race_top", "thread", "signal", "called_from_lib"})
    if (kind == other) return true;
  Check check;
  if (!rules::parse_check(kind, check)) return false;
  checks = bit(check);
  return true;
}

std::string_view trimmed(std::string_view line) {
  constexpr std::string_view kBlank = " \t\r\f\v";
  const std::size_t begin = line.find_first_not_of(kBlank);
  return begin == std::string_view::npos ? std::string_view() : line.substr(begin, line.find_last_not_of(kBlank) - begin + 1);
}

/// Every name that a pattern may fit, each once.
std::vector<std::string_view> names_of(const Graph& graph, const Finding& finding) {
  std::vector<Index> classes = finding.classes, stacks{finding.site, finding.stack};
  if (finding.instance != kNoIndex) classes.push_back(graph.instances[finding.instance].class_index);
  for (const Held& held : finding.held) stacks.push_back(held.site);
  for (const Link& link : finding.links) {
    const Witness& w = link.witness;
    stacks.insert(stacks.end(), {w.from_site, w.to_site, w.to_stack, w.wait_site, w.wait_stack, w.release_stack});
    for (const Held& held : w.held) stacks.push_back(held.site);
  }
  std::vector<std::string_view> out;
  for (const Index index : classes)
    if (index != kNoIndex) out.push_back(graph.classes[index].name);
  for (const Index stack : stacks)
    if (stack != kNoIndex)
      for (const Index frame : graph.stacks[stack]) {
        const Frame& f = graph.frames[frame];
        out.insert(out.end(), {f.function, f.file, f.module});
      }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

bool fits_any(std::uint32_t checks, const std::string& pattern, Check check, const std::vector<std::string_view>& names) {
  return (checks & bit(check)) != 0 &&
         std::any_of(names.begin(), names.end(), [&](std::string_view name) { return rules::fits(pattern, name); });
}

}  // namespace

bool Suppressions::read(const std::string& path, std::string& cause) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"), std::fclose);
  std::string text;
  char buffer[4096];
  for (std::size_t n = 1; file != nullptr && n != 0;) text.append(buffer, n = std::fread(buffer, 1, sizeof buffer, file.get()));
  if (file == nullptr || std::ferror(file.get())) {
    cause = path + ": " + std::strerror(errno);
    return false;
  }
  return parse(text, path, cause);
}

bool Suppressions::parse(std::string_view text, const std::string& name, std::string& cause) {
  entries_.clear();
  std::vector<Entry> read;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty() || line.front() == '#') continue;
    const std::size_t colon = line.find(':');
    std::string kind(line.substr(0, colon));
    std::uint32_t checks = 0;
    std::string wrong;
    if (colon == std::string_view::npos) wrong = "not kind:pattern";
    else if (!parse_kind(kind, checks)) wrong = "unknown kind '" + kind + "'; known are deadlock, mutex, and the ids of checks";
    else if (colon + 1 == line.size()) wrong = "no pattern after '" + kind + ":'";
    if (!wrong.empty()) {
      for (char& c : wrong)
        if (static_cast<unsigned char>(c) < ' ' || c == 127) c = '?';
      cause = name + ":" + std::to_string(number) + ": " + wrong;
      return false;
    }
    if (checks != 0) read.push_back({checks, std::string(line.substr(colon + 1)), kind, number});
  }
  entries_ = std::move(read);
  return true;
}

bool Suppressions::suppresses(const Graph& graph, const Finding& finding) const {
  if (entries_.empty()) return false;
  const std::vector<std::string_view> names = names_of(graph, finding);
  return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) { return fits_any(entry.checks, entry.pattern, finding.check, names); });
}

bool Suppressions::suppresses(std::size_t entry, const Graph& graph, const Finding& finding) const {
  return fits_any(entries_[entry].checks, entries_[entry].pattern, finding.check, names_of(graph, finding));
}

std::size_t Suppressions::literal_characters(std::size_t entry) const {
  return static_cast<std::size_t>(std::count_if(entries_[entry].pattern.begin(), entries_[entry].pattern.end(),
                                                [](char c) { return c != '*' && c != '^' && c != '$'; }));
}

bool Suppressions::names_one(std::size_t entry) const {
  const std::string& pattern = entries_[entry].pattern;
  return pattern.size() > 2 && pattern.front() == '^' && pattern.back() == '$' && pattern.find('*') == std::string::npos;
}

std::size_t Suppressions::count(const Graph& graph) const {
  return static_cast<std::size_t>(std::count_if(graph.findings.begin(), graph.findings.end(),
                                                [&](const Finding& finding) { return suppresses(graph, finding); }));
}

}  // namespace crossdep::reports
