// SPDX-License-Identifier: MIT
//
// Replay against a trace that lies: numbers never defined, out of range, used after their end.
#include "catch.hpp"
#include "collector.h"
#include "traces/replay.h"

using namespace crossdep;
using namespace crossdep::traces;
using namespace crossdep::traces_test;

namespace {

Event make(EventKind kind, ContextId context, InstanceId lock = kNone) {
  Event event;
  event.kind = kind;
  event.context = context;
  event.lock = lock;
  return event;
}

void define(Replay& replay, std::uint32_t context, std::uint32_t lock) {
  ClassDefinition its_class;
  its_class.id = lock;
  const std::string name = "L" + std::to_string(lock);
  its_class.name = name;
  replay.on_class(its_class);
  LockDefinition definition;
  definition.id = definition.class_id = lock;
  definition.address = 0x1000 + lock;
  replay.on_lock(definition);
  ContextDefinition task;
  task.id = context;
  task.name = "t";
  replay.on_context(task);
}

}  // namespace

TEST_CASE("replay: numbers out of range are counted and skipped", "[traces][replay]") {
  Collector found;
  Replay replay(found);
  define(replay, 0, 0);
  for (int kind = 0; kind <= static_cast<int>(EventKind::kSetStack); ++kind) {
    for (const std::uint32_t number : {1u, 77u, 0x7fffffffu, 0xfffffffeu, kNone}) {
      Event event = make(static_cast<EventKind>(kind), 0, number);
      event.other = event.peer = event.class_id = event.name = number;
      if (event.kind == EventKind::kContextEnd || event.kind == EventKind::kLeave || event.kind == EventKind::kEnter) continue;
      replay.on_event(event);
      event.context = number;
      replay.on_event(event);
    }
  }
  CHECK(replay.undefined_count() > 0);
  CHECK(replay.engine().check_invariants());
  LockDefinition far;
  far.id = 0xfffffff0u;
  far.class_id = 0;
  replay.on_lock(far);
  far.id = 1;
  far.class_id = 0xfffffff0u;
  replay.on_lock(far);
  ContextDefinition context;
  context.id = 0xfffffff0u;
  replay.on_context(context);
  ClassDefinition its_class;
  its_class.id = 0xfffffff0u;
  replay.on_class(its_class);
  CHECK(replay.engine().check_invariants());
}

TEST_CASE("replay: an ended context acts no more, but is joined", "[traces][replay]") {
  Collector found;
  Replay replay(found);
  define(replay, 0, 0);
  define(replay, 1, 1);
  replay.on_event(make(EventKind::kContextEnd, 1));
  const std::uint64_t before = replay.undefined_count();
  replay.on_event(make(EventKind::kRequest, 1, 1));
  CHECK(replay.undefined_count() == before + 1);
  Event join = make(EventKind::kJoinBegin, 0);
  join.peer = 1;
  replay.on_event(join);
  join.kind = EventKind::kJoinEnd;
  replay.on_event(join);
  CHECK(replay.undefined_count() == before + 1);
  CHECK(replay.engine().check_invariants());
}

TEST_CASE("replay: an ended lock is gone; its number may mean a new one", "[traces][replay]") {
  Collector found;
  Replay replay(found);
  define(replay, 0, 0);
  replay.on_event(make(EventKind::kRequest, 0, 0));
  replay.on_event(make(EventKind::kDestroy, 0, 0));
  replay.on_event(make(EventKind::kRelease, 0, 0));
  CHECK(replay.undefined_count() == 1);
  LockDefinition again;
  again.id = again.class_id = 0;
  replay.on_lock(again);
  replay.on_event(make(EventKind::kRequest, 0, 0));
  replay.on_event(make(EventKind::kAcquired, 0, 0));
  replay.on_event(make(EventKind::kRelease, 0, 0));
  CHECK(replay.undefined_count() == 1);
  CHECK(found.summary().empty());
}

TEST_CASE("replay: memory freed ends every lock in it, once", "[traces][replay]") {
  Collector found;
  Replay replay(found);
  for (std::uint32_t lock = 0; lock < 4; ++lock) define(replay, lock, lock);   // at 0x1000 .. 0x1003
  replay.on_event(make(EventKind::kRequest, 0, 1));
  replay.on_event(make(EventKind::kAcquired, 0, 1));
  Event freed = make(EventKind::kFree, 0);
  freed.number = 0x1001;
  freed.number2 = 0x1003;
  replay.on_event(freed);
  replay.on_event(freed);
  CHECK(found.summary() == std::vector<std::string>{"destroy-held confirmed L1"});
  replay.on_event(make(EventKind::kRequest, 0, 3));
  CHECK(replay.undefined_count() == 0);
  LockDefinition later;   // the index knows locks made after it was built
  later.id = 1;
  later.class_id = 0;
  later.address = 0x1002;
  replay.on_lock(later);
  replay.on_event(freed);
  replay.on_event(make(EventKind::kRequest, 0, 1));
  CHECK(replay.undefined_count() == 1);
}

TEST_CASE("replay: many events at once are the same as one by one", "[traces][replay]") {
  Collector found;
  Replay replay(found);
  define(replay, 0, 0);
  define(replay, 1, 1);
  const Event events[] = {make(EventKind::kRequest, 0, 0), make(EventKind::kAcquired, 0, 0), make(EventKind::kRequest, 0, 1)};
  replay.on_events(events, 3);
  CHECK(replay.total_event_count() == 3);
  CHECK(replay.total_lock_event_count() == 2);
  CHECK(found.has_dependency("L0", "L1"));
}

TEST_CASE("replay: sites, modules, notes", "[traces][replay]") {
  Collector found;
  Replay replay(found);
  replay.on_site(5, "a.c:1");
  CHECK(replay.site_text(5) == "a.c:1");
  CHECK(replay.site_text(6).empty());
  replay.on_note("once");
  replay.on_note("once");
  CHECK(replay.notes() == std::vector<std::string>{"once"});
  ModuleDefinition module;
  module.begin = 1;
  module.end = 2;
  module.path = "/bin/x";
  replay.on_module(module);
  REQUIRE(replay.modules().size() == 1);
  CHECK(replay.modules()[0].path == "/bin/x");
}
