// SPDX-License-Identifier: MIT
//
// Files that are read and written whole: written beside and renamed, so that a reader never sees half of one and a failed
// writing leaves what was there.
//
// Threading: none of its own; two writers of one path each write a file of their own, the last rename stays.
// Allocation: the heap.
#pragma once

#include <string>

namespace crossdep::reports {

/// `-` is standard output; devices, pipes and open files (/dev/fd/3) are written to; a link's target is replaced, its rights
/// kept. False: `cause` is "PATH: cannot write: why" and `path` is as it was.
bool write_whole_file(const std::string& path, const std::string& text, std::string& cause);

/// `-` is standard input. False: `cause` is "PATH: cannot read: why".
bool read_whole_file(const std::string& path, std::string& text, std::string& cause);

/// "standard input" for `-`.
std::string input_name(const std::string& path);

}  // namespace crossdep::reports
