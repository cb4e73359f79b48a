// SPDX-License-Identifier: MIT
//
// How reading a trace ended: well, in part, or not at all. Readers return it instead of throwing; `text()` is the one
// line a user sees after `crossdep: error: ` or `crossdep: warning: `.
//
// Threading: a value.  Allocation: std::string.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

namespace crossdep::traces {

struct Status {
  enum class Outcome { kOk, kPartial, kFailed };
  /// What `position` counts; kNowhere leaves it out.
  enum class Unit { kNowhere, kLine, kOffset };

  Outcome outcome = Outcome::kOk;
  Unit unit = Unit::kNowhere;
  std::string file;
  std::uint64_t position = 0;
  std::string cause;

  bool ok() const { return outcome == Outcome::kOk; }
  /// Some events were delivered before the trouble: results exist and must be said to be partial.
  bool partial() const { return outcome == Outcome::kPartial; }
  bool failed() const { return outcome == Outcome::kFailed; }

  static Status fail(std::string file, std::string cause) {
    return {Outcome::kFailed, Unit::kNowhere, std::move(file), 0, std::move(cause)};
  }
  static Status at_line(Outcome outcome, std::string file, std::uint64_t line, std::string cause) {
    return {outcome, Unit::kLine, std::move(file), line, std::move(cause)};
  }
  static Status at_offset(Outcome outcome, std::string file, std::uint64_t offset, std::string cause) {
    return {outcome, Unit::kOffset, std::move(file), offset, std::move(cause)};
  }

  /// `file:LINE: cause`, `file: offset N: cause` or `file: cause`, with ` (judged up to there)` when partial.
  std::string text() const {
    std::string out = file;
    if (unit == Unit::kLine) out += ":" + std::to_string(position);
    if (unit == Unit::kOffset) out += ": offset " + std::to_string(position);
    out += ": " + cause;
    if (partial()) out += " (the result is partial: judged up to there)";
    return out;
  }
};

}  // namespace crossdep::traces
