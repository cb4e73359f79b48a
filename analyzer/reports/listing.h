// SPDX-License-Identifier: MIT
//
// What the formats other tools read (SARIF, JUnit, GitLab, GCC lines, markdown, HTML) are made from: the findings to
// show, each with what a baseline says of it, and each told in words and places. The formats differ only in their syntax.
//
// Made by list_findings() for `crossdep report`, by gate/gate.h for `crossdep gate`.
//
// Threading: values; the graph must outlive them.  Allocation: the heap.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reports/graph.h"
#include "reports/source_paths.h"
#include "reports/suppressions.h"

namespace crossdep::reports {

/// What is known of a finding beside the graph.
enum class Standing {
  kReported,   // nobody was asked: there is no baseline
  kNew,        // not in the baseline
  kKnown,      // accepted there
};

struct Listed {
  const Finding* finding = nullptr;
  Standing standing = Standing::kReported;
  bool fails = true;               // at or above the policy, and not accepted
  std::string accepted;            // kKnown: the reason, and whose it is
  std::string note;                // something to know about its standing ("accepted until 2026-01-01, which is over")
  std::size_t blamed = 0;          // the link to look at first: the one that is new
  bool blamed_is_new = false;      // the baseline does not have that dependency
};

/// An accepted finding that is not in the graph any more.
struct Gone {
  std::string id;                  // of the finding, or the pattern
  std::string check;               // empty if unknown
  std::vector<std::string> classes;
  std::string state;               // "fixed" or "stale"
  std::string note;                // why it is thought so
};

/// A dependency that the baseline does not have.
struct NewDependency {
  Index dependency = kNoIndex;     // into Graph::dependencies
  bool fails = false;
};

struct Listing {
  const Graph* graph = nullptr;
  std::vector<Listed> findings;    // in the order of the graph: the most certain first
  std::vector<Gone> gone;
  std::vector<NewDependency> dependencies;
  SourcePaths paths;
  std::string title = "crossdep";  // heading of those formats that have one
  std::vector<std::string> remarks;   // whole sentences about the baseline
  std::vector<std::string> commands;  // one for each finding that fails: how to accept it
};

/// The findings at or above the policy, without the suppressed ones; all of them if `verbose`.
Listing list_findings(const Graph& graph, engine::Verdict policy, const Suppressions& suppressions, bool verbose,
                      SourcePaths paths);

/// A place in the source. `file` is as the repository has it; empty if only the function is known.
struct Place {
  std::string file;
  std::uint32_t line = 0, column = 0;
  std::string function;

  bool known() const { return !file.empty(); }
  auto operator<=>(const Place&) const = default;
};

/// "file:line" or the function; "an unknown place" for neither.
std::string place_text(const Place& place);
/// As place_text(), the function behind the line in brackets.
std::string place_and_function(const Place& place);

/// One thing a context did.
struct Step {
  std::string text;                // "holds A", "requests B (read)", "waits for C"
  Place place;
  std::vector<Place> stack;        // callers, innermost first; empty if unknown
};

/// One context's part of a finding.
struct Side {
  std::string context;             // "worker/17"
  std::vector<Step> steps;
  std::size_t link = 0;            // of the finding; 0 too if it has none
};

/// A finding in words and places.
struct Told {
  std::string cycle;               // "A -> B -> A"; the class alone if it is no cycle; empty if there is none
  std::string message;             // "TITLE: CYCLE; VERDICT: REASON"
  std::vector<Side> sides;         // a waiter's follows that of who is to release it
  Place primary;                   // where to look first
  std::string primary_text;        // what is done there
};

Told tell(const Listing& listing, const Listed& listed);

/// The sides as lines of text: who holds and requests what, where.
std::string story(const Told& told);

/// The places of all sides without duplicates, the primary one first; unknown ones left out.
std::vector<Place> places_of(const Told& told);

/// For formats that must name a file where none is known: the program's own name.
std::string fallback_file(const Graph& graph, const Finding& finding);

/// Cut to at most `most` bytes between two characters; "..." tells that it was.
std::string shortened(const std::string& text, std::size_t most);
/// Printable, and valid UTF-8: what is not becomes U+FFFD.
std::string clean(const std::string& text);
/// clean(), and & < > " ' as entities: for XML and HTML.
std::string escaped(const std::string& text);
/// "A -> B -> A"
std::string cycle_of(const std::vector<std::string>& classes, bool closed);

}  // namespace crossdep::reports
