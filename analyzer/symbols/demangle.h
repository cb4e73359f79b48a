// SPDX-License-Identifier: MIT
//
// C++ names short enough for a line of a stack: without parameters, return type and ABI tags, the library's spellings
// of strings and containers shortened, long template arguments as <...>.
//
// Threading: pure functions.  Allocation: the heap.
#pragma once

#include <string>
#include <string_view>

namespace crossdep::symbols {

/// The name a programmer would write; `symbol` itself if it is not mangled.
std::string demangle(const char* symbol);

/// Shortens a demangled name.
std::string compact(std::string_view demangled);

}  // namespace crossdep::symbols
