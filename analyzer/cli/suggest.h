// SPDX-License-Identifier: MIT
//
// "did you mean": the nearest known word by edit distance, if it is near enough.
//
// Threading: pure functions.  Allocation: the heap.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "rules/nearest.h"

namespace crossdep::cli {

using rules::nearest;

/// The option of `command` nearest to the first `--word` in argv that it does not know.
std::string nearest_option(const CLI::App& command, int argc, char** argv);

}  // namespace crossdep::cli
