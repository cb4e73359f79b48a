// SPDX-License-Identifier: MIT
//
// Findings as markdown for a job's summary page or a merge request's comment: a table, then each finding's story folded up.
// Understood by GitHub and GitLab.
//
// Threading: pure function.  Allocation: the heap.
#pragma once

#include <string>

#include "reports/listing.h"

namespace crossdep::reports {

std::string render_markdown(const Listing& listing);

}  // namespace crossdep::reports
