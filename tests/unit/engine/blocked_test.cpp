// SPDX-License-Identifier: MIT
//
// Who is blocked: what a driver asks that suspects a hang.
#include <utility>

#include "catch.hpp"
#include "unit/engine/fixture.h"

using namespace crossdep::engine;
using crossdep::engine::test::Stage;

TEST_CASE("a request that is not granted is blocked by the holders", "[engine]") {
  Stage stage;
  Engine::Blocked out[4];
  stage.acquire("T1", "A");
  CHECK(stage.engine->blocked(out, 4) == 0);
  stage.engine->request(stage.context("T2"), stage.lock("A"), Mode::kWrite, 0, 1);
  REQUIRE(stage.engine->blocked(out, 4) == 1);
  CHECK(out[0].context == stage.context("T2")->id());
  CHECK(stage.sink.classes.at(out[0].class_id) == "A");
  CHECK_FALSE(out[0].waits);
  REQUIRE(out[0].holder_count == 1);
  CHECK(out[0].holders[0] == stage.context("T1")->id());
  CHECK(stage.engine->blocked(out, 0) == 1);   // counted, not listed
  stage.engine->failed(stage.context("T2"));
  CHECK(stage.engine->blocked(out, 4) == 0);
}

TEST_CASE("a wait is blocked until it is matched, a timed request never", "[engine]") {
  Stage stage;
  Engine::Blocked out[4];
  LockInstance* done = stage.lock("done", Kind::kCompletion);
  stage.acquire("T1", "A");
  stage.engine->request(stage.context("T3"), stage.lock("A"), Mode::kWrite, kTimed, 1);
  CHECK(stage.engine->blocked(out, 4) == 0);
  stage.engine->wait_begin(stage.context("T2"), done, nullptr, 0, 1);
  REQUIRE(stage.engine->blocked(out, 4) == 1);
  CHECK(out[0].waits);
  CHECK(out[0].holder_count == 0);
  stage.engine->signal(stage.context("T1"), done, kNone, 2);
  CHECK(stage.engine->blocked(out, 4) == 0);
}

TEST_CASE("every event is progress", "[engine]") {
  Stage stage;
  stage.acquire("T1", "A");
  std::uint64_t before = stage.engine->progress();
  const auto moved = [&] {
    const std::uint64_t now = stage.engine->progress();
    return now != std::exchange(before, now);
  };
  CHECK_FALSE(moved());
  stage.engine->release(stage.context("T1"), stage.lock("A"), 1);
  CHECK(moved());
  stage.engine->request(stage.context("T1"), stage.lock("A"), Mode::kWrite, 0, 1);
  CHECK(moved());
  stage.engine->acquired(stage.context("T1"), stage.lock("A"), Mode::kWrite, 0, 1);
  CHECK(moved());
  stage.engine->wait_begin(stage.context("T2"), stage.lock("done", Kind::kCompletion), nullptr, 0, 1);
  CHECK(moved());
  CHECK_FALSE(moved());
}
