// SPDX-License-Identifier: MIT
//
// What a recorded trace says against itself, on standard error: the first ones one line each, then how many more.
//
// Threading: one thread.  Allocation: the heap.
#pragma once

#include <memory>

#include "traces/validator.h"

namespace crossdep::cli {

/// A validator before `next` with the rules of the file's format, which warns.
std::unique_ptr<traces::Validator> make_validator(traces::EventConsumer& next, const traces::TraceFile& file, bool strict);

/// After the reading: how many there were if not all were told; in strict mode the first one is the status.
void tell_contradictions(const traces::Validator& validator, traces::Status& status);

}  // namespace crossdep::cli
