// SPDX-License-Identifier: MIT
//
// Findings as a compiler prints its diagnostics (`file:line:col: error: … [id]`, the other places as notes): editors,
// problem matchers and log scanners that know GCC know these.
//
// Threading: pure function.  Allocation: the heap.
#pragma once

#include <string>

#include "reports/listing.h"

namespace crossdep::reports {

std::string render_gcc(const Listing& listing);

}  // namespace crossdep::reports
