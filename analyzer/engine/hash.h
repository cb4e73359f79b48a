// SPDX-License-Identifier: MIT
//
// The engine's hash functions: a 64-bit finaliser (the "murmur3" constants by Austin Appleby, public domain) for tables
// and a cheap running mix for chain keys, where each step costs one multiplication on the hot path.
#pragma once

#include <cstdint>

namespace crossdep::engine {

constexpr std::uint64_t mix(std::uint64_t x) noexcept {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdULL;
  x ^= x >> 33;
  return x;
}

/// One step of a running key: `value` joins `key`. Order matters; never yields 0 in practice, callers that need a
/// non-zero key or in 1.
constexpr std::uint64_t chain_step(std::uint64_t key, std::uint64_t value) noexcept {
  key = (key ^ value) * 0x9e3779b97f4a7c15ULL;
  return key ^ (key >> 29);
}

}  // namespace crossdep::engine
