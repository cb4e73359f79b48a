// SPDX-License-Identifier: MIT
//
// Cross-release: what a commit makes dependencies of, what it must not, and the cycles through crosslocks.
#include "catch.hpp"
#include "unit/engine/fixture.h"

using namespace crossdep::engine;
using crossdep::engine::test::Stage;

TEST_CASE("what the releaser asked for since the wait began is a dependency", "[engine][cross-release]") {
  Stage stage;
  stage.nest("S", {"early"});
  stage.wait("W", "X");
  stage.nest("S", {"A"});
  stage.signal("S", "X");
  stage.wake("W", "X");
  CHECK(stage.sink.has_dependency("X", "A"));
  REQUIRE(stage.sink.witness("X", "early") != nullptr);
  CHECK(stage.sink.witness("X", "early")->origin == Origin::kHistory);
  REQUIRE(stage.sink.witness("X", "A") != nullptr);
  CHECK(stage.sink.witness("X", "A")->origin == Origin::kOverlap);
  CHECK(stage.sink.contexts.at(stage.sink.witness("X", "A")->waiter) == "W");
  CHECK(stage.sink.contexts.at(stage.sink.witness("X", "A")->context) == "S");
}

TEST_CASE("waiting under a lock the releaser needs is a cross-release cycle", "[engine][cross-release]") {
  Stage stage;
  stage.wait("W", "X");
  stage.nest("S", {"A"});
  stage.signal("S", "X");
  stage.wake("W", "X");
  stage.acquire("W", "A");
  stage.wait("W", "X");
  const auto found = stage.sink.at_least(Verdict::kPossible);
  REQUIRE(found.size() == 1);
  CHECK(found[0].info.check == Check::kCrossReleaseCycle);
  CHECK(found[0].classes == std::vector<std::string>{"X", "A"});
}

TEST_CASE("a cycle may close at the commit", "[engine][cross-release]") {
  Stage stage;
  stage.acquire("W", "A");
  stage.wait("W", "X");
  stage.acquire("S", "A", Mode::kWrite, kTry);
  stage.release("S", "A");
  stage.engine->request(stage.context("S"), stage.lock("A"), Mode::kWrite, 0, 1);
  stage.signal("S", "X");
  const auto found = stage.sink.at_least(Verdict::kPossible);
  REQUIRE(found.size() == 1);
  CHECK(found[0].info.at_commit);
}

TEST_CASE("tries and other contexts' requests do not count", "[engine][cross-release]") {
  Stage stage;
  stage.wait("W", "X");
  stage.acquire("S", "tried", Mode::kWrite, kTry);
  stage.release("S", "tried");
  stage.nest("other", {"elsewhere"});
  stage.signal("S", "X");
  CHECK(stage.sink.dependencies.empty());
}

TEST_CASE("the last requests before the wait count as history", "[engine][cross-release]") {
  Stage stage;
  stage.nest("S", {"old"});
  for (const char* name : {"1", "2", "3", "4", "5", "6", "7", "8"}) stage.nest("S", {name});
  stage.wait("W", "X");
  stage.signal("S", "X");
  stage.wake("W", "X");
  CHECK(stage.sink.has_dependency("X", "8"));
  CHECK(stage.sink.has_dependency("X", "1"));
  CHECK_FALSE(stage.sink.has_dependency("X", "old"));
}

TEST_CASE("history finds the notifier that had its lock before the wait began", "[engine][cross-release]") {
  Stage stage;
  stage.nest("S", {"A"});
  stage.acquire("W", "A");
  stage.wait("W", "X");
  stage.signal("S", "X");
  const auto found = stage.sink.at_least(Verdict::kPossible);
  REQUIRE(found.size() == 1);
  CHECK(found[0].info.check == Check::kCrossReleaseCycle);
  CHECK(found[0].info.reason == Reason::kHistoryOnly);
}

TEST_CASE("history ends at an earlier signal, at the boundary of an activity and at a thread made", "[engine][cross-release]") {
  SECTION("a signal of anything, waited for or not") {
    Stage stage;
    stage.nest("S", {"A"});
    stage.signal("S", "other");
    stage.wait("W", "X");
    stage.signal("S", "X");
    CHECK_FALSE(stage.sink.has_dependency("X", "A"));
  }
  SECTION("what was waited for, and came") {
    Stage stage;
    stage.wait("S", "other");
    stage.signal("W", "other");
    stage.wake("S", "other");
    stage.wait("W", "X");
    stage.signal("S", "X");
    CHECK_FALSE(stage.sink.has_dependency("X", "other"));
  }
  SECTION("a handler") {
    Stage stage;
    stage.nest("S", {"A"});
    stage.wait("W", "X");
    stage.engine->enter(stage.context("S"), ContextKind::kWorkItem, nullptr, nullptr, 0);
    stage.signal("S", "X");
    CHECK(stage.sink.dependencies.empty());
  }
  SECTION("a thread made") {
    Stage stage;
    stage.nest("S", {"A"});
    stage.engine->begin_context(stage.context("S"), ContextKind::kThread, 99, "child", 5, nullptr);
    stage.wait("W", "X");
    stage.signal("S", "X");
    CHECK(stage.sink.dependencies.empty());
  }
}

TEST_CASE("the same request made again after the wait began does count", "[engine][cross-release]") {
  Stage stage;
  stage.acquire("S", "A");
  stage.release("S", "A");
  const Site site = 0x77;
  Engine& engine = *stage.engine;
  for (int round = 0; round < 3; ++round) {
    engine.request(stage.context("S"), stage.lock("B"), Mode::kWrite, 0, site);
    engine.acquired(stage.context("S"), stage.lock("B"), Mode::kWrite, 0, site);
    engine.release(stage.context("S"), stage.lock("B"), site);
    if (round == 1) stage.wait("W", "X");
  }
  stage.signal("S", "X");
  REQUIRE(stage.sink.witness("X", "B") != nullptr);
  CHECK(stage.sink.witness("X", "B")->origin == Origin::kOverlap);
  REQUIRE(stage.sink.witness("X", "A") != nullptr);
  CHECK(stage.sink.witness("X", "A")->origin == Origin::kHistory);
}

TEST_CASE("who was blocked when a wait began waited for that first", "[engine][cross-release]") {
  SECTION("and was told after it began") {
    Stage stage;
    stage.wait("S", "Y");
    stage.wait("W", "X");
    stage.nest("T", {"A"});
    stage.signal("T", "Y");
    stage.nest("S", {"inside"});   // such as the completion's own lock
    stage.wake("S", "Y");
    stage.signal("S", "X");
    REQUIRE(stage.sink.witness("X", "Y") != nullptr);
    CHECK(stage.sink.witness("X", "Y")->origin == Origin::kOverlap);
  }
  SECTION("but had been told before") {
    Stage stage;
    stage.wait("S", "Y");
    stage.signal("T", "Y");
    stage.wait("W", "X");
    stage.wake("S", "Y");
    stage.signal("S", "X");
    CHECK_FALSE(stage.sink.has_dependency("X", "Y"));
  }
  SECTION("other requests keep their time") {
    Stage stage;
    stage.nest("S", {"A"});
    stage.wait("S", "Y");
    stage.nest("S", {"B"});
    stage.wait("W", "X");
    stage.nest("S", {"C"});
    stage.signal("T", "Y");
    stage.wake("S", "Y");
    stage.nest("S", {"D"});
    stage.signal("S", "X");
    for (const char* name : {"Y", "C", "D"}) {
      REQUIRE(stage.sink.witness("X", name) != nullptr);
      CHECK(stage.sink.witness("X", name)->origin == Origin::kOverlap);
    }
    for (const char* name : {"A", "B"}) {
      REQUIRE(stage.sink.witness("X", name) != nullptr);
      CHECK(stage.sink.witness("X", name)->origin == Origin::kHistory);
    }
    CHECK(stage.engine->check_invariants());
  }
}

TEST_CASE("a completion keeps its signal for who comes later", "[engine][cross-release]") {
  Stage stage;
  stage.nest("S", {"A"});
  stage.signal("S", "X");
  stage.acquire("W", "A");
  stage.wait("W", "X");
  stage.wake("W", "X");
  REQUIRE(stage.sink.witness("X", "A") != nullptr);
  CHECK(stage.sink.witness("X", "A")->origin == Origin::kHistory);
  CHECK(stage.sink.witness("X", "A")->waiter == kNone);
  const auto found = stage.sink.at_least(Verdict::kPossible);
  REQUIRE(found.size() == 1);
  CHECK(found[0].info.reason == Reason::kHistoryOnly);
}

TEST_CASE("each waiter has its own start", "[engine][cross-release]") {
  Stage stage;
  stage.wait("W1", "X");
  stage.nest("S", {"A"});
  stage.wait("W2", "X");
  stage.nest("S", {"B"});
  stage.signal("S", "X", 1);  // the oldest wait: both count
  CHECK(stage.sink.has_dependency("X", "A"));
  CHECK(stage.sink.has_dependency("X", "B"));
  stage.wake("W1", "X");
  stage.nest("S", {"C"});
  stage.signal("S", "X", 1);  // the second one began after A
  for (const auto& witness : stage.sink.witnesses) {
    const auto& to = stage.sink.classes.at(stage.sink.dependencies.at(witness.dependency).to);
    if (to == "A") CHECK(stage.sink.contexts.at(witness.waiter) == "W1");
    if (to == "C") CHECK(stage.sink.contexts.at(witness.waiter) == "W2");
  }
}

TEST_CASE("a crosslock waited for is a request like any other", "[engine][cross-release]") {
  Stage stage;
  stage.wait("W", "X");
  stage.wait("S", "Y");
  stage.signal("R", "Y");
  stage.wake("S", "Y");
  stage.signal("S", "X");
  CHECK(stage.sink.has_dependency("X", "Y"));
}

TEST_CASE("two contexts each waiting for what the other releases", "[engine][cross-release]") {
  Stage stage;
  stage.wait("S", "W");   // S waits for W before it releases X ...
  stage.wait("T", "X");
  stage.signal("T2", "W");
  stage.wake("S", "W");
  stage.nest("S", {"A"});
  stage.signal("S", "X");
  stage.wake("T", "X");
  CHECK(stage.sink.has_dependency("X", "A"));
}

TEST_CASE("a condition variable's own mutex is not held while waiting", "[engine][cross-release]") {
  Stage stage;
  stage.lock("cv", Kind::kCond);
  SECTION("alone: silent") {
    stage.acquire("W", "M");
    stage.wait("W", "cv", "M");
    CHECK_FALSE(stage.engine->holds(stage.context("W"), stage.lock("M")));
    stage.acquire("S", "M");
    stage.signal("S", "cv", 1);
    stage.release("S", "M");
    stage.wake("W", "cv");
    CHECK(stage.engine->holds(stage.context("W"), stage.lock("M")));
    stage.release("W", "M");
    CHECK(stage.sink.findings.empty());
    CHECK_FALSE(stage.sink.has_dependency("M", "cv"));
  }
  SECTION("another lock held is") {
    stage.acquire("W", "outer");
    stage.acquire("W", "M");
    stage.wait("W", "cv", "M");
    CHECK(stage.sink.has_dependency("outer", "cv"));
    stage.engine->request(stage.context("S"), stage.lock("outer"), Mode::kWrite, 0, 3);
    stage.signal("S", "cv", 1);
    CHECK(stage.sink.at_least(Verdict::kPossible).size() == 1);
  }
}

TEST_CASE("a work item's end waits for what it asks for", "[engine][cross-release]") {
  Stage stage;
  Engine& engine = *stage.engine;
  LockInstance* work = stage.lock("work", Kind::kWork);
  Context* worker = stage.context("worker");
  engine.enter(worker, ContextKind::kWorkItem, work, nullptr, 0);
  stage.nest("worker", {"L"});
  engine.leave(worker, 0);
  CHECK(stage.sink.has_dependency("work", "L"));
  stage.acquire("T", "L");
  engine.wait_begin(stage.context("T"), work, nullptr, 0, 9);
  const auto found = stage.sink.at_least(Verdict::kPossible);
  REQUIRE(found.size() == 1);
  CHECK(found[0].info.check == Check::kCrossReleaseCycle);
}

TEST_CASE("a nested work item delays the one it runs in", "[engine][cross-release]") {
  Stage stage;
  Engine& engine = *stage.engine;
  Context* worker = stage.context("worker");
  engine.enter(worker, ContextKind::kWorkItem, stage.lock("outer", Kind::kWork), stage.lock("queue", Kind::kWorkqueue), 0);
  engine.enter(worker, ContextKind::kWorkItem, stage.lock("inner", Kind::kWork), nullptr, 0);
  stage.nest("worker", {"L"});
  engine.leave(worker, 0);
  engine.leave(worker, 0);
  for (const char* delayed : {"outer", "inner", "queue"}) CHECK(stage.sink.has_dependency(delayed, "L"));
}

TEST_CASE("the held stack is not carried into a nested context", "[engine]") {
  Stage stage;
  Engine& engine = *stage.engine;
  stage.acquire("T", "A");
  engine.enter(stage.context("T"), ContextKind::kSignal, nullptr, nullptr, 0);
  stage.nest("T", {"B"});
  engine.leave(stage.context("T"), 0);
  CHECK_FALSE(stage.sink.has_dependency("A", "B"));
  stage.acquire("T", "C");
  CHECK(stage.sink.has_dependency("A", "C"));
  CHECK(engine.check_invariants());
}

TEST_CASE("joining a thread under a lock it takes", "[engine][cross-release]") {
  Stage stage;
  Engine& engine = *stage.engine;
  LockInstance* end = stage.lock("(thread)fn", Kind::kThread);
  Context* parent = stage.context("main");
  Context* child = stage.context("T", parent, end);
  stage.nest("T", {"L"});
  CHECK(stage.sink.has_dependency("(thread)fn", "L"));
  SECTION("is a cycle") {
    stage.acquire("main", "L");
    engine.join_begin(parent, child, 0, 9);
    CHECK(stage.sink.at_least(Verdict::kPossible).size() == 1);
  }
  SECTION("and is none without it") {
    stage.nest("main", {"L"});
    engine.join_begin(parent, child, 0, 9);
    engine.end_context(child, 0);
    engine.join_end(parent, child, true);
    CHECK(stage.sink.findings.empty());
  }
}

TEST_CASE("a signal orders what came before it and what comes after the wait", "[engine]") {
  Stage stage;
  stage.wait("W", "X");
  stage.nest("S", {"A", "B"});
  stage.signal("S", "X");
  stage.wake("W", "X");
  stage.nest("W", {"B", "A"});
  REQUIRE(stage.sink.findings.size() >= 1);
  CHECK(stage.sink.findings.at(0).info.verdict == Verdict::kLatent);
}

TEST_CASE("a futex word is no order and has no history", "[engine][cross-release]") {
  Stage stage;
  // Contended mutexes of the program's own: who came first says nothing of the next time.
  const Kind kind = GENERATE(Kind::kCompletion, Kind::kFutex);
  stage.lock("X", kind);
  stage.nest("T1", {"A", "B"});
  stage.wait("T2", "X");
  stage.signal("T1", "X");
  stage.wake("T2", "X");
  stage.nest("T2", {"B", "A"});
  REQUIRE(stage.sink.findings.size() == 1);
  CHECK(stage.sink.findings.at(0).info.verdict == (kind == Kind::kFutex ? Verdict::kPossible : Verdict::kLatent));
  CHECK(stage.sink.has_dependency("X", "A") == (kind == Kind::kCompletion));
}

TEST_CASE("work under one activity does not count for another", "[engine][cross-release]") {
  Stage stage;
  Engine& engine = *stage.engine;
  Context* worker = stage.context("worker");
  stage.wait("W", "X");
  engine.enter(worker, ContextKind::kWorkItem, nullptr, nullptr, 0);
  stage.nest("worker", {"A"});
  engine.leave(worker, 0);
  engine.enter(worker, ContextKind::kWorkItem, nullptr, nullptr, 0);
  stage.nest("worker", {"B"});
  stage.signal("worker", "X");
  engine.leave(worker, 0);
  CHECK(stage.sink.has_dependency("X", "B"));
  CHECK_FALSE(stage.sink.has_dependency("X", "A"));
}

TEST_CASE("each arrival at a barrier releases those who wait there", "[engine][cross-release]") {
  Stage stage;
  stage.lock("X", Kind::kBarrier);
  const auto arrive = [&](const char* who) {
    stage.signal(who, "X");
    stage.wait(who, "X");
  };
  arrive("first");
  stage.nest("second", {"A"});
  arrive("second");
  stage.nest("third", {"B"});
  arrive("third");
  CHECK(stage.sink.has_dependency("X", "A"));
  CHECK(stage.sink.has_dependency("X", "B"));

  SECTION("but not those of the round before, who have only not woken yet") {
    stage.wake("second", "X");   // neither the first to arrive nor the last
    stage.nest("second", {"C"});
    arrive("second");
    CHECK_FALSE(stage.sink.has_dependency("X", "C"));
    stage.wake("first", "X");
    stage.wake("third", "X");
    stage.nest("third", {"D"});   // the second waits for it, in the new round
    arrive("third");
    CHECK(stage.sink.has_dependency("X", "D"));
  }
  SECTION("and a round's late riser ends no later round") {
    stage.wake("first", "X");
    stage.wake("second", "X");
    arrive("second");
    stage.wake("third", "X");
    stage.nest("first", {"E"});
    arrive("first");
    CHECK(stage.sink.has_dependency("X", "E"));
  }
}

TEST_CASE("a barrier orders while all its rounds are met by the same contexts", "[engine][cross-release]") {
  Stage stage;
  stage.lock("X", Kind::kBarrier);
  const auto arrive = [&](const char* who) {
    stage.signal(who, "X");
    stage.wait(who, "X");
  };
  const auto meet = [&](const char* one, const char* other) {
    arrive(one);
    arrive(other);
    stage.wake(one, "X");
    stage.wake(other, "X");
  };
  const auto verdict = [&] {
    REQUIRE(stage.sink.findings.size() == 1);
    return stage.sink.findings.begin()->second.info.verdict;
  };
  SECTION("in each of them") {
    for (int round = 0; round < 3; ++round) meet("P", "Q");
    stage.nest("P", {"A", "B"});
    meet("Q", "P");
    stage.nest("Q", {"B", "A"});
    CHECK(verdict() == Verdict::kLatent);
    meet("Q", "P");
    CHECK(verdict() == Verdict::kLatent);
    meet("Q", "R");   // it was chance that Q met P
    CHECK(verdict() == Verdict::kPossible);
  }
  SECTION("the last to arrive too, and who wakes late") {
    arrive("P");
    stage.nest("Q", {"A", "B"});
    arrive("Q");
    stage.wake("Q", "X");
    arrive("Q");
    stage.wake("P", "X");
    stage.nest("P", {"B", "A"});
    CHECK(verdict() == Verdict::kLatent);
  }
  SECTION("nothing in one round, before it or after it") {
    meet("P", "Q");
    stage.nest("P", {"A", "B"});
    stage.nest("Q", {"B", "A"});
    CHECK(verdict() == Verdict::kPossible);
  }
  SECTION("not what the early one does later in the same round") {
    meet("P", "Q");
    arrive("P");
    stage.nest("Q", {"A", "B"});
    arrive("Q");
    stage.wake("Q", "X");
    stage.nest("Q", {"C", "D"});
    stage.wake("P", "X");
    stage.nest("P", {"D", "C"});
    CHECK(verdict() == Verdict::kPossible);
  }
}
