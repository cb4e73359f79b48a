// SPDX-License-Identifier: MIT
//
// What this tool calls itself in graph files and splats.
//
// Threading: constant data.  Allocation: the heap.
#pragma once

#include <string>

namespace crossdep::reports {

#ifdef CROSSDEP_VERSION
inline constexpr const char* kVersion = CROSSDEP_VERSION;
#else
inline constexpr const char* kVersion = "unversioned";
#endif

inline std::string tool_version() { return std::string("crossdep ") + kVersion; }

}  // namespace crossdep::reports
