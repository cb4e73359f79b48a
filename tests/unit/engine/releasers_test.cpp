// SPDX-License-Identifier: MIT
//
// Several contexts that release one crosslock: a cycle through it is a deadlock only if none of them comes. Each pair
// differs in who else releases, or in what that one asks for before.
#include "catch.hpp"
#include "unit/engine/fixture.h"

using namespace crossdep::engine;
using crossdep::engine::test::KeptFinding;
using crossdep::engine::test::Stage;

namespace {

/// W waits for X holding A, S takes A before it releases X: the cycle.
void make_cycle(Stage& stage) {
  stage.acquire("W", "A");
  stage.wait("W", "X");
  stage.nest("S", {"B"});
  stage.engine->request(stage.context("S"), stage.lock("A"), Mode::kWrite, 0, 1);
  stage.engine->acquired(stage.context("S"), stage.lock("A"), Mode::kWrite, 0, 1);   // as if W had let go of it
  stage.release("S", "A");
  stage.signal("S", "X", 1);
  stage.wake("W", "X");
  stage.release("W", "A");
}

/// Releases X for a waiter that holds nothing, asking for `what` before.
void release(Stage& stage, const std::string& who, const std::string& what) {
  stage.wait("V", "X");
  if (!what.empty()) stage.nest(who, {what});
  stage.signal(who, "X", 1);
  stage.wake("V", "X");
}

KeptFinding only_finding(const Stage& stage) {
  REQUIRE(stage.sink.at_least(Verdict::kPossible).size() == 1);
  return stage.sink.at_least(Verdict::kPossible)[0];
}

}  // namespace

TEST_CASE("a crosslock that only one context releases", "[engine][cross-release][releasers]") {
  Stage stage;
  stage.lock("X", Kind::kSemaphore);
  make_cycle(stage);
  release(stage, "S", "");   // the same one, again
  CHECK(only_finding(stage).info.reason == Reason::kNoneExcluded);
}

TEST_CASE("one that somebody outside the cycle releases too", "[engine][cross-release][releasers]") {
  Stage stage;
  const Kind kind = GENERATE(Kind::kCompletion, Kind::kCond, Kind::kSemaphore, Kind::kFuture);
  stage.lock("X", kind);
  const auto expect_other = [&] {
    const KeptFinding found = only_finding(stage);
    CHECK(found.info.verdict == Verdict::kPossible);
    CHECK(found.info.reason == Reason::kOtherReleasers);
    CHECK(stage.sink.contexts.at(found.info.reason_context) == "R");
    CHECK(found.info.reason_instance == stage.lock("X")->id);
  };
  SECTION("before the cycle is seen") {
    release(stage, "R", "C");
    make_cycle(stage);
    expect_other();
  }
  SECTION("after it was reported: it is put more weakly from then on") {
    make_cycle(stage);
    CHECK(only_finding(stage).info.reason == Reason::kNoneExcluded);
    release(stage, "R", "C");
    expect_other();
  }
  SECTION("who then asks for a lock of the cycle is one of those who have to come") {
    make_cycle(stage);
    release(stage, "R", "");
    expect_other();
    release(stage, "R", "A");
    CHECK(only_finding(stage).info.reason == Reason::kNoneExcluded);
  }
}

TEST_CASE("one whose other releasers all ask for the lock held", "[engine][cross-release][releasers]") {
  Stage stage;
  stage.lock("X", Kind::kSemaphore);
  for (const char* who : {"R1", "R2", "R3", "R4", "R5", "R6"}) release(stage, who, "A");
  make_cycle(stage);
  CHECK(only_finding(stage).info.reason == Reason::kNoneExcluded);
}

TEST_CASE("one that the waiter itself released before", "[engine][cross-release][releasers]") {
  Stage stage;
  stage.lock("X", Kind::kSemaphore);
  release(stage, "W", "");
  make_cycle(stage);
  CHECK(only_finding(stage).info.reason == Reason::kNoneExcluded);
}

TEST_CASE("another object of the class says nothing", "[engine][cross-release][releasers]") {
  Stage stage;
  stage.lock("X", Kind::kSemaphore);
  stage.lock("X.2", Kind::kSemaphore);
  for (const char* who : {"R", "S"}) {
    stage.wait("V", "X.2");
    stage.signal(who, "X.2", 1);
    stage.wake("V", "X.2");
  }
  make_cycle(stage);
  CHECK(only_finding(stage).info.reason == Reason::kNoneExcluded);
}

TEST_CASE("a barrier, a latch and a futex word need their own releasers", "[engine][cross-release][releasers]") {
  Stage stage;
  stage.lock("X", GENERATE(Kind::kBarrier, Kind::kLatch, Kind::kFutex));
  release(stage, "R", "");
  make_cycle(stage);
  for (const auto& [id, finding] : stage.sink.findings) CHECK(finding.info.reason != Reason::kOtherReleasers);
}
