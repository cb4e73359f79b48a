// SPDX-License-Identifier: MIT
//
// Lock order: what is a dependency, what is a cycle, what each one's verdict is. The last section is the table of cases
// in which the kernel's lockdep is wrong.
#include "catch.hpp"
#include "unit/engine/fixture.h"

using namespace crossdep::engine;
using crossdep::engine::test::Stage;

TEST_CASE("opposite orders in two contexts are a possible deadlock", "[engine]") {
  Stage stage;
  stage.nest("T1", {"A", "B"});
  stage.nest("T2", {"B", "A"});
  REQUIRE(stage.sink.findings.size() == 1);
  const auto& finding = stage.sink.findings.at(0);
  CHECK(finding.info.check == Check::kLockOrderCycle);
  CHECK(finding.info.verdict == Verdict::kPossible);
  CHECK(finding.info.reason == Reason::kNoneExcluded);
  CHECK(finding.classes == std::vector<std::string>{"A", "B"});
  CHECK(finding.held.size() == 1);
  CHECK(stage.engine->check_invariants());
}

TEST_CASE("the request is judged before it is granted", "[engine]") {
  Stage stage;
  stage.acquire("T1", "A");
  stage.acquire("T2", "B");
  stage.engine->request(stage.context("T1"), stage.lock("B"), Mode::kWrite, 0, 1);
  CHECK(stage.sink.findings.empty());
  stage.engine->request(stage.context("T2"), stage.lock("A"), Mode::kWrite, 0, 2);
  CHECK(stage.sink.findings.size() == 1);
}

TEST_CASE("what is obtained as it was requested is held as requested", "[engine]") {
  Stage stage;
  Engine& engine = *stage.engine;
  Context* const context = stage.context("T1");
  engine.request(context, stage.lock("A"), Mode::kRead, 0, 11);
  SECTION("at once") {}
  SECTION("after a handler that took locks of its own came between") {
    engine.enter(context, ContextKind::kSignal, nullptr, nullptr, 12, 10);
    stage.nest("T1", {"H", "I"});
    engine.leave(context, 13);
  }
  SECTION("after a handler that took none") {
    engine.enter(context, ContextKind::kSignal, nullptr, nullptr, 12, 10);
    engine.leave(context, 13);
  }
  SECTION("after something else was asked for in vain") {
    engine.request(context, stage.lock("B"), Mode::kWrite, kTry, 14);
    engine.failed(context);
  }
  engine.acquired_as_requested(context, stage.lock("A"), Mode::kRead, 0, 11);
  CHECK(engine.holds(context, stage.lock("A")));
  engine.request(context, stage.lock("C"), Mode::kWrite, 0, 15);
  const WitnessInfo* witness = stage.sink.witness("A", "C");
  REQUIRE(witness != nullptr);
  CHECK(witness->from_site == 11);
  CHECK(witness->from_mode == Mode::kRead);
  engine.failed(context);
  CHECK(!engine.release_last(context, stage.lock("C")->address));
  CHECK(engine.release_last(context, stage.lock("A")->address));
  CHECK(!engine.release_last(context, stage.lock("A")->address));
  CHECK(!engine.holds(context, stage.lock("A")));
  CHECK(engine.check_invariants());
}

TEST_CASE("a lock that guards a child, is held again or was taken away is not given up the quick way", "[engine]") {
  Stage stage;
  Engine& engine = *stage.engine;
  Context* const context = stage.context("T1");
  LockInstance* const lock = stage.lock("A");
  SECTION("held again") {
    lock->flags |= kRecursiveLock;
    stage.acquire("T1", "A");
    stage.acquire("T1", "A");
    CHECK(!engine.release_last(context, lock->address));
    stage.release("T1", "A");
    CHECK(engine.release_last(context, lock->address));
  }
  SECTION("released by another") {
    stage.acquire("T1", "A");
    stage.release("T2", "A");
    CHECK(!engine.release_last(context, lock->address));
  }
  SECTION("guarding") {
    stage.acquire("T1", "A");
    engine.begin_context(context, ContextKind::kThread, 7, "child", 5, nullptr);
    CHECK(!engine.release_last(context, lock->address));
  }
}

TEST_CASE("contexts that wait for each other now are a deadlock", "[engine]") {
  Stage stage;
  Engine& engine = *stage.engine;
  const auto request = [&](const char* who, const char* what, std::uint8_t flags = 0) {
    engine.request(stage.context(who), stage.lock(what), Mode::kWrite, flags, 1);
  };
  SECTION("two of them") {
    stage.acquire("T1", "A");
    stage.acquire("T2", "B");
    request("T1", "B");
    request("T2", "A");
    REQUIRE(stage.sink.findings.size() == 1);
    CHECK(stage.sink.findings.at(0).info.verdict == Verdict::kDeadlock);
    CHECK(stage.sink.findings.at(0).info.reason == Reason::kBlockedNow);
  }
  SECTION("three of them") {
    for (const auto& [who, what] : {std::pair{"T1", "A"}, std::pair{"T2", "B"}, std::pair{"T3", "C"}}) stage.acquire(who, what);
    request("T1", "B");
    request("T2", "C");
    request("T3", "A");
    CHECK(stage.sink.at_least(Verdict::kDeadlock).size() == 1);
  }
  SECTION("not where one of them ends by itself") {
    stage.acquire("T1", "A");
    stage.acquire("T2", "B");
    request("T1", "B", kTimed);
    request("T2", "A");
    CHECK(stage.sink.at_least(Verdict::kDeadlock).empty());
  }
  SECTION("not where one gave up") {
    stage.acquire("T1", "A");
    stage.acquire("T2", "B");
    request("T1", "B");
    engine.failed(stage.context("T1"));
    request("T2", "A");
    CHECK(stage.sink.at_least(Verdict::kDeadlock).empty());
    CHECK(stage.sink.at_least(Verdict::kPossible).size() == 1);
  }
}

TEST_CASE("one order in two contexts is silent", "[engine]") {
  Stage stage;
  stage.nest("T1", {"A", "B", "C"});
  stage.nest("T2", {"A", "C"});
  stage.nest("T2", {"B", "C"});
  CHECK(stage.sink.findings.empty());
  CHECK(stage.sink.dependencies.size() == 3);
}

TEST_CASE("one context doing both orders is latent until a second one does one of them", "[engine]") {
  Stage stage;
  stage.nest("T1", {"A", "B"});
  stage.nest("T1", {"B", "A"});
  REQUIRE(stage.sink.findings.size() == 1);
  CHECK(stage.sink.findings.at(0).info.verdict == Verdict::kLatent);
  CHECK(stage.sink.findings.at(0).info.reason == Reason::kOneContext);
  stage.nest("T2", {"A", "B"});
  REQUIRE(stage.sink.findings.size() == 1);
  CHECK(stage.sink.findings.at(0).info.verdict == Verdict::kPossible);
  CHECK(stage.sink.told.size() == 2);
  // The dependency that closed it now is the one the second context made.
  CHECK(stage.sink.findings.at(0).classes == std::vector<std::string>{"B", "A"});
}

TEST_CASE("other instances of the classes excuse nothing", "[engine]") {
  Stage stage;
  stage.nest("T1", {"A.1", "B.1"});
  stage.nest("T1", {"B.2", "A.2"});
  REQUIRE(stage.sink.findings.size() == 1);
  CHECK(stage.sink.findings.at(0).info.verdict == Verdict::kPossible);
  CHECK(stage.sink.findings.at(0).info.reason == Reason::kInstancesDiffer);
}

TEST_CASE("a cycle over three classes is found when its last dependency comes", "[engine]") {
  Stage stage;
  stage.nest("T1", {"A", "B"});
  stage.nest("T2", {"B", "C"});
  CHECK(stage.sink.findings.empty());
  stage.nest("T3", {"C", "A"});
  REQUIRE(stage.sink.findings.size() == 1);
  CHECK(stage.sink.findings.at(0).classes == std::vector<std::string>{"A", "B", "C"});
  CHECK(stage.sink.findings.at(0).info.verdict == Verdict::kPossible);
}

TEST_CASE("a cycle is written out over the locks taken between", "[engine]") {
  Stage stage;
  stage.nest("T1", {"A", "B", "C"});
  stage.nest("T2", {"C", "D", "A"});
  REQUIRE(stage.sink.findings.size() == 1);
  CHECK(stage.sink.findings.at(0).classes == std::vector<std::string>{"A", "B", "C", "D"});
  CHECK(stage.sink.findings.at(0).info.verdict == Verdict::kPossible);
  for (std::size_t i = 0; i < 4; ++i) {
    const auto& links = stage.sink.findings.at(0).links;
    CHECK(stage.sink.dependencies.at(links[i].dependency).to == stage.sink.dependencies.at(links[(i + 1) % 4].dependency).from);
  }
}

TEST_CASE("a gate lock refutes", "[engine]") {
  Stage stage;
  SECTION("held by both for writing") {
    stage.nest("T1", {"G", "A", "B"});
    stage.nest("T2", {"G", "B", "A"});
    REQUIRE(stage.sink.findings.size() == 1);
    CHECK(stage.sink.findings.at(0).info.verdict == Verdict::kRefuted);
    CHECK(stage.sink.findings.at(0).info.reason == Reason::kGateLock);
    CHECK(stage.sink.instances.at(stage.sink.findings.at(0).info.reason_instance).class_id == stage.lock("G")->class_id);
  }
  SECTION("and no longer once a context goes without it") {
    stage.nest("T1", {"G", "A", "B"});
    stage.nest("T2", {"G", "B", "A"});
    stage.nest("T2", {"B", "A"});
    CHECK(stage.sink.findings.at(0).info.verdict == Verdict::kPossible);
    CHECK(stage.sink.findings.at(0).info.reason == Reason::kNoneExcluded);
  }
}

TEST_CASE("a gate held by one side only does not refute", "[engine]") {
  Stage stage;
  stage.nest("T1", {"G", "A", "B"});
  stage.nest("T2", {"B", "A"});
  CHECK(stage.sink.at_least(Verdict::kPossible).size() == 1);
}

TEST_CASE("different gates, a gate let go early, a gate both only read: none refutes", "[engine]") {
  Stage stage;
  SECTION("different instances of one class") {
    stage.nest("T1", {"G.1", "A", "B"});
    stage.nest("T2", {"G.2", "B", "A"});
  }
  SECTION("let go early") {
    stage.acquire("T1", "G");
    stage.acquire("T1", "A");
    stage.release("T1", "G");
    stage.acquire("T1", "B");
    stage.release("T1", "B");
    stage.release("T1", "A");
    stage.nest("T2", {"G", "B", "A"});
  }
  SECTION("read-held") {
    for (const auto& [who, first, second] : {std::tuple{"T1", "A", "B"}, std::tuple{"T2", "B", "A"}}) {
      stage.acquire(who, "G", Mode::kRead);
      stage.nest(who, {first, second});
      stage.release(who, "G");
    }
  }
  const auto found = stage.sink.at_least(Verdict::kPossible);
  REQUIRE(found.size() == 1);
  CHECK(found[0].classes.size() == 2);
}

TEST_CASE("a trylock ends no dependency but is held like any other", "[engine]") {
  Stage stage;
  SECTION("inner try on one side: no cycle") {
    stage.acquire("T1", "A");
    stage.acquire("T1", "B", Mode::kWrite, kTry);
    stage.release("T1", "B");
    stage.release("T1", "A");
    stage.nest("T2", {"B", "A"});
    CHECK(stage.sink.findings.empty());
    CHECK_FALSE(stage.sink.has_dependency("A", "B"));
  }
  SECTION("outer try: held while the other is requested") {
    stage.acquire("T1", "A", Mode::kWrite, kTry);
    stage.acquire("T1", "B");
    stage.release("T1", "B");
    stage.release("T1", "A");
    stage.nest("T2", {"B", "A"});
    CHECK(stage.sink.at_least(Verdict::kPossible).size() == 1);
  }
}

TEST_CASE("a timed request is a dependency, and said to end by itself", "[engine]") {
  Stage stage;
  stage.acquire("T1", "A");
  stage.acquire("T1", "B", Mode::kWrite, kTimed);
  stage.release("T1", "B");
  stage.release("T1", "A");
  stage.nest("T2", {"B", "A"});
  REQUIRE(stage.sink.findings.size() == 1);
  CHECK(stage.sink.findings.at(0).info.reason == Reason::kTimed);
}

TEST_CASE("readers", "[engine]") {
  Stage stage;
  const auto cross = [&](Mode first, Mode second) {
    stage.acquire("T1", "A", first);
    stage.acquire("T1", "B", second);
    stage.release("T1", "B");
    stage.release("T1", "A");
    stage.acquire("T2", "B", first);
    stage.acquire("T2", "A", second);
    stage.release("T2", "A");
    stage.release("T2", "B");
    return stage.sink.findings.size();
  };
  SECTION("recursive readers only: nobody blocks") { CHECK(cross(Mode::kRecursiveRead, Mode::kRecursiveRead) == 0); }
  SECTION("recursive readers wait for writers") { CHECK(cross(Mode::kWrite, Mode::kRecursiveRead) == 1); }
  SECTION("writers wait for readers") { CHECK(cross(Mode::kRecursiveRead, Mode::kWrite) == 1); }
  SECTION("readers that queue behind writers block each other") { CHECK(cross(Mode::kRead, Mode::kRead) == 1); }
}

TEST_CASE("recursion", "[engine]") {
  Stage stage;
  SECTION("a mutex on itself blocks for ever") {
    stage.acquire("T1", "A");
    stage.engine->request(stage.context("T1"), stage.lock("A"), Mode::kWrite, 0, 7);
    REQUIRE(stage.sink.findings.size() == 1);
    CHECK(stage.sink.findings.at(0).info.check == Check::kRecursiveLock);
    CHECK(stage.sink.findings.at(0).info.verdict == Verdict::kDeadlock);
  }
  SECTION("a recursive mutex does not, and is released as often") {
    stage.lock("A", Kind::kMutex, kRecursiveLock);
    stage.acquire("T1", "A");
    stage.acquire("T1", "A");
    stage.release("T1", "A");
    CHECK(stage.engine->holds(stage.context("T1"), stage.lock("A")));
    stage.release("T1", "A");
    CHECK_FALSE(stage.engine->holds(stage.context("T1"), stage.lock("A")));
    stage.nest("T1", {"B", "A"});
    CHECK(stage.sink.findings.empty());
  }
  SECTION("an errorcheck mutex answers EDEADLK") {
    stage.lock("A", Kind::kMutex, kErrorCheck);
    stage.acquire("T1", "A");
    stage.engine->request(stage.context("T1"), stage.lock("A"), Mode::kWrite, 0, 7);
    CHECK(stage.sink.findings.at(0).info.verdict == Verdict::kRefuted);
  }
  SECTION("two of a class: latent while the order is by address, possible once it is not") {
    stage.lock("A.1");
    stage.lock("A.2");
    stage.nest("T1", {"A.1", "A.2"});
    REQUIRE(stage.sink.findings.size() == 1);
    CHECK(stage.sink.findings.at(0).info.verdict == Verdict::kLatent);
    stage.nest("T2", {"A.2", "A.1"});
    CHECK(stage.sink.findings.at(0).info.verdict == Verdict::kPossible);
    CHECK(stage.sink.findings.at(0).info.reason == Reason::kNestedCycle);
  }
  SECTION("under a nest lock any order goes, if the nest lock came first") {
    Engine& engine = *stage.engine;
    Context* context = stage.context("T1");
    const auto nested = [&](const char* name) {
      engine.request_as(context, stage.lock(name), stage.lock(name)->class_id, Mode::kWrite, 0, 5, stage.lock("N"));
      engine.acquired(context, stage.lock(name), Mode::kWrite, 0, 5);
    };
    stage.lock("A.1");
    stage.lock("A.2");
    stage.lock("A.3");
    stage.acquire("T1", "N");
    nested("A.3");
    nested("A.1");
    CHECK(stage.sink.findings.empty());
    stage.release("T1", "N");
    stage.acquire("T1", "N");
    nested("A.2");
    unsigned recursions = 0;
    for (const auto& [id, finding] : stage.sink.findings) recursions += finding.info.check == Check::kRecursiveLock;
    CHECK(recursions == 1);
  }
  SECTION("recursive readers of one lock are fine, queueing ones are not") {
    stage.acquire("T1", "A", Mode::kRecursiveRead);
    stage.acquire("T1", "A", Mode::kRecursiveRead);
    CHECK(stage.sink.findings.empty());
    stage.acquire("T1", "B", Mode::kRead);
    stage.acquire("T1", "B", Mode::kRead);
    CHECK(stage.sink.at_least(Verdict::kPossible).size() == 1);
  }
}

TEST_CASE("releases", "[engine]") {
  Stage stage;
  SECTION("in any order") {
    stage.acquire("T1", "A");
    stage.acquire("T1", "B");
    stage.release("T1", "A");
    stage.acquire("T1", "C");
    CHECK(stage.sink.has_dependency("B", "C"));
    CHECK_FALSE(stage.sink.has_dependency("A", "C"));
    CHECK(stage.engine->check_invariants());
  }
  SECTION("of a lock not held") {
    stage.release("T1", "A");
    REQUIRE(stage.sink.findings.size() == 1);
    CHECK(stage.sink.findings.at(0).info.check == Check::kBadUnlock);
    CHECK(stage.sink.findings.at(0).info.verdict == Verdict::kConfirmed);
  }
  SECTION("by another context take it from its holder") {
    stage.acquire("T1", "A");
    stage.release("T2", "A");
    CHECK(stage.sink.findings.size() == 1);
    stage.acquire("T1", "B");
    CHECK_FALSE(stage.sink.has_dependency("A", "B"));
    stage.acquire("T2", "A");  // T2 may take it now
    CHECK(stage.engine->holds(stage.context("T2"), stage.lock("A")));
  }
  SECTION("where the input began in the middle are counted only") {
    stage.engine->tolerate_unmatched(stage.context("T1"));
    stage.release("T1", "A");
    CHECK(stage.sink.findings.empty());
    CHECK(stage.engine->losses().unmatched == 1);
  }
}

TEST_CASE("destroyed or ended while held", "[engine]") {
  Stage stage;
  stage.acquire("T1", "A");
  SECTION("by its holder") { stage.engine->destroy(stage.context("T1"), stage.lock("A"), 5); }
  SECTION("by another") { stage.engine->destroy(stage.context("T2"), stage.lock("A"), 5); }
  SECTION("initialised again") { stage.engine->reinit(stage.context("T1"), stage.lock("A"), kNone, 5); }
  REQUIRE(stage.sink.findings.size() == 1);
  CHECK(stage.sink.findings.at(0).info.check == Check::kDestroyHeld);
  CHECK_FALSE(stage.engine->holds(stage.context("T1"), stage.lock("A")));
}

TEST_CASE("a context that ends holding a lock", "[engine]") {
  Stage stage;
  stage.acquire("T1", "A");
  stage.engine->end_context(stage.context("T1"), 9);
  REQUIRE(stage.sink.findings.size() == 1);
  CHECK(stage.sink.findings.at(0).info.check == Check::kExitHeld);
}

TEST_CASE("a cycle through a deep held stack is one context's", "[engine]") {
  Stage stage;
  const int kDepth = GENERATE(20, 80, 300);
  for (int i = 0; i < kDepth; ++i) stage.acquire("T1", "L" + std::to_string(i));
  for (int i = kDepth; i-- > 0;) stage.release("T1", "L" + std::to_string(i));
  stage.nest("T2", {"L" + std::to_string(kDepth - 1), "L0"});
  REQUIRE(stage.sink.findings.size() == 1);
  CHECK(stage.sink.findings.at(0).info.check == Check::kLockOrderCycle);
  CHECK(stage.sink.findings.at(0).info.verdict == Verdict::kPossible);
}

TEST_CASE("a recycled record is a new instance", "[engine]") {
  Stage stage;
  Engine& engine = *stage.engine;
  const ClassId id = stage.lock("A")->class_id;
  LockInstance* first = engine.create(id, Kind::kMutex, 1, 0);
  const InstanceId old = first->id;
  engine.destroy(stage.context("T1"), first, 0);
  LockInstance* second = engine.create(id, Kind::kMutex, 1, 0);
  CHECK(second->id != old);
  CHECK(stage.sink.findings.empty());
}

TEST_CASE("create and join put one side before the other", "[engine]") {
  Stage stage;
  Engine& engine = *stage.engine;
  Context* parent = stage.context("main");
  SECTION("done before the create") {
    stage.nest("main", {"A", "B"});
    stage.context("T1", parent);
    stage.nest("T1", {"B", "A"});
    CHECK(stage.sink.findings.at(0).info.verdict == Verdict::kLatent);
    CHECK(stage.sink.findings.at(0).info.reason == Reason::kOrderedByForkJoin);
  }
  SECTION("done after the join") {
    Context* child = stage.context("T1", parent);
    stage.nest("T1", {"B", "A"});
    engine.end_context(child, 0);
    engine.join_end(parent, child, true);
    stage.nest("main", {"A", "B"});
    CHECK(stage.sink.findings.at(0).info.verdict == Verdict::kLatent);
  }
  SECTION("done before and again after the create: the second time excuses nothing") {
    const auto both = [&] {
      for (const Site site : {Site{1}, Site{2}}) {
        engine.request(parent, stage.lock(site == 1 ? "A" : "B"), Mode::kWrite, 0, site);
        engine.acquired(parent, stage.lock(site == 1 ? "A" : "B"), Mode::kWrite, 0, site);
      }
      stage.release("main", "B");
      stage.release("main", "A");
    };
    both();
    stage.context("T1", parent);
    both();
    stage.nest("T1", {"B", "A"});
    CHECK(stage.sink.findings.at(0).info.verdict == Verdict::kPossible);
  }
  SECTION("done in between: nothing orders them") {
    stage.context("T1", parent);
    stage.nest("main", {"A", "B"});
    stage.nest("T1", {"B", "A"});
    CHECK(stage.sink.findings.at(0).info.verdict == Verdict::kPossible);
  }
}

// --- where lockdep is wrong ----------------------------------------------------------------------------------------------

TEST_CASE("a strong dependency hidden behind a recursive reader is stored", "[engine][lockdep]") {
  Stage stage;
  stage.acquire("T1", "A");
  stage.acquire("T1", "B", Mode::kRecursiveRead);
  stage.acquire("T1", "C");
  stage.acquire("T2", "C");
  stage.engine->request(stage.context("T2"), stage.lock("A"), Mode::kWrite, 0, 1);
  REQUIRE(stage.sink.at_least(Verdict::kPossible).size() == 1);
  CHECK(stage.sink.at_least(Verdict::kPossible)[0].classes == std::vector<std::string>{"A", "C"});
}

TEST_CASE("a class reached weakly first is tried again when reached strongly", "[engine][lockdep]") {
  Stage stage;
  stage.acquire("T1", "A");
  stage.acquire("T1", "B", Mode::kRecursiveRead);
  stage.release("T1", "B");
  stage.release("T1", "A");
  stage.nest("T2", {"A", "C"});
  stage.nest("T3", {"C", "B"});
  stage.acquire("T4", "B", Mode::kRecursiveRead);
  stage.engine->request(stage.context("T4"), stage.lock("A"), Mode::kWrite, 0, 1);
  REQUIRE(stage.sink.at_least(Verdict::kPossible).size() == 1);
  CHECK(stage.sink.at_least(Verdict::kPossible)[0].classes == std::vector<std::string>{"A", "C", "B"});
}

TEST_CASE("hand over hand is a deadlock of three", "[engine][lockdep]") {
  Stage stage;
  stage.acquire("T1", "A");
  stage.acquire("T1", "B");
  stage.release("T1", "A");
  stage.acquire("T1", "C");
  stage.nest("T2", {"C", "A"});
  CHECK(stage.sink.findings.size() == 1);
}

TEST_CASE("a trylock in the middle hides nothing", "[engine][lockdep]") {
  Stage stage;
  stage.acquire("T1", "A");
  stage.acquire("T1", "B", Mode::kWrite, kTry);
  stage.acquire("T1", "C");
  stage.nest("T2", {"C", "A"});
  CHECK(stage.sink.at_least(Verdict::kPossible).size() == 1);
}
