// SPDX-License-Identifier: MIT
//
// Findings as one HTML file that needs nothing else: a filter by verdict, and of each finding the reason, a drawing of its
// cycle, what each side did, and the stacks. Follows the reader's light or dark setting; prints; works without scripts
// but for the filter.
//
// Threading: pure function.  Allocation: the heap.
#pragma once

#include <string>

#include "reports/listing.h"

namespace crossdep::reports {

std::string render_html(const Listing& listing);

}  // namespace crossdep::reports
