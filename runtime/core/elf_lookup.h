// SPDX-License-Identifier: MIT
//
// Finds the definition of a function that comes after ours in load order: dlsym(RTLD_NEXT) and dlvsym without their
// locks, without their allocations and without their error state, so that it works in the middle of anything - before
// main, inside another library's constructor, inside an allocator.
// Walks the loader's list of modules (_r_debug) and their GNU hash tables.
//
// Threading: any, for what is present at start-up: those modules never leave. A late_definition() that is not found there looks
// at modules loaded since, while another thread may be loading or unloading one: it is for the C++ library alone, which its
// first caller has just been loaded with and which never leaves either.
// Allocation: none.
#pragma once

#include <atomic>

namespace crossdep::runtime {

/// The address of `name` in the first module after ours that exports it; `version` nullptr: its default version.
/// nullptr if no module does.
void* next_definition(const char* name, const char* version = nullptr) noexcept;

/// The same in the first module of all but ours: what a call through the program's symbol tables leads to.
void* first_definition(const char* name) noexcept;

/// As next_definition(), kept in `known` once there is one: of a library that may be loaded later.
template <typename Function>
Function* late_definition(std::atomic<Function*>& known, const char* name) noexcept {
  Function* function = known.load(std::memory_order_relaxed);
  if (function != nullptr) return function;
  function = reinterpret_cast<Function*>(next_definition(name));
  known.store(function, std::memory_order_relaxed);
  return function;
}

}  // namespace crossdep::runtime
