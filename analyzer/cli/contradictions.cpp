// SPDX-License-Identifier: MIT
//
// See contradictions.h.
//
// Threading: one thread.  Allocation: the heap.
#include "cli/contradictions.h"

#include "cli/command.h"

namespace crossdep::cli {
namespace {

constexpr std::uint64_t kTold = 20;

}  // namespace

std::unique_ptr<traces::Validator> make_validator(traces::EventConsumer& next, const traces::TraceFile& file, bool strict) {
  traces::ValidatorRules rules = traces::ValidatorRules::of(file.format());
  rules.strict = strict;
  auto out = std::make_unique<traces::Validator>(next, rules, file.name(), file.position_unit());
  out->on_warning = [told = std::uint64_t{0}](const std::string& text) mutable {
    if (told++ < kTold) warning(text);
  };
  return out;
}

void tell_contradictions(const traces::Validator& validator, traces::Status& status) {
  if (validator.stopped()) {
    status = validator.status();
    return;
  }
  if (validator.total() > kTold)
    warning(validator.file() + ": " + std::to_string(validator.total() - kTold) + " more contradictions, " +
            std::to_string(validator.total()) + " in all");
}

}  // namespace crossdep::cli
