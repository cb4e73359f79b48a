// SPDX-License-Identifier: MIT
//
// "did you mean": the nearest known word by edit distance, if it is near enough.
//
// Threading: pure function.  Allocation: the heap.
#pragma once

#include <string>
#include <vector>

namespace crossdep::rules {

/// The candidate nearest to `word`, empty if none differs in less than half of its letters.
std::string nearest(const std::string& word, const std::vector<std::string>& candidates);

}  // namespace crossdep::rules
