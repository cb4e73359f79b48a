// SPDX-License-Identifier: MIT
//
// Locks of one class nested in each other: which order is inferred, and what breaks it.
#include "catch.hpp"
#include "unit/engine/fixture.h"

using namespace crossdep::engine;
using crossdep::engine::test::Stage;

namespace {

struct Told {
  Verdict verdict;
  Reason reason;
};

/// What is said of class A's nesting at the end; kRefuted and kObserved if nothing was.
Told told(const Stage& stage) {
  for (const auto& [id, finding] : stage.sink.findings)
    if (finding.info.check == Check::kRecursiveLock) return {finding.info.verdict, finding.info.reason};
  return {Verdict::kRefuted, Reason::kObserved};
}

/// Makes A.1 to A.n, so that their addresses ascend.
void make(Stage& stage, unsigned n) {
  for (unsigned i = 1; i <= n; ++i) stage.lock("A." + std::to_string(i));
}

}  // namespace

TEST_CASE("nesting: one order of addresses is latent, either one", "[engine][nesting]") {
  Stage stage;
  make(stage, 4);
  SECTION("ascending") {
    stage.nest("T1", {"A.1", "A.2"});
    stage.nest("T2", {"A.3", "A.4"});
  }
  SECTION("descending") {
    stage.nest("T1", {"A.2", "A.1"});
    stage.nest("T2", {"A.4", "A.3"});
  }
  CHECK(told(stage).verdict == Verdict::kLatent);
  CHECK(told(stage).reason == Reason::kNestedOrdered);
}

TEST_CASE("nesting: pairs without a common order are possible", "[engine][nesting]") {
  Stage stage;
  make(stage, 4);
  stage.nest("T1", {"A.1", "A.2"});
  stage.nest("T2", {"A.4", "A.3"});
  CHECK(told(stage).verdict == Verdict::kPossible);
  CHECK(told(stage).reason == Reason::kNestedUnordered);
}

TEST_CASE("nesting: the same two locks both ways", "[engine][nesting]") {
  Stage stage;
  make(stage, 3);
  SECTION("by two contexts") {
    stage.nest("T1", {"A.1", "A.2"});
    stage.nest("T2", {"A.2", "A.1"});
    CHECK(told(stage).verdict == Verdict::kPossible);
    CHECK(told(stage).reason == Reason::kNestedCycle);
  }
  SECTION("by one context: latent, until another one does it too") {
    stage.nest("T1", {"A.1", "A.2"});
    stage.nest("T1", {"A.2", "A.1"});
    CHECK(told(stage).verdict == Verdict::kLatent);
    CHECK(told(stage).reason != Reason::kNestedUnordered);
    stage.nest("T2", {"A.2", "A.1"});
    CHECK(told(stage).verdict == Verdict::kPossible);
  }
  SECTION("under a lock that both hold") {
    stage.nest("T1", {"G", "A.1", "A.2"});
    stage.nest("T2", {"G", "A.2", "A.1"});
    CHECK(told(stage).verdict == Verdict::kLatent);   // of the first pair alone
  }
  SECTION("under a lock that both hold, of one of many classes") {
    for (unsigned i = 0; i < 500; ++i) stage.lock("B" + std::to_string(i));
    stage.nest("T1", {"G", "A.1", "A.2"});
    stage.nest("T2", {"G", "A.2", "A.1"});
    CHECK(told(stage).verdict == Verdict::kLatent);
  }
  SECTION("over a third one") {
    stage.nest("T1", {"A.1", "A.2"});
    stage.nest("T2", {"A.2", "A.3"});
    stage.nest("T3", {"A.3", "A.1"});
    CHECK(told(stage).verdict == Verdict::kPossible);
    CHECK(told(stage).reason == Reason::kNestedCycle);
  }
}

TEST_CASE("nesting: parent before child", "[engine][nesting]") {
  Stage stage;
  make(stage, 7);
  // A tree whose addresses neither ascend nor descend.
  stage.nest("T1", {"A.4", "A.6", "A.1"});
  stage.nest("T2", {"A.4", "A.6", "A.7"});
  stage.nest("T1", {"A.4", "A.2", "A.3"});
  CHECK(told(stage).verdict == Verdict::kLatent);
  CHECK(told(stage).reason == Reason::kNestedOrdered);   // as it began; nothing worse since
  SECTION("a child over its parent breaks it") {
    stage.nest("T2", {"A.1", "A.4"});
    CHECK(told(stage).verdict == Verdict::kPossible);
    CHECK(told(stage).reason == Reason::kNestedCycle);
  }
  SECTION("a child of two parents breaks it") {
    stage.nest("T2", {"A.2", "A.1"});
    CHECK(told(stage).verdict == Verdict::kPossible);
    CHECK(told(stage).reason == Reason::kNestedUnordered);
  }
}

TEST_CASE("nesting: level by level", "[engine][nesting]") {
  Stage stage;
  make(stage, 9);
  // Three levels, each lock of a lower one under each of the one above; no address order. So many pairs from the start
  // that the doubt of the first ones is what remains: it must not have been told before the third circuit is closed.
  stage.nest("T1", {"A.5", "A.9"});
  stage.nest("T1", {"A.6", "A.9"});
  CHECK(told(stage).verdict == Verdict::kLatent);
  stage.nest("T1", {"A.5", "A.8"});
  stage.nest("T1", {"A.6", "A.8"});
  stage.nest("T1", {"A.5", "A.7"});
  stage.nest("T1", {"A.6", "A.7"});
  stage.nest("T1", {"A.4", "A.7"});
  stage.nest("T1", {"A.4", "A.8"});
  CHECK(told(stage).verdict == Verdict::kLatent);
  stage.nest("T2", {"A.9", "A.1"});
  CHECK(told(stage).verdict == Verdict::kLatent);
  stage.nest("T3", {"A.1", "A.5"});
  CHECK(told(stage).verdict == Verdict::kPossible);
}
