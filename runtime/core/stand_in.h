// SPDX-License-Identifier: MIT
//
// Addresses that stand for what has none: a file's lock, one side of a pipe. No object of a program lies in that half of
// the address space.
//
// Threading: pure functions.  Allocation: none.
#pragma once

#include <cstdint>

namespace crossdep::runtime {

/// Folds another number into a hash.
constexpr std::uint64_t fold(std::uint64_t hash, std::uint64_t value) noexcept {
  hash = (hash * 0xbf58476d1ce4e5b9u ^ value) * 0x9e3779b97f4a7c15u;
  return hash ^ (hash >> 29);
}

inline const void* stand_in(std::uint64_t hash) noexcept {
  return reinterpret_cast<const void*>((hash >> 3 | std::uint64_t{1} << 63) & ~std::uint64_t{15});
}

}  // namespace crossdep::runtime
