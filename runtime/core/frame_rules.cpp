// SPDX-License-Identifier: MIT
//
// See frame_rules.h. Only what compilers and linkers write is read: a search table of 32-bit pairs in .eh_frame_hdr,
// addresses as 32-bit distances, no expressions for what matters here.
//
// Threading and allocation: see frame_rules.h.
#include "core/frame_rules.h"

#include <dlfcn.h>

#include <cstring>

namespace crossdep::runtime {
namespace {

constexpr std::uint64_t kFramePointer = 6, kStackPointer = 7, kReturnAddress = 16;   // DWARF's numbers on x86-64
constexpr std::uint8_t kDistance32 = 0x1b;        // DW_EH_PE_pcrel | DW_EH_PE_sdata4
constexpr FrameRule kNotKnown{0, false, FrameRule::kUnknown}, kNoCaller{0, false, FrameRule::kEnd};

template <typename T>
T get(const std::uint8_t*& at) noexcept {
  T value;
  __builtin_memcpy(&value, at, sizeof value);
  at += sizeof value;
  return value;
}

// LEB128; `shift` becomes the bits read, `last` the byte that ends it.
std::uint64_t get_leb(const std::uint8_t*& at, unsigned& shift, std::uint8_t& last) noexcept {
  std::uint64_t value = 0;
  shift = 0;
  do {
    last = *at++;
    if (shift < 64) value |= static_cast<std::uint64_t>(last & 127) << shift;
    shift += 7;
  } while (last & 128);
  return value;
}

std::uint64_t get_unsigned(const std::uint8_t*& at) noexcept {
  unsigned shift;
  std::uint8_t last;
  return get_leb(at, shift, last);
}

std::int64_t get_signed(const std::uint8_t*& at) noexcept {
  unsigned shift;
  std::uint8_t last;
  std::uint64_t value = get_leb(at, shift, last);
  if (shift < 64 && (last & 64)) value |= ~std::uint64_t{0} << shift;
  return static_cast<std::int64_t>(value);
}

struct Range {
  const std::uint8_t *at, *end;
};

/// A function's description.
struct Description {
  std::uint64_t begin, size;
  Range first, own;               // instructions: of the common part, of the function
  std::uint64_t code_unit;
  std::int64_t data_unit;
};

/// False: written in a way that is not read here.
bool read_common(const std::uint8_t* cie, Description& out, bool& augmented) noexcept {
  const std::uint8_t* at = cie;
  const auto length = get<std::uint32_t>(at);
  if (length == 0xffffffff || length == 0) return false;
  const std::uint8_t* const end = at + length;
  if (get<std::uint32_t>(at) != 0) return false;
  const std::uint8_t version = *at++;
  if (version != 1 && version != 3) return false;
  const char* const augmentation = reinterpret_cast<const char*>(at);
  while (*at++ != 0) {}
  out.code_unit = get_unsigned(at);
  out.data_unit = get_signed(at);
  const std::uint64_t return_register = version == 1 ? *at++ : get_unsigned(at);
  if (return_register != kReturnAddress) return false;
  augmented = augmentation[0] == 'z';
  bool distances = false;
  if (augmented) {
    const std::uint64_t size = get_unsigned(at);
    const std::uint8_t* const instructions = at + size;
    for (const char* letter = augmentation + 1; *letter != 0; ++letter) {
      if (*letter == 'R') {
        distances = *at++ == kDistance32;
      } else if (*letter == 'L') {
        ++at;
      } else if (*letter == 'P') {
        const std::uint8_t encoding = *at++ & 15;
        if (encoding != 0x0b && encoding != 0x03) return false;   // 4 bytes
        at += 4;
      } else {
        return false;   // 'S': a signal handler's caller, whose pc is no return address; and what is not known
      }
    }
    at = instructions;
  } else if (augmentation[0] != 0) {
    return false;
  }
  out.first = {at, end};
  return distances;
}

enum class Found { kNo, kYes, kStrange };

Found find_description(std::uint64_t pc, Description& out) noexcept {
  dl_find_object module;
  if (_dl_find_object(reinterpret_cast<void*>(pc), &module) != 0) return Found::kNo;
  const auto* const header = static_cast<const std::uint8_t*>(module.dlfo_eh_frame);
  if (header == nullptr) return Found::kNo;
  constexpr std::uint8_t kUsual[4] = {1, kDistance32, 0x03, 0x3b};   // version; section, count, table: how they are written
  if (std::memcmp(header, kUsual, sizeof kUsual) != 0) return Found::kStrange;
  const std::uint8_t* at = header + 8;
  const auto count = get<std::uint32_t>(at);
  const auto function_at = [&](std::uint32_t i, unsigned field) noexcept {
    const std::uint8_t* entry = at + std::size_t{i} * 8 + field * 4;
    return reinterpret_cast<std::uint64_t>(header) + static_cast<std::uint64_t>(std::int64_t{get<std::int32_t>(entry)});
  };
  if (count == 0 || function_at(0, 0) > pc) return Found::kNo;
  std::uint32_t low = 0, high = count;
  while (high - low > 1) {
    const std::uint32_t middle = low + (high - low) / 2;
    if (function_at(middle, 0) <= pc) low = middle;
    else high = middle;
  }
  at = reinterpret_cast<const std::uint8_t*>(function_at(low, 1));
  const auto length = get<std::uint32_t>(at);
  if (length == 0xffffffff || length == 0) return Found::kStrange;
  const std::uint8_t* const end = at + length;
  const std::uint8_t* const field = at;
  const std::uint8_t* const cie = field - get<std::uint32_t>(at);
  bool augmented = false;
  if (!read_common(cie, out, augmented)) return Found::kStrange;
  const auto here = reinterpret_cast<std::uint64_t>(at);
  out.begin = here + static_cast<std::uint64_t>(std::int64_t{get<std::int32_t>(at)});
  out.size = get<std::uint32_t>(at);
  if (augmented) {
    const std::uint64_t size = get_unsigned(at);
    at += size;
  }
  out.own = {at, end};
  return pc - out.begin < out.size ? Found::kYes : Found::kNo;
}

/// Where a register of the caller's is.
struct Place {
  enum Kind : std::uint8_t { kSame, kNone, kBelow, kOther } kind;
  std::int64_t offset;            // kBelow: from the CFA
};

struct State {
  std::uint64_t cfa_register = kStackPointer;
  std::int64_t cfa_offset = 8;
  bool cfa_known = true;
  Place pointer{Place::kSame, 0}, address{Place::kBelow, -8};
};

class Machine {
 public:
  Machine(const Description& of, std::uint64_t pc) noexcept : of_(of), pc_(pc), at_pc_(of.begin) {}

  /// The state at the instruction; false where an instruction is not known.
  bool run(State& out) noexcept {
    if (!execute(of_.first)) return false;
    initial_ = state_;
    if (!execute(of_.own)) return false;
    out = state_;
    return true;
  }

 private:
  void set(std::uint64_t what, Place place) noexcept {
    if (what == kFramePointer) state_.pointer = place;
    if (what == kReturnAddress) state_.address = place;
    if (what == kStackPointer) state_.cfa_known = false;   // the caller's is the CFA, or nobody knows
  }
  void reset(std::uint64_t what) noexcept {
    if (what == kFramePointer) state_.pointer = initial_.pointer;
    if (what == kReturnAddress) state_.address = initial_.address;
  }
  /// True: behind the instruction that is looked for.
  bool advance(std::uint64_t by) noexcept {
    at_pc_ += by * of_.code_unit;
    return at_pc_ > pc_;
  }

  bool execute(Range code) noexcept {
    while (code.at < code.end) {
      const std::uint8_t byte = *code.at++;
      const unsigned low = byte & 63;
      switch (byte >> 6) {
        case 1:                                                   // DW_CFA_advance_loc
          if (advance(low)) return true;
          continue;
        case 2:                                                   // DW_CFA_offset
          set(low, {Place::kBelow, static_cast<std::int64_t>(get_unsigned(code.at)) * of_.data_unit});
          continue;
        case 3: reset(low); continue;                             // DW_CFA_restore
        default: break;
      }
      std::uint64_t what;
      switch (low) {
        case 0x00: break;                                         // DW_CFA_nop
        case 0x02: if (advance(get<std::uint8_t>(code.at))) return true; break;    // DW_CFA_advance_loc1
        case 0x03: if (advance(get<std::uint16_t>(code.at))) return true; break;   // DW_CFA_advance_loc2
        case 0x04: if (advance(get<std::uint32_t>(code.at))) return true; break;   // DW_CFA_advance_loc4
        case 0x05:                                                // DW_CFA_offset_extended
          what = get_unsigned(code.at);
          set(what, {Place::kBelow, static_cast<std::int64_t>(get_unsigned(code.at)) * of_.data_unit});
          break;
        case 0x06: reset(get_unsigned(code.at)); break;           // DW_CFA_restore_extended
        case 0x07: set(get_unsigned(code.at), {Place::kNone, 0}); break;   // DW_CFA_undefined
        case 0x08: set(get_unsigned(code.at), {Place::kSame, 0}); break;   // DW_CFA_same_value
        case 0x09:                                                // DW_CFA_register
          what = get_unsigned(code.at);
          get_unsigned(code.at);
          set(what, {Place::kOther, 0});
          break;
        case 0x0a:                                                // DW_CFA_remember_state
          if (depth_ == kDeepest) return false;
          remembered_[depth_++] = state_;
          break;
        case 0x0b:                                                // DW_CFA_restore_state
          if (depth_ == 0) return false;
          state_ = remembered_[--depth_];
          break;
        case 0x0c:                                                // DW_CFA_def_cfa
          state_.cfa_register = get_unsigned(code.at);
          state_.cfa_offset = static_cast<std::int64_t>(get_unsigned(code.at));
          state_.cfa_known = true;
          break;
        case 0x0d: state_.cfa_register = get_unsigned(code.at); break;   // DW_CFA_def_cfa_register
        case 0x0e: state_.cfa_offset = static_cast<std::int64_t>(get_unsigned(code.at)); break;   // DW_CFA_def_cfa_offset
        case 0x0f:                                                // DW_CFA_def_cfa_expression
          skip_block(code.at);
          state_.cfa_known = false;
          break;
        case 0x10: case 0x16:                                     // DW_CFA_expression, DW_CFA_val_expression
          what = get_unsigned(code.at);
          skip_block(code.at);
          set(what, {Place::kOther, 0});
          break;
        case 0x11:                                                // DW_CFA_offset_extended_sf
          what = get_unsigned(code.at);
          set(what, {Place::kBelow, get_signed(code.at) * of_.data_unit});
          break;
        case 0x12:                                                // DW_CFA_def_cfa_sf
          state_.cfa_register = get_unsigned(code.at);
          state_.cfa_offset = get_signed(code.at) * of_.data_unit;
          state_.cfa_known = true;
          break;
        case 0x13: state_.cfa_offset = get_signed(code.at) * of_.data_unit; break;   // DW_CFA_def_cfa_offset_sf
        case 0x14: case 0x15:                                     // DW_CFA_val_offset, DW_CFA_val_offset_sf
          what = get_unsigned(code.at);
          get_unsigned(code.at);
          set(what, {Place::kOther, 0});
          break;
        case 0x2e: get_unsigned(code.at); break;                  // DW_CFA_GNU_args_size
        default: return false;
      }
    }
    return true;
  }
  static void skip_block(const std::uint8_t*& at) noexcept {
    const std::uint64_t size = get_unsigned(at);
    at += size;
  }

  static constexpr unsigned kDeepest = 8;
  const Description& of_;
  std::uint64_t pc_, at_pc_;
  State state_, initial_, remembered_[kDeepest];
  unsigned depth_ = 0;
};

}  // namespace

FrameRule frame_rule(std::uint64_t pc, std::uint64_t& function) noexcept {
  function = 0;
  Description description;
  switch (find_description(pc, description)) {
    case Found::kNo: return kNoCaller;
    case Found::kStrange: return kNotKnown;
    case Found::kYes: break;
  }
  function = description.begin;
  State state;
  if (!Machine(description, pc).run(state)) return kNotKnown;
  if (state.address.kind == Place::kNone) return kNoCaller;
  const bool from_pointer = state.cfa_register == kFramePointer;
  if (state.address.kind != Place::kBelow || state.address.offset != -8 || !state.cfa_known ||
      (!from_pointer && state.cfa_register != kStackPointer))
    return kNotKnown;
  const auto offset = static_cast<std::uint64_t>(state.cfa_offset);
  if (offset == 0 || offset % 8 != 0 || offset > FrameRule::kMostOffset) return kNotKnown;
  FrameRule rule{offset, from_pointer, FrameRule::kSame};
  if (state.pointer.kind == Place::kSame) return rule;
  const std::int64_t saved = -16 - state.pointer.offset;   // 0: right below the return address
  if (state.pointer.kind != Place::kBelow || saved < 0 || saved % 8 != 0 || saved / 8 > FrameRule::kMostSaved - FrameRule::kSaved)
    return kNotKnown;
  rule.pointer = static_cast<FrameRule::Pointer>(FrameRule::kSaved + saved / 8);
  return rule;
}

}  // namespace crossdep::runtime
