// SPDX-License-Identifier: MIT
//
// Where in a JSON text something stands: people who edit a file by hand look for a line, the JSON library knows none once
// the text is parsed.
//
// Threading: pure function.  Allocation: the heap.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace crossdep::gate {

/// The line (from 1) of what the JSON pointer names, of its key if it is a member; of the innermost part that is there.
/// The text must be JSON. If a key stands twice the last one counts, as it does for the parser.
std::size_t line_of(std::string_view json, const std::string& pointer);

/// The line of a byte offset.
std::size_t line_at(std::string_view text, std::size_t offset);

}  // namespace crossdep::gate
