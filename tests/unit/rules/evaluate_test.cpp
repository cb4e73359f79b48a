// SPDX-License-Identifier: MIT
//
// Each kind of rule in both directions: what it must report, and what it must not.
#include "reports/json.h"
#include "reports/merge.h"
#include "reports/splat.h"
#include "unit/reports/golden.h"
#include "unit/rules/judged.h"

namespace {

using namespace crossdep;
using namespace crossdep::rules::test;

// T takes the locks in this order and lets go of them.
std::string nested(const std::string& who, const std::vector<std::string>& locks) {
  std::string out, back;
  for (const std::string& lock : locks) {
    out += who + " acquire " + lock + " site=f_" + lock + "+0x1\n";
    back = who + " release " + lock + "\n" + back;
  }
  return out + back;
}

std::string judged(const std::string& trace, const std::string& rule) { return found(judge(trace, rules_of(rule))); }

}  // namespace

TEST_CASE("a declared order is violated by whoever takes it the other way round", "[rules]") {
  const std::string rule = R"({"order": [["^a$", "^b$", "^c$"]]})";
  CHECK(judged(nested("T1", {"b", "a"}), rule) == "declared-order confirmed: a b\n");
  CHECK(judged(nested("T1", {"c", "a"}), rule) == "declared-order confirmed: a c\n");
  CHECK(judged(nested("T1", {"a", "b", "c"}), rule).empty());
  CHECK(judged(nested("T1", {"a", "c"}), rule).empty());
  CHECK(judged("T1 acquire b\nT1 acquire a try\nT1 release a\nT1 release b\n", rule).empty());
  CHECK(judged(nested("T1", {"b", "x"}), rule).empty());
}

TEST_CASE("positions of an order hold several classes, exact names go before patterns", "[rules]") {
  const std::string rule = R"({"order": [["^top", ["node", "leaf"], "node/1"]]})";
  CHECK(judged(nested("T1", {"node", "leaf"}) + nested("T2", {"top1", "node"}), rule).empty());
  CHECK(judged(nested("T1", {"leaf", "top2"}), rule) == "declared-order confirmed: top2 leaf\n");
  // "node" is found in "node/1" too, but that is named itself.
  CHECK(judged("T1 init n class=node\nT1 acquire n sub=1\nT1 acquire leaf\n", rule) == "declared-order confirmed: leaf node/1\n");
}

TEST_CASE("a tied pattern fits a class by the name that is meant", "[rules]") {
  using rules::meant_name;
  for (const auto& [name, meant] : std::vector<std::pair<std::string, std::string>>{
           {"table", "table"}, {"table:2", "table"}, {"bank.c:table", "table"}, {"bank.c:table:2", "table"}, {"ns::Record::member", "ns::Record::member"},
           {"a.b::c", "a.b::c"}, {"use:local", "use:local"}, {"mutex@bank.c:12", "mutex@bank.c"}, {"&p->lock", "&p->lock"}, {":2", ":2"}, {"x::2", "x::2"}, {"x:", "x:"}})
    CHECK(meant_name(name) == meant);
  const std::string rule = R"({"order": [["^a$", "^b$"]]})";
  CHECK(judged(nested("T1", {"b.c:b", "a:2"}), rule) == "declared-order confirmed: a:2 b.c:b\n");
  CHECK(judged(nested("T1", {"a:2", "b.c:b"}), rule).empty());
  // Where the rule knows the whole name, that goes first.
  CHECK(judged(nested("T1", {"b", "a:2"}), R"({"order": [["^a$", "^b$", "^a:2$"]]})").empty());
  CHECK(judged(nested("T1", {"a:2", "b"}), R"({"order": [["^a$", "^b$", "^a:2$"]]})") == "declared-order confirmed: b a:2\n");
}

TEST_CASE("an order that was never run closes a circle", "[rules]") {
  const std::string rule = R"({"order": [{"classes": ["^a$", "^b$"], "reason": "as we said"}]})";
  const std::string trace = nested("T1", {"b", "x"}) + nested("T2", {"x", "a"});
  CHECK(judged(trace, rule) == "declared-order possible: x a b\n");
  CHECK(judged(nested("T1", {"b", "x"}) + nested("T2", {"a", "x"}), rule).empty());
  // A recursive reader does not wait for a reader.
  const std::string readers = "T1 acquire b\nT1 acquire x mode=rread\nT1 release x\nT1 release b\n"
                              "T2 acquire x mode=read\nT2 acquire a\nT2 release a\nT2 release x\n";
  CHECK(judged(readers, rule).empty());
  // Two rules together.
  CHECK(judged(nested("T1", {"b", "c"}) + nested("T2", {"a"}), R"({"order": [["^c$", "^a$"], ["^a$", "^b$"]]})") == "declared-order possible: c a b\n");
  // Declared dependencies are in the graph.
  const reports::Graph graph = judge(trace, rules_of(rule));
  unsigned declared = 0;
  for (const reports::Dependency& d : graph.dependencies)
    for (const reports::DependencyMode& mode : d.modes) declared += mode.origin == engine::Origin::kDeclared;
  CHECK(declared == 1);
}

TEST_CASE("a wait is part of a circle that an order closes", "[rules]") {
  const std::string trace = "T1 init done kind=completion\nT2 acquire b\nT2 wait done\nT1 acquire a\n"
                            "T1 release a\nT1 signal done\nT2 wake done\nT2 release b\n";
  CHECK(judged(trace, R"({"order": [["^a$", "^b$"]]})") == "declared-order possible: done a b\n");
  CHECK(judged(trace, R"({"order": [["^b$", "^a$"]]})").empty());
}

TEST_CASE("leaf locks", "[rules]") {
  const std::string rule = R"({"leaf": [{"class": "^log$", "except": "^stat$"}]})";
  CHECK(judged(nested("T1", {"log", "a"}), rule) == "leaf-lock confirmed: a log\n");
  CHECK(judged(nested("T1", {"a", "log"}), rule).empty());
  CHECK(judged(nested("T1", {"log", "stat"}), rule).empty());
  CHECK(judged("T1 acquire log\nT1 op write\nT1 release log\n", rule).empty());
  CHECK(judged("T1 acquire log\nT1 wait done\nT1 wake done\nT1 release log\n", rule) == "leaf-lock confirmed: done log\n");
}

TEST_CASE("forbidden operations", "[rules]") {
  const std::string rule = R"({"forbid": [{"operation": "fork", "under": ["^a$", "^b$"], "except": "^b$", "mode": "write"}]})";
  CHECK(judged("T1 acquire a\nT1 op fork\nT1 release a\n", rule) == "forbidden-operation confirmed: (op)fork a\n");
  CHECK(judged("T1 acquire a\nT1 release a\nT1 op fork\n", rule).empty());
  CHECK(judged("T1 acquire a\nT1 op vfork\nT1 release a\n", rule).empty());
  CHECK(judged("T1 acquire b\nT1 op fork\nT1 release b\n", rule).empty());
  CHECK(judged("T1 acquire a mode=read\nT1 op fork\nT1 release a\n", rule).empty());
  CHECK(judged("T1 acquire x\nT2 acquire a\nT1 op fork\nT2 release a\nT1 release x\n", rule).empty());
  // An interrupting handler holds nothing of what it interrupts.
  CHECK(judged("T1 acquire a\nT1 begin signal 10\nT1 op fork\nT1 end\nT1 release a\n", rule).empty());
  // More than one lock: one finding, which names them.
  const std::string both = R"({"forbid": [{"operation": "f*", "under": "*"}]})";
  CHECK(judged("T1 acquire a\nT1 acquire b\nT1 op fork\nT1 release b\nT1 release a\n", both) == "forbidden-operation confirmed: (op)fork a b\n");
}

TEST_CASE("a forbidden call is seen in the stacks of what it does", "[rules]") {
  const std::string rule = R"({"forbid": [{"call": "alloc_workqueue", "under": "mm_lock"}]})";
  const auto trace = [](const char* held_at, const char* stack) {
    return std::string("T1 acquire mm_lock site=") + held_at + "\nT1 acquire hotplug site=\"" + stack + "\"\nT1 release hotplug\nT1 release mm_lock\n";
  };
  // One frame is all that a text trace gives: the call is seen, its caller is not, and where the lock was taken is unknown.
  CHECK(judged(trace("driver+0x1", "other+0x5"), rule).empty());
  CHECK(judged(trace("driver+0x1", "alloc_workqueue+0x5"), rule) == "forbidden-operation possible: (op)alloc_workqueue mm_lock\n");
  // Taken by the function itself: not before the call.
  CHECK(judged(trace("alloc_workqueue+0x1", "alloc_workqueue+0x5"), rule).empty());
}

TEST_CASE("required locks", "[rules]") {
  const std::string rule = R"({"require": [{"operation": "modify", "lock": ["^a$", "^b$"], "mode": "write"}]})";
  CHECK(judged("T1 acquire a\nT1 op modify\nT1 release a\n", rule).empty());
  CHECK(judged("T1 acquire b\nT1 op modify\nT1 release b\n", rule).empty());
  CHECK(judged("T1 acquire a\nT1 release a\nT1 op modify site=m+0x1\n", rule) == "lock-required confirmed: (op)modify\n");
  CHECK(judged("T1 acquire a mode=read\nT1 op modify\nT1 release a\n", rule) == "lock-required confirmed: (op)modify\n");
  CHECK(judged("T1 acquire c\nT1 op modify\nT1 release c\n", rule) == "lock-required confirmed: (op)modify\n");
  CHECK(judged("T1 acquire c\nT1 op other\nT1 release c\n", rule).empty());
}

TEST_CASE("every set of locks an operation was performed under is looked at", "[rules]") {
  std::string trace;
  for (int i = 0; i < 40; ++i) trace += nested("T1", {"x" + std::to_string(i)});
  for (int i = 0; i < 40; ++i) {
    const std::string x = "x" + std::to_string(i);
    trace += "T1 acquire base\nT1 acquire " + x + "\n" + (i == 30 ? "" : "T1 acquire a\n") + "T1 op modify\n" +
             (i == 30 ? "" : "T1 release a\n") + "T1 release " + x + "\nT1 release base\n";
  }
  CHECK(judged(trace, R"({"require": [{"operation": "modify", "lock": "^a$"}]})") == "lock-required confirmed: (op)modify\n");
}

TEST_CASE("no lock allowed", "[rules]") {
  const std::string rule = R"({"no_lock": [{"operation": "callback", "except": "^big$"}]})";
  CHECK(judged("T1 acquire a\nT1 op callback\nT1 release a\n", rule) == "no-lock-allowed confirmed: (op)callback a\n");
  CHECK(judged("T1 acquire big\nT1 op callback\nT1 release big\n", rule).empty());
  CHECK(judged("T1 acquire a\nT1 release a\nT1 op callback\n", rule).empty());
  // What a thread runs for (its own end, which others wait for) is no lock.
  CHECK(judged("T1 fork T2\nT2 op callback\nT1 join T2\n", rule).empty());
}

TEST_CASE("nesting within a class", "[rules]") {
  const std::string up = "T1 init 1 class=n\nT1 init 2 class=n\nT1 acquire 1\nT1 acquire 2\nT1 release 2\nT1 release 1\n";
  const std::string both = up + "T2 acquire 2\nT2 acquire 1\nT2 release 1\nT2 release 2\n";
  CHECK(judged(both, R"({"leaf": ["zzz"]})") == "recursive-lock possible: n\n");
  CHECK(judged(both, R"({"nesting": [{"class": "^n$", "order": "any"}]})").empty());
  CHECK(judged(both, R"({"nesting": [{"class": "^m$", "order": "any"}]})") == "recursive-lock possible: n\n");
  CHECK(judged(both, R"({"nesting": [{"class": "^n$", "order": "address"}]})") == "recursive-lock possible: n\n");
  CHECK(judged(up, R"({"nesting": [{"class": "^n$", "order": "address"}]})").empty());
  // The same lock twice is a deadlock whatever a rule says.
  CHECK(judged("T1 acquire a\nT1 acquire a\n", R"({"nesting": [{"class": "a", "order": "any"}]})").find("recursive-lock deadlock: a") == 0);
}

TEST_CASE("wait types", "[rules]") {
  const std::string rule = R"({"wait": [{"class": "^raw$", "type": "raw-spin"}, {"class": "^m$", "type": "sleep"}]})";
  CHECK(judged(nested("T1", {"raw", "m"}), rule) == "wait-context confirmed: m\n");
  CHECK(judged(nested("T1", {"m", "raw"}), rule).empty());
  CHECK(judged(nested("T1", {"raw", "unknown"}), rule).empty());
}

TEST_CASE("names by rule files", "[rules]") {
  const reports::Graph graph = judge(nested("T1", {"m1", "m2"}), rules_of(R"({"names": [{"class": "^m1$", "name": "conn->lock"}], "order": [["m2", "conn->lock"]]})"));
  CHECK(found(graph) == "declared-order confirmed: m2 conn->lock\n");
}

TEST_CASE("judging again changes nothing, and findings survive the file", "[rules]") {
  const rules::RuleSet rules = rules_of(R"({"order": [["^a$", "^b$"]], "leaf": ["^x$"], "no_lock": [{"operation": "*"}]})");
  const reports::Graph once = judge(nested("T1", {"b", "x"}) + nested("T2", {"x", "a"}) + nested("T2", {"b", "a"}) +
                                    "T1 acquire a\nT1 op fork\nT1 release a\n", rules);
  reports::Graph again = once;
  rules::evaluate(rules, again);
  CHECK(reports::to_json(again) == reports::to_json(once));
  reports::Graph read;
  reports::ReadError error;
  REQUIRE(reports::from_json(reports::to_json(once), read, error));
  CHECK(found(read) == found(once));
  // Another rule file: what the first one declared is gone.
  rules::evaluate(rules_of(R"({"order": [["^b$", "^a$"]]})"), read);
  for (const reports::Dependency& d : read.dependencies)
    for (const reports::DependencyMode& mode : d.modes)
      if (mode.origin == engine::Origin::kDeclared) CHECK(read.classes[d.from].name == "b");
}

TEST_CASE("what rules find, printed", "[rules]") {
  const std::string trace =
      "T1/11 acquire b site=take_b+0x1/0x9\nT1/11 acquire a site=take_a+0x2/0x9\nT1/11 op fork site=spawn+0x3/0x9\nT1/11 release a\nT1/11 release b\n"
      "T2/12 acquire b site=second_b+0x1/0x9\nT2/12 acquire x site=take_x+0x1/0x9\nT2/12 release x\nT2/12 release b\n"
      "T2/12 acquire x site=take_x+0x5/0x9\nT2/12 acquire c site=take_c+0x2/0x9\nT2/12 release c\nT2/12 release x\nT2/12 op modify site=change+0x3/0x9\n";
  const reports::Graph graph = judge(trace, rules_of(R"({
    "order": [{"classes": ["^a$", "^b$"], "reason": "a is the table, b a row"}, ["^c$", "^b$"]],
    "leaf": ["^x$"],
    "forbid": [{"operation": "fork", "under": "^a$", "reason": "no locks in the child"}],
    "no_lock": [{"operation": "fork"}],
    "require": [{"operation": "modify", "lock": "^a$"}]
  })"));
  std::string out;
  for (const reports::Finding& f : graph.findings) out += reports::render_splat(graph, f, {}) + "\n";
  reports::test::check_golden("splat_rules.txt", out);
}

TEST_CASE("nesting declared to ascend: the same two locks both ways break it", "[rules]") {
  const std::string both = "T1 init a.1 class=a\nT1 init a.2 class=a\nT1 acquire a.1\nT1 acquire a.2\nT1 release a.2\nT1 release a.1\n"
                           "T2 acquire a.2\nT2 acquire a.1\nT2 release a.1\nT2 release a.2\n"
                           "T3 acquire a.1\nT3 acquire a.2\nT3 release a.2\nT3 release a.1\n";
  const rules::RuleSet rules = rules_of(R"({"nesting": [{"class": "^a$", "order": "address"}]})");
  CHECK(found(judge(both, rules)) == "recursive-lock possible: a\n");
}
