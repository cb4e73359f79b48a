// SPDX-License-Identifier: MIT
//
// Locks that a fork left behind: held by a thread that this process does not have.
#include "catch.hpp"
#include "unit/engine/fixture.h"

using namespace crossdep::engine;
using crossdep::engine::test::Stage;

TEST_CASE("a lock that a fork left behind is held for ever", "[engine]") {
  Stage stage;
  const auto left = [&](std::uint8_t flags) { return stage.lock("A", Kind::kRwlock, static_cast<std::uint8_t>(kLeftHeld | flags)); };
  const auto verdict = [&] { return stage.sink.findings.empty() ? Verdict::kRefuted : stage.sink.findings.at(0).info.verdict; };
  SECTION("a request blocks") {
    left(0);
    stage.engine->request(stage.context("T1"), stage.lock("A"), Mode::kWrite, 0, 1);
    CHECK(verdict() == Verdict::kDeadlock);
    CHECK(stage.sink.findings.at(0).info.check == Check::kForkHeldLock);
  }
  SECTION("also where the same chain was seen before with another instance") {
    const auto b = stage.lock("A.2", Kind::kRwlock, kLeftHeld);
    stage.lock("A.1", Kind::kRwlock);
    for (int i = 0; i < 3; ++i) {
      stage.engine->request(stage.context("T1"), stage.lock("A.1"), Mode::kWrite, 0, 7);
      stage.engine->acquired(stage.context("T1"), stage.lock("A.1"), Mode::kWrite, 0, 7);
      stage.engine->release(stage.context("T1"), stage.lock("A.1"), 8);
    }
    CHECK(stage.sink.findings.empty());
    stage.engine->request(stage.context("T1"), b, Mode::kWrite, 0, 7);
    CHECK(verdict() == Verdict::kDeadlock);
  }
  SECTION("for a while") {
    left(0);
    stage.engine->request(stage.context("T1"), stage.lock("A"), Mode::kWrite, kTimed, 1);
    CHECK(verdict() == Verdict::kConfirmed);
  }
  SECTION("to try is no wait") {
    left(0);
    stage.engine->request(stage.context("T1"), stage.lock("A"), Mode::kWrite, kTry, 1);
    CHECK(stage.sink.findings.empty());
  }
  SECTION("readers pass a reader") {
    left(kLeftRead);
    stage.engine->request(stage.context("T1"), stage.lock("A"), Mode::kRead, 0, 1);
    CHECK(stage.sink.findings.empty());
    stage.engine->request(stage.context("T1"), stage.lock("A"), Mode::kWrite, 0, 2);
    CHECK(verdict() == Verdict::kDeadlock);
  }
  SECTION("made anew it is free") {
    left(0);
    stage.engine->reinit(stage.context("T1"), stage.lock("A"), kNone, 5);
    stage.acquire("T1", "A");
    CHECK(stage.sink.findings.empty());
  }
  SECTION("got by a try it is free") {
    left(0);
    stage.acquire("T1", "A", Mode::kWrite, kTry);
    stage.release("T1", "A");
    stage.acquire("T1", "A");
    CHECK(stage.sink.findings.empty());
  }
}
