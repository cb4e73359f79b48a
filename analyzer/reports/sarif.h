// SPDX-License-Identifier: MIT
//
// Findings as SARIF 2.1.0 (OASIS standard, docs.oasis-open.org/sarif/sarif/v2.1.0), within what GitHub's code scanning and
// GitLab take: messages of at most 1024 bytes, a physical location for every result, no two results at one primary
// location as long as there are places enough, paths relative to the repository, and the cycle's hash as
// `primaryLocationLineHash`, so that a finding stays the same alert when lines move.
//
// Threading: pure function.  Allocation: the heap.
#pragma once

#include <string>

#include "reports/listing.h"

namespace crossdep::reports {

std::string render_sarif(const Listing& listing);

}  // namespace crossdep::reports
