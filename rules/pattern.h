// SPDX-License-Identifier: MIT
//
// How names are matched, in suppressions and in rule files alike.
//
// Threading: pure functions.  Allocation: none.
#pragma once

#include <string_view>

namespace crossdep::rules {

/// Names of classes and what suppressions name: found anywhere in `name`, `*` standing for any text; `^` and `$` tie the
/// pattern to the name's begin and end.
bool fits(std::string_view pattern, std::string_view name);

/// Names of operations and functions: the whole name, `*` standing for any text.
bool is(std::string_view pattern, std::string_view name);

/// is() for a function as a debugger shows it: its parameter list and a compiler's clone suffix (f.isra.0) need not be there.
bool is_function(std::string_view pattern, std::string_view function);

}  // namespace crossdep::rules
