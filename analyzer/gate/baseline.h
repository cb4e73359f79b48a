// SPDX-License-Identifier: MIT
//
// The baseline: the findings and dependencies a team has accepted, each with reason, owner, date and expiry. It lies in
// the team's repository, is reviewed like code and edited by hand or by `crossdep accept`; baseline.schema.json beside this
// file describes it.
//
// Names of classes in it are without what a graph adds to tell two kinds apart, so that they do not depend on what else
// a graph holds.
//
// Threading: values.  Allocation: the heap.
#pragma once

#include <string>
#include <vector>

#include "reports/graph.h"

namespace crossdep::gate {

inline constexpr unsigned kBaselineSchema = 1;

/// One accepted finding (`id`), or all that a pattern fits (`match`, a line as in a suppressions file: `deadlock:name`).
struct AcceptedFinding {
  std::string id, match;             // exactly one of them
  std::string check;                 // what the id stood for when it was accepted; empty if unknown
  std::vector<std::string> classes;
  std::string verdict;
  std::string reason, owner;
  std::string date;                  // YYYY-MM-DD, the day of acceptance
  std::string until;                 // the last day it counts, empty: for ever

  const std::string& key() const { return id.empty() ? match : id; }
};

struct AcceptedDependency {
  std::string from, to;
  std::string reason, owner, date;   // often empty: seen when the baseline was made

  std::string text() const { return from + " -> " + to; }
};

struct Baseline {
  std::vector<AcceptedFinding> findings;         // sorted by key
  std::vector<AcceptedDependency> dependencies;  // sorted by from, to

  AcceptedFinding* find(const std::string& key);
  bool has_dependency(const std::string& from, const std::string& to) const;
  /// Adds or replaces, keeping the order.
  void accept(AcceptedFinding finding);
  /// Adds; one that is there already stays as it is unless the new one has a reason.
  void accept(AcceptedDependency dependency);
  /// False if there is no such entry. `key` is an id, a pattern or "FROM -> TO".
  bool remove(const std::string& key);
};

/// The name of a class as baselines have it.
std::string stable_name(const reports::Class& c);
AcceptedFinding as_accepted(const reports::Graph& graph, const reports::Finding& finding);
AcceptedDependency as_accepted(const reports::Graph& graph, reports::Index from, reports::Index to);

/// YYYY-MM-DD of a day that exists.
bool is_date(const std::string& text);
/// "cd-" and 12 hex digits.
bool is_finding_id(const std::string& text);

/// What `path` holds. False: `error` is "FILE:LINE: cause".
bool read_baseline(const std::string& path, Baseline& out, std::string& error);
bool parse_baseline(const std::string& text, const std::string& name, Baseline& out, std::string& error);
std::string to_text(const Baseline& baseline);

}  // namespace crossdep::gate
