// SPDX-License-Identifier: MIT
//
// See baseline.h: entries and their order. The file itself is baseline_file.cpp's.
//
// Threading: none of its own.  Allocation: the heap.
#include "gate/baseline.h"

#include <algorithm>
#include <tuple>

#include "reports/names.h"
#include "rules/catalogue.h"

namespace crossdep::gate {
namespace {

bool digits(const std::string& text, std::size_t from, std::size_t count) {
  return std::all_of(text.begin() + static_cast<std::ptrdiff_t>(from), text.begin() + static_cast<std::ptrdiff_t>(from + count),
                     [](char c) { return c >= '0' && c <= '9'; });
}

bool before(const AcceptedDependency& a, const AcceptedDependency& b) { return std::tie(a.from, a.to) < std::tie(b.from, b.to); }

}  // namespace

AcceptedFinding* Baseline::find(const std::string& key) {
  const auto at = std::find_if(findings.begin(), findings.end(), [&](const AcceptedFinding& f) { return f.key() == key; });
  return at == findings.end() ? nullptr : &*at;
}

bool Baseline::has_dependency(const std::string& from, const std::string& to) const {
  AcceptedDependency wanted;
  wanted.from = from;
  wanted.to = to;
  return std::binary_search(dependencies.begin(), dependencies.end(), wanted, before);
}

void Baseline::accept(AcceptedFinding finding) {
  const auto at = std::lower_bound(findings.begin(), findings.end(), finding,
                                   [](const AcceptedFinding& a, const AcceptedFinding& b) { return a.key() < b.key(); });
  if (at == findings.end() || at->key() != finding.key()) {
    findings.insert(at, std::move(finding));
    return;
  }
  // Accepted anew by its id alone: what it is about is known from before.
  if (finding.check.empty()) finding.check = std::move(at->check);
  if (finding.classes.empty()) finding.classes = std::move(at->classes);
  if (finding.verdict.empty()) finding.verdict = std::move(at->verdict);
  *at = std::move(finding);
}

void Baseline::accept(AcceptedDependency dependency) {
  const auto at = std::lower_bound(dependencies.begin(), dependencies.end(), dependency, before);
  const bool there = at != dependencies.end() && !before(dependency, *at);
  if (!there) dependencies.insert(at, std::move(dependency));
  else if (!dependency.reason.empty()) *at = std::move(dependency);
}

bool Baseline::remove(const std::string& key) {
  return std::erase_if(findings, [&](const AcceptedFinding& f) { return f.key() == key; }) +
             std::erase_if(dependencies, [&](const AcceptedDependency& d) { return d.text() == key; }) !=
         0;
}

std::string stable_name(const reports::Class& c) { return reports::display_name(c.base, c.subclass); }

AcceptedFinding as_accepted(const reports::Graph& graph, const reports::Finding& finding) {
  AcceptedFinding out;
  out.id = finding.id;
  out.check = rules::check_id(finding.check);
  for (const reports::Index c : finding.classes) out.classes.push_back(stable_name(graph.classes[c]));
  out.verdict = reports::word(finding.verdict);
  return out;
}

AcceptedDependency as_accepted(const reports::Graph& graph, reports::Index from, reports::Index to) {
  AcceptedDependency out;
  out.from = stable_name(graph.classes[from]);
  out.to = stable_name(graph.classes[to]);
  return out;
}

bool is_date(const std::string& text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-' || !digits(text, 0, 4) || !digits(text, 5, 2) || !digits(text, 8, 2)) return false;
  const int year = std::stoi(text.substr(0, 4)), month = std::stoi(text.substr(5, 2)), day = std::stoi(text.substr(8, 2));
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  const int days[] = {31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return year >= 1970 && month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1];
}

bool is_finding_id(const std::string& text) {
  return text.size() == 15 && text.compare(0, 3, "cd-") == 0 && text.find_first_not_of("0123456789abcdef", 3) == std::string::npos;
}

}  // namespace crossdep::gate
