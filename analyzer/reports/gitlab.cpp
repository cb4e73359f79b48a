// SPDX-License-Identifier: MIT
//
// See gitlab.h. GitLab compares two branches' reports by fingerprint itself, so accepted findings are in it as well;
// it wants a path and a first line for every entry.
//
// Threading: pure function.  Allocation: the heap.
#include "reports/gitlab.h"

#include <nlohmann/json.hpp>

#include "rules/catalogue.h"

namespace crossdep::reports {
namespace {

using Json = nlohmann::ordered_json;

const char* severity(const Listed& listed) {
  if (listed.standing == Standing::kKnown) return "info";
  switch (listed.finding->verdict) {
    case engine::Verdict::kDeadlock:
    case engine::Verdict::kConfirmed: return "blocker";
    case engine::Verdict::kFeasible: return "critical";
    case engine::Verdict::kPossible: return "major";
    case engine::Verdict::kLatent: return "minor";
    case engine::Verdict::kRefuted: return "info";
  }
  return "info";
}

}  // namespace

std::string render_gitlab(const Listing& listing) {
  Json out = Json::array();
  for (const Listed& listed : listing.findings) {
    const Told told = tell(listing, listed);
    const bool known = told.primary.known();
    out.push_back({{"description", shortened(clean(told.message), 1024)},
                   {"check_name", rules::check_id(listed.finding->check)},
                   {"fingerprint", listed.finding->id},
                   {"severity", severity(listed)},
                   {"location",
                    {{"path", known ? clean(told.primary.file) : fallback_file(*listing.graph, *listed.finding)},
                     {"lines", {{"begin", known && told.primary.line != 0 ? told.primary.line : 1u}}}}}});
  }
  return out.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace crossdep::reports
