// SPDX-License-Identifier: MIT
//
// The catalogue: ids are stable, unique and well formed, every entry says something.
#include "rules/catalogue.h"

#include <set>
#include <string>

#include "catch.hpp"

namespace {

using namespace crossdep;

}  // namespace

TEST_CASE("the ids of the checks are what files out there name", "[rules]") {
  using engine::Check;
  CHECK(std::string(rules::check_id(Check::kLockOrderCycle)) == "lock-order-cycle");
  CHECK(std::string(rules::check_id(Check::kCrossReleaseCycle)) == "cross-release-cycle");
  CHECK(std::string(rules::check_id(Check::kRecursiveLock)) == "recursive-lock");
  CHECK(std::string(rules::check_id(Check::kBadUnlock)) == "bad-unlock");
  CHECK(std::string(rules::check_id(Check::kDestroyHeld)) == "destroy-held");
  CHECK(std::string(rules::check_id(Check::kExitHeld)) == "exit-held");
  CHECK(std::string(rules::check_id(Check::kAssertHeld)) == "assert-held");
}

TEST_CASE("every check is in the catalogue with its texts", "[rules]") {
  std::set<std::string> ids;
  for (unsigned i = 0; i < engine::kCheckCount; ++i) {
    const rules::CheckText& entry = rules::catalogue()[i];
    CAPTURE(entry.id);
    CHECK(entry.check == static_cast<engine::Check>(i));
    CHECK(ids.insert(entry.id).second);
    CHECK(std::string(entry.id).find_first_not_of("abcdefghijklmnopqrstuvwxyz-") == std::string::npos);
    CHECK(std::string(entry.title).back() != '.');
    CHECK(std::string(entry.title).find('\n') == std::string::npos);
    CHECK(std::string(entry.description).size() > 80);
    engine::Check back{};
    REQUIRE(rules::parse_check(entry.id, back));
    CHECK(back == entry.check);
  }
  engine::Check none{};
  CHECK_FALSE(rules::parse_check("no-such-check", none));
}
