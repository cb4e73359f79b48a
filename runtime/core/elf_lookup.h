// SPDX-License-Identifier: MIT
//
// Finds the definition of a function that comes after ours in load order: dlsym(RTLD_NEXT) and dlvsym without their
// locks, without their allocations and without their error state, so that it works in the middle of anything - before
// main, inside another library's constructor, inside an allocator.
// Walks the loader's list of modules (_r_debug) and their GNU hash tables.
//
// Threading: any; the modules present at start-up never leave, and nothing else is looked at.  Allocation: none.
#pragma once

namespace crossdep::runtime {

/// The address of `name` in the first module after ours that exports it; `version` nullptr: its default version.
/// nullptr if no module does.
void* next_definition(const char* name, const char* version = nullptr) noexcept;

}  // namespace crossdep::runtime
