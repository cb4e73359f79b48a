// SPDX-License-Identifier: MIT
//
// See rule_names.h.
//
// Threading and allocation: see rule_names.h.
#include "rules/rule_names.h"

#include <algorithm>

#include "rules/pattern.h"

namespace crossdep::rules {
namespace {

// FILE or FILE:LINE, with as many folders as the rule says.
bool at_site(const std::string& site, const reports::Frame& frame) {
  if (frame.file.empty()) return false;
  const std::string place = frame.file + ":" + std::to_string(frame.line);
  for (const std::string& known : {frame.file, place}) {
    if (known == site) return true;
    if (known.size() > site.size() && known[known.size() - site.size() - 1] == '/' && known.ends_with(site)) return true;
  }
  return false;
}

}  // namespace

std::string RuleNames::rename(const std::string& name, engine::Kind kind, const std::vector<reports::Frame>& frames) const {
  for (const NameRule& rule : rules_.names) {
    if (!rule.any_kind && rule.kind != kind) continue;
    if (!rule.class_name.empty() && fits(rule.class_name, name)) return rule.name;
    for (const reports::Frame& frame : frames) {
      if (!rule.function.empty() && is_function(rule.function, frame.function)) return rule.name;
      if (!rule.site.empty() && at_site(rule.site, frame)) return rule.name;
    }
  }
  return {};
}

bool RuleNames::is_wrapper(const reports::Frame& frame) const {
  return std::any_of(rules_.wrappers.begin(), rules_.wrappers.end(),
                     [&](const std::string& pattern) { return is_function(pattern, frame.function); });
}

}  // namespace crossdep::rules
