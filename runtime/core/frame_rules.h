// SPDX-License-Identifier: MIT
//
// How to get from a frame to its caller's, read from a module's .eh_frame (DWARF 5 section 6.4, the Linux Standard Base's
// chapter on exception frames) and packed into 17 bits: where the caller's stack pointer is (the CFA), and where the
// caller's frame pointer was saved. That is all that compilers' code on x86-64 needs; what needs more is kUnknown, for
// the full unwinder.
//
// Threading: any; the tables are read through _dl_find_object, which takes no lock.  Allocation: none.
#pragma once

#include <cstdint>

namespace crossdep::runtime {

struct FrameRule {
  enum Pointer : std::uint8_t {   // the caller's frame pointer
    kSame,                        // is still in its register
    kSaved,                       // kSaved + n: lies 16 + 8 n bytes below the CFA
    kMostSaved = kSaved + 4,
    kEnd,                         // there is no caller
    kUnknown,
  };
  std::uint64_t offset;           // of the CFA, from the stack pointer or the frame pointer; in bytes
  bool from_pointer;
  Pointer pointer;

  static constexpr unsigned kBits = 17;
  static constexpr std::uint64_t kMostOffset = 8191 * 8;
  constexpr std::uint32_t pack() const noexcept {
    return static_cast<std::uint32_t>(offset / 8) | (from_pointer ? 1u << 13 : 0u) | static_cast<std::uint32_t>(pointer) << 14;
  }
  static constexpr FrameRule unpack(std::uint32_t bits) noexcept {
    return {(bits & 8191u) * 8u, (bits >> 13 & 1) != 0, static_cast<Pointer>(bits >> 14 & 7)};
  }
};

/// The rule at the instruction `pc`, and where its function begins (0 if that is not known). Without a description of it
/// there is no caller, as for every unwinder.
FrameRule frame_rule(std::uint64_t pc, std::uint64_t& function) noexcept;

}  // namespace crossdep::runtime
