// SPDX-License-Identifier: MIT
//
// Findings as a JUnit XML report, the form every CI server reads: one test suite, one case for each finding. What fails is a
// failure, what the baseline accepts is skipped with the reason, what has been fixed passes.
//
// Threading: pure function.  Allocation: the heap.
#pragma once

#include <string>

#include "reports/listing.h"

namespace crossdep::reports {

std::string render_junit(const Listing& listing);

}  // namespace crossdep::reports
