// SPDX-License-Identifier: MIT
//
// See finding_id.h. Cycles are short (the longest real one we know has 20 classes), so the smallest rotation is found by
// comparing all of them.
//
// Threading: pure function.  Allocation: the heap.
#include "reports/finding_id.h"

#include <algorithm>

#include "reports/digest.h"
#include "rules/catalogue.h"

namespace crossdep::reports {
namespace {

std::string role_of(const Class& c) {
  std::string role = engine::is_crosslock(c.kind) ? "crosslock " : "lock ";
  // Which of an array's elements met is chance.
  role += c.key_kind == engine::ClassKey::kStatic ? without_indices(c.base) : c.base;
  role += '/';
  role += std::to_string(c.subclass);
  return role;
}

std::vector<std::string> smallest_rotation(const std::vector<std::string>& roles) {
  std::vector<std::string> best = roles, rotated = roles;
  for (std::size_t i = 1; i < roles.size(); ++i) {
    std::rotate(rotated.begin(), rotated.begin() + 1, rotated.end());
    best = std::min(best, rotated);
  }
  return best;
}

// A compiler's clones of a function (foo.constprop.0) are that function.
std::string without_clone_suffix(const std::string& function) {
  for (const char* suffix : {".constprop", ".isra", ".part", ".cold", ".lto_priv"}) {
    const auto at = function.find(suffix);
    if (at != std::string::npos) return function.substr(0, at);
  }
  return function;
}

// The function of the user's code nearest to this place, empty if unknown.
std::string function_at(const Graph& graph, Index site) {
  if (site >= graph.stacks.size()) return {};
  for (const Index frame : graph.stacks[site])
    if (!graph.frames[frame].library) return without_clone_suffix(graph.frames[frame].function);
  return {};
}

}  // namespace

std::string without_indices(const std::string& name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    out += name[i];
    if (name[i] != '[') continue;
    const std::size_t end = name.find_first_not_of("0123456789", i + 1);
    if (end != std::string::npos && name[end] == ']') i = end - 1;
  }
  return out;
}

std::string make_finding_id(const Graph& graph, const Finding& finding) {
  Digest digest;
  digest.add(rules::check_id(finding.check));
  std::vector<std::string> roles;
  for (const Index c : finding.classes) roles.push_back(role_of(graph.classes[c]));
  for (const std::string& role : smallest_rotation(roles)) digest.add(role);
  if (finding.links.empty()) digest.add(function_at(graph, finding.site));
  return "cd-" + digest.hex(12);
}

}  // namespace crossdep::reports
