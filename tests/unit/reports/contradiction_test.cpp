// SPDX-License-Identifier: MIT
//
// Which graphs contradict each other, and which only look as if they did.
#include "reports/contradiction.h"

#include "catch.hpp"

namespace {

using namespace crossdep;
using engine::ClassKey;
using engine::Kind;
using reports::Class;
using reports::Graph;

Class lock(const std::string& base, Kind kind, ClassKey key = ClassKey::kNamed, std::uint8_t subclass = 0, std::uint8_t wait = 0) {
  Class c;
  c.base = c.name = base;
  c.kind = kind;
  c.key_kind = key;
  c.subclass = subclass;
  c.wait_outer = c.wait_inner = wait;
  return c;
}

Graph with(std::vector<Class> classes) {
  Graph graph;
  graph.classes = std::move(classes);
  return graph;
}

// Empty if the two can be united; in either order.
std::string cause_of(const Graph& a, const Graph& b) {
  std::string cause, other;
  reports::ContradictionCheck forth, back;
  REQUIRE(forth.add(a, "a", cause));
  REQUIRE(back.add(b, "b", other));
  const bool good = forth.add(b, "b", cause);
  CHECK(good == back.add(a, "a", other));
  return good ? std::string() : cause;
}

}  // namespace

TEST_CASE("classes that contradict each other", "[merge][contradiction]") {
  CHECK(cause_of(with({lock("x", Kind::kMutex)}), with({lock("x", Kind::kRwlock)})) ==
        "b: class \"x\" is a rwlock here and a mutex in a; these graphs contradict each other");
  CHECK(cause_of(with({lock("x", Kind::kSpin, ClassKey::kNamed, 0, 2)}), with({lock("x", Kind::kSpin, ClassKey::kNamed, 0, 3)})) ==
        "b: class \"x\" has wait type 3:3 here and 2:2 in a; these graphs contradict each other");
  CHECK(cause_of(with({lock("x", Kind::kMutex, ClassKey::kNamed, 1)}), with({lock("x/1", Kind::kMutex)})) ==
        "b: class \"x/1\" is subclass 0 of \"x/1\" here and subclass 1 of \"x\" in a; these graphs contradict each other");
}

TEST_CASE("classes that do not contradict each other", "[merge][contradiction]") {
  const Graph mutex = with({lock("x", Kind::kMutex)});
  CHECK(cause_of(mutex, mutex).empty());
  CHECK(cause_of(mutex, with({lock("y", Kind::kRwlock)})).empty());
  // A mutex and its condition variable may have one name; so may locks that only their symbol names.
  CHECK(cause_of(mutex, with({lock("x", Kind::kCond)})).empty());
  CHECK(cause_of(with({lock("x", Kind::kMutex, ClassKey::kStatic)}), with({lock("x", Kind::kRwlock, ClassKey::kStatic)})).empty());
  // Both kinds in one program are what that program means.
  const Graph both = with({lock("x", Kind::kMutex), lock("x", Kind::kRwlock)});
  CHECK(cause_of(both, both).empty());
  CHECK(cause_of(both, mutex).empty());
  // A wait type that is not known contradicts nothing.
  CHECK(cause_of(with({lock("x", Kind::kSpin, ClassKey::kNamed, 0, 2)}), with({lock("x", Kind::kSpin)})).empty());
  CHECK(cause_of(mutex, with({lock("x", Kind::kMutex, ClassKey::kNamed, 1)})).empty());
}
