// SPDX-License-Identifier: MIT
//
// Findings as GitLab's code quality report (artifacts:reports:codequality): a JSON array, one object for each finding.
// Format: docs.gitlab.com/ee/ci/testing/code_quality.html, "Code Quality report format".
//
// Threading: pure function.  Allocation: the heap.
#pragma once

#include <string>

#include "reports/listing.h"

namespace crossdep::reports {

std::string render_gitlab(const Listing& listing);

}  // namespace crossdep::reports
