// SPDX-License-Identifier: MIT
//
// Findings that their owner knows and does not want to hear of. The file is one that ThreadSanitizer reads too: a line is
// `kind:pattern`, blank lines and lines that begin with # are skipped. Kinds:
//   deadlock   lock-order-cycle, cross-release-cycle, recursive-lock, fork-held-lock
//   mutex      recursive-lock, bad-unlock, destroy-held, exit-held, assert-held, lock-misuse
//   an id of the catalogue of checks: that check alone
// TSan's other kinds (race, thread, signal ...) are not for us and are skipped. A pattern fits if it is found anywhere in
// the name of one of the finding's lock classes, or - as TSan has it - of a function, source file or module in one of its
// stacks; `*` stands for any text, `^` and `$` tie the pattern to the name's begin and end.
//
// Threading: a value.  Allocation: the heap.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "reports/graph.h"

namespace crossdep::reports {

class Suppressions {
 public:
  /// Reads the file; false: `cause` is "file: why" or "file:line: why", and nothing is suppressed.
  bool read(const std::string& path, std::string& cause);
  /// The same from text; `name` is for the cause.
  bool parse(std::string_view text, const std::string& name, std::string& cause);

  bool suppresses(const Graph& graph, const Finding& finding) const;
  std::size_t count(const Graph& graph) const;

  // Entry by entry, for those who ask which of them still do anything.
  std::size_t size() const { return entries_.size(); }
  bool suppresses(std::size_t entry, const Graph& graph, const Finding& finding) const;
  /// The line as written, and its number.
  std::string text(std::size_t entry) const { return entries_[entry].kind + ":" + entries_[entry].pattern; }
  std::size_t line(std::size_t entry) const { return entries_[entry].line; }
  /// How many characters of the name the pattern ties down.
  std::size_t literal_characters(std::size_t entry) const;
  /// It is one whole name, tied at both ends.
  bool names_one(std::size_t entry) const;

 private:
  struct Entry {
    std::uint32_t checks;   // a bit for each engine::Check
    std::string pattern;
    std::string kind;
    std::size_t line;
  };

  std::vector<Entry> entries_;
};

}  // namespace crossdep::reports
