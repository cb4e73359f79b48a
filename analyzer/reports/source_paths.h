// SPDX-License-Identifier: MIT
//
// Names of source files as a repository has them. Debug information names files by where they were built; whoever reads a
// report in a review, an editor or a code-scanning page needs them relative to the repository's root.
//
// Paths are compared as text, after "." and ".." are resolved: the sources need not be on this machine.
//
// Threading: a value.  Allocation: the heap.
#pragma once

#include <string>
#include <vector>

namespace crossdep::reports {

class SourcePaths {
 public:
  /// Files keep the names they have.
  SourcePaths() = default;
  /// Files below one of these folders are named relative to it, the innermost one counting. A relative folder is one
  /// of the current directory; a folder reached by symbolic links counts under both of its names.
  explicit SourcePaths(const std::vector<std::string>& roots);

  /// The name to show; unchanged but for "." and ".." if it lies below no root.
  std::string shown(const std::string& file) const;

 private:
  std::vector<std::string> roots_;   // with a slash at the end, longest first
};

}  // namespace crossdep::reports
