// SPDX-License-Identifier: MIT
//
// Names of classes and ids of findings: by name and role, stable, unique.
#include "reports/names.h"

#include <map>
#include <set>

#include "catch.hpp"
#include "reports/canonical.h"
#include "reports/finding_id.h"
#include "reports/format.h"
#include "reports/reason.h"
#include "reports/site_text.h"
#include "unit/reports/graph_maker.h"

namespace {

using namespace crossdep;
using engine::ClassKey;
using engine::Kind;
using reports::Frame;
using reports::NamedClass;

// Knows the addresses the tests use.
class Table final : public reports::FrameResolver {
 public:
  void frames(engine::Site site, std::vector<Frame>& out) override {
    Frame library, own;
    library.function = "std::mutex::lock";
    library.inlined = library.library = true;
    own.function = functions[site];
    own.offset = site;
    out.push_back(library);
    out.push_back(own);
  }
  std::string object_name(std::uint64_t address) override { return objects[address].first; }
  std::string object_file(std::uint64_t address) override { return objects[address].second; }
  std::string function_name(std::uint64_t address) override { return functions[address]; }

  std::map<std::uint64_t, std::string> functions;
  std::map<std::uint64_t, std::pair<std::string, std::string>> objects;
};

NamedClass made(ClassKey key_kind, Kind kind, std::uint64_t key, const std::string& hint = {}, unsigned ordinal = 0, unsigned subclass = 0) {
  NamedClass c;
  c.info.key_kind = key_kind;
  c.info.kind = kind;
  c.info.key = key;
  c.info.ordinal = ordinal;
  c.info.subclass = static_cast<std::uint8_t>(subclass);
  c.hint = hint;
  return c;
}

std::string name_of(Table& table, const NamedClass& c) { return reports::name_classes({c}, table).front(); }

}  // namespace

TEST_CASE("each way to make a class has its kind of name", "[names]") {
  Table table;
  table.functions = {{0x10, "conn_new"}, {0x20, "worker_main"}};
  table.objects = {{0x100, {"g_lock", "main.c"}}, {0x118, {"g_state+0x18", "main.c"}}};
  CHECK(name_of(table, made(ClassKey::kNamed, Kind::kCompletion, 0, "(complete)&req.done")) == "(complete)&req.done");
  CHECK(name_of(table, made(ClassKey::kNamed, Kind::kMutex, 0, "a")) == "a");
  CHECK(name_of(table, made(ClassKey::kStatic, Kind::kMutex, 0x100)) == "g_lock");
  CHECK(name_of(table, made(ClassKey::kStatic, Kind::kMutex, 0x118)) == "g_state+0x18");
  CHECK(name_of(table, made(ClassKey::kStatic, Kind::kCond, 0x100)) == "(cond)g_lock");
  CHECK(name_of(table, made(ClassKey::kStatic, Kind::kMutex, 0x999)) == "mutex@0x999");
  CHECK(name_of(table, made(ClassKey::kInitSite, Kind::kMutex, 0x10)) == "mutex@conn_new");
  CHECK(name_of(table, made(ClassKey::kInitSite, Kind::kMutex, 0x10, "&c->lock")) == "&c->lock");
  CHECK(name_of(table, made(ClassKey::kFirstSite, Kind::kRwlock, 0x10, "", 3)) == "rwlock@conn_new#3");
  CHECK(name_of(table, made(ClassKey::kFunction, Kind::kThread, 0x20)) == "(thread)worker_main");
  CHECK(name_of(table, made(ClassKey::kFunction, Kind::kWork, 0x20)) == "(work)worker_main");
  CHECK(name_of(table, made(ClassKey::kFunction, Kind::kWork, 0x77)) == "(work)0x77");
  CHECK(name_of(table, made(ClassKey::kInstance, Kind::kMutex, 0x7f00)) == "mutex@0x7f00");
  CHECK(name_of(table, made(ClassKey::kInstance, Kind::kMutex, 0x7f00, "given")) == "given");
}

TEST_CASE("names that would collide are told apart", "[names]") {
  Table table;
  table.functions = {{0x10, "make_two"}, {0x18, "make_two"}};
  table.objects = {{0x100, {"lock", "a.c"}}, {0x200, {"lock", "b.c"}}};
  CHECK(reports::name_classes({made(ClassKey::kStatic, Kind::kMutex, 0x100), made(ClassKey::kStatic, Kind::kMutex, 0x200)}, table) ==
        std::vector<std::string>{"lock (a.c)", "lock (b.c)"});
  CHECK(reports::name_classes({made(ClassKey::kInitSite, Kind::kMutex, 0x18), made(ClassKey::kInitSite, Kind::kMutex, 0x10)}, table) ==
        std::vector<std::string>{"mutex@make_two:2", "mutex@make_two"});
  CHECK(reports::name_classes({made(ClassKey::kFirstSite, Kind::kMutex, 0x10, "", 0), made(ClassKey::kFirstSite, Kind::kMutex, 0x10, "", 1),
                               made(ClassKey::kFirstSite, Kind::kMutex, 0x18, "", 0)},
                              table) == std::vector<std::string>{"mutex@make_two#0", "mutex@make_two#1", "mutex@make_two:2#0"});
  // One object under two subclasses keeps one name.
  CHECK(reports::name_classes({made(ClassKey::kStatic, Kind::kMutex, 0x100), made(ClassKey::kStatic, Kind::kMutex, 0x100, "", 0, 1)}, table) ==
        std::vector<std::string>{"lock", "lock"});
  CHECK(reports::display_name("lock", 1) == "lock/1");
}

TEST_CASE("printed names are unique even where only the kind differs", "[names]") {
  reports::test::GraphMaker m;
  m.lock_class("x", Kind::kMutex);
  m.lock_class("x", Kind::kCompletion);
  m.lock_class("y", Kind::kMutex);
  const reports::Graph graph = m.graph();
  std::set<std::string> names;
  for (const reports::Class& c : graph.classes) names.insert(c.name);
  CHECK(names == std::set<std::string>{"x (mutex)", "x (completion)", "y"});
}

namespace {

// A cycle through these classes, closed at the first one.
std::string cycle_id(const std::vector<std::string>& names, engine::Mode mode = engine::Mode::kWrite) {
  reports::test::GraphMaker m;
  std::map<std::string, engine::ClassId> class_of;
  for (const std::string& name : names) class_of[name] = m.lock_class(name);
  const auto who = m.context("T" + std::to_string(names.size()), 100 + names.size());
  std::vector<engine::LinkInfo> links;
  for (std::size_t i = 0; i < names.size(); ++i) {
    auto w = m.witness(class_of[names[(i + names.size() - 1) % names.size()]], class_of[names[i]], who);
    w.to_mode = mode;
    w.to_site = m.site(names[i] + ".c:12");
    links.push_back(m.add(w));
  }
  m.add(m.finding(engine::Check::kLockOrderCycle, engine::Verdict::kPossible, engine::Reason::kNoneExcluded, who), links, {});
  const reports::Graph graph = m.graph();
  return graph.findings.at(0).id;
}

std::string simple_id(engine::Check check, const std::string& site) {
  reports::test::GraphMaker m;
  const auto a = m.lock_class("a");
  auto f = m.finding(check, engine::Verdict::kConfirmed, engine::Reason::kObserved, m.context("T", 1));
  f.instance = m.instance(a, 0x1000);
  f.site = m.site(site);
  m.add(f, {}, {});
  return m.graph().findings.at(0).id;
}

}  // namespace

TEST_CASE("a cycle's id does not depend on where it was closed", "[names]") {
  CHECK(cycle_id({"a", "b", "c"}) == cycle_id({"b", "c", "a"}));
  CHECK(cycle_id({"a", "b", "c"}) == cycle_id({"c", "a", "b"}));
  CHECK(cycle_id({"a", "b", "c"}) != cycle_id({"a", "c", "b"}));
  CHECK(cycle_id({"a", "b"}) != cycle_id({"a", "c"}));
  CHECK(cycle_id({"a", "b"}) == cycle_id({"a", "b"}, engine::Mode::kRead));
  CHECK(cycle_id({"a", "b"}).size() == 3 + 12);
  CHECK(cycle_id({"a", "b"}).substr(0, 3) == "cd-");
}

TEST_CASE("other findings are told apart by function, not by offset or line", "[names]") {
  using engine::Check;
  CHECK(simple_id(Check::kBadUnlock, "f+0x10/0x40") == simple_id(Check::kBadUnlock, "f+0x18/0x48"));
  CHECK(simple_id(Check::kBadUnlock, "f.constprop.0+0x10/0x40") == simple_id(Check::kBadUnlock, "f+0x10/0x40"));
  CHECK(simple_id(Check::kBadUnlock, "f+0x10/0x40") != simple_id(Check::kBadUnlock, "g+0x10/0x40"));
  CHECK(simple_id(Check::kBadUnlock, "f+0x10/0x40") != simple_id(Check::kExitHeld, "f+0x10/0x40"));
  CHECK(simple_id(Check::kBadUnlock, "a.c:12") == simple_id(Check::kBadUnlock, "a.c:13"));
}

TEST_CASE("a finding keeps its id when its verdict rises", "[names]") {
  reports::test::GraphMaker m;
  const auto a = m.lock_class("a"), b = m.lock_class("b");
  const auto t = m.context("T", 1), u = m.context("U", 2);
  const auto ab = m.add(m.witness(a, b, t));
  const auto ba = m.add(m.witness(b, a, t));
  auto f = m.finding(engine::Check::kLockOrderCycle, engine::Verdict::kLatent, engine::Reason::kOneContext, t);
  m.add(f, {ba, ab}, {});
  const std::string before = m.graph().findings.at(0).id;
  const auto again = m.add(m.witness(a, b, u));
  f.verdict = engine::Verdict::kPossible;
  f.reason = engine::Reason::kNoneExcluded;
  m.add(f, {again, ba}, {});
  const reports::Graph graph = m.graph();
  REQUIRE(graph.findings.size() == 1);
  CHECK(graph.findings[0].verdict == engine::Verdict::kPossible);
  CHECK(graph.findings[0].reason == "U/2, T/1 can each hold what the next one requests, and nothing seen keeps them apart");
  CHECK(graph.findings[0].id == before);
  CHECK(m.builder().finding_id(f.id) == before);
  // A weaker call that comes late changes nothing.
  f.verdict = engine::Verdict::kRefuted;
  m.add(f, {ba, ab}, {});
  CHECK(m.graph().findings.at(0).verdict == engine::Verdict::kPossible);
}

TEST_CASE("reasons name their places", "[names]") {
  reports::test::GraphMaker m;
  const auto a = m.lock_class("a"), b = m.lock_class("b"), big = m.lock_class("g_big");
  const auto t = m.context("T", 1);
  const auto ab = m.add(m.witness(a, b, t)), ba = m.add(m.witness(b, a, t));
  auto f = m.finding(engine::Check::kLockOrderCycle, engine::Verdict::kRefuted, engine::Reason::kGateLock, t);
  f.reason_instance = m.instance(big, 0x10);
  f.reason_site[0] = m.site("src/main.cpp:41");
  f.reason_site[1] = m.site("src/main.cpp:77");
  m.add(f, {ba, ab}, {});
  CHECK(m.graph().findings.at(0).reason == "both orders run under g_big (main.cpp:41, main.cpp:77)");
  CHECK(m.graph().findings.at(0).reason_code == "gate-lock");
}

TEST_CASE("every reason has a code of its own", "[names]") {
  std::set<std::string> codes;
  const unsigned count = static_cast<unsigned>(engine::Reason::kSelfBlocked) + 1;
  for (unsigned i = 0; i < count; ++i) codes.insert(reports::code(static_cast<engine::Reason>(i)));
  CHECK(codes.size() == count);
  CHECK(codes.count("unknown") == 0);
}

TEST_CASE("an address used again is another instance", "[names]") {
  reports::test::GraphMaker m;
  const auto a = m.lock_class("a"), b = m.lock_class("b");
  const auto t = m.context("T", 1);
  const auto lb = m.instance(b, 0x2000);
  auto w = m.witness(a, b, t);
  w.from = m.instance(a, 0x1000);
  w.to = lb;
  m.add(w);
  // The engine gives the record of a dead instance to the next one.
  m.builder().on_instance({w.from, a, Kind::kMutex, 0, 0x1000});
  w.ordinal = 1;
  m.add(w);
  const reports::Graph graph = m.graph();
  CHECK(graph.instances.size() == 3);
  REQUIRE(graph.dependencies.size() == 1);
  REQUIRE(graph.dependencies[0].witnesses.size() == 2);
  CHECK(graph.dependencies[0].witnesses[0].from != graph.dependencies[0].witnesses[1].from);
}

TEST_CASE("places are read in all their spellings", "[names]") {
  const auto check = [](const char* text, const char* symbol) { CHECK(reports::symbol_and_place(reports::parse_site(text), false) == symbol); };
  check("lu+0x1e/0x40 [ldtest]", "lu+0x1e/0x40 [ldtest]");
  check("lu+0x1e/0x40", "lu+0x1e/0x40");
  check("lu+0x1e", "lu+0x1e");
  check("lu", "lu");
  check("src/main.c:12", "main.c:12");
  check("src/main.c:12:7", "main.c:12");
  check("0x1234", "0x1234");
  check("operator+", "operator+");
  check("a:b", "a:b");
  CHECK(reports::parse_site("src/main.c:12:7").column == 7);
  CHECK(reports::parse_site("lu+0x1e/0x40 [ldtest]").module == "ldtest");
  CHECK(reports::parse_site("C::f(int)").function == "C::f(int)");
}

TEST_CASE("usage characters are lockdep's", "[names]") {
  CHECK(reports::usage_characters(0) == "....");
  CHECK(reports::usage_characters(engine::kEnabledHard | engine::kEnabledSoft) == "+.+.");
  CHECK(reports::usage_characters(engine::kUsedInHard) == "-...");
  CHECK(reports::usage_characters(engine::kUsedInHard | engine::kEnabledHard | engine::kUsedInSoftRead) == "?..-");
}

TEST_CASE("evidence that refers to what was never announced is left out, not crashed on", "[names]") {
  reports::test::GraphMaker m;
  const auto a = m.lock_class("a");
  auto f = m.finding(engine::Check::kLockOrderCycle, engine::Verdict::kPossible, engine::Reason::kNoneExcluded, 77);
  m.add(f, {{5, 0}, {6, 1}}, {{99, a, "x"}});
  auto g = m.finding(engine::Check::kBadUnlock, engine::Verdict::kConfirmed, engine::Reason::kObserved, 78);
  g.instance = 1234;
  m.add(g, {}, {{99, 55, "x"}});
  const reports::Graph graph = m.graph();
  REQUIRE(graph.findings.size() == 1);
  CHECK(graph.findings[0].check == engine::Check::kBadUnlock);
}

TEST_CASE("control characters in names are written out", "[names]") {
  CHECK(reports::printable("a\x1b[31m\nb") == "a\\x1b[31m\\x0ab");
  CHECK(reports::printable("&req.done") == "&req.done");
}
