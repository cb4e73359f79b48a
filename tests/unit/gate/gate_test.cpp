// SPDX-License-Identifier: MIT
//
// The baseline file and the judgement against it: both directions of each thing an entry can say.
#include "gate/gate.h"

#include <random>

#include "gate/json_lines.h"
#include "unit/reports/engine_run.h"
#include "unit/reports/golden.h"

namespace {

using namespace crossdep;
using namespace crossdep::reports::test;
using gate::AcceptedFinding;
using gate::Baseline;
using gate::Judgement;
using reports::Graph;

// Two threads per pair, taking the pair in both orders.
Graph inversions(const std::vector<std::pair<std::string, std::string>>& pairs) {
  EngineRun run("inversions", 1);
  for (const auto& [first, second] : pairs) {
    run.take("T1", {first, second});
    run.take("T2", {second, first});
  }
  return run.graph();
}

Graph orders(const std::vector<std::vector<std::string>>& list) {
  EngineRun run("orders", 2);
  for (const std::vector<std::string>& order : list) run.take("T1", order);
  return run.graph();
}

gate::Options options_of(const std::string& today = "2026-06-01") {
  gate::Options out;
  out.today = today;
  return out;
}

Judgement judged(const Graph& graph, const Baseline& baseline, const gate::Options& options = options_of()) {
  return gate::judge(graph, baseline, options, {});
}

Baseline of(const Graph& graph) { return gate::make_baseline(graph, options_of(), "at first", "anna"); }

bool any_has(const std::vector<std::string>& lines, const std::string& part) {
  for (const std::string& line : lines)
    if (line.find(part) != std::string::npos) return true;
  return false;
}

std::string wrong(const std::string& text) {
  Baseline out;
  std::string error;
  CHECK_FALSE(gate::parse_baseline(text, "b.json", out, error));
  return error;
}

}  // namespace

TEST_CASE("what a baseline was made of passes, what is more is new", "[gate]") {
  const Graph one = inversions({{"a", "b"}}), two = inversions({{"a", "b"}, {"c", "d"}});
  REQUIRE(two.findings.size() == 2);
  const Baseline baseline = of(one);
  CHECK_FALSE(judged(one, baseline).fails);
  CHECK(judged(one, baseline).known == 1);
  const Judgement more = judged(two, baseline);
  CHECK(more.fails);
  CHECK(more.fresh == 1);
  CHECK(more.known == 1);
  const Judgement less = judged(orders({{"a", "b"}}), baseline);
  CHECK_FALSE(less.fails);
  CHECK(less.fixed == 1);
  const Judgement other = judged(orders({{"a", "z"}}), baseline);
  CHECK(other.fixed == 0);
  CHECK(other.stale == 1);
}

TEST_CASE("the policy decides what is new", "[gate]") {
  EngineRun run("one", 1);
  run.take("T1", {"a", "b"});
  run.take("T1", {"b", "a"});
  const Graph latent = run.graph();
  REQUIRE(latent.findings.size() == 1);
  gate::Options options = options_of();
  CHECK_FALSE(judged(latent, {}, options).fails);
  options.policy = engine::Verdict::kLatent;
  CHECK(judged(latent, {}, options).fails);
}

TEST_CASE("the dependency to blame is the one the baseline does not have", "[gate]") {
  const Graph cycle = inversions({{"a", "b"}});
  for (const std::vector<std::string>& known : {std::vector<std::string>{"a", "b"}, {"b", "a"}}) {
    const Judgement judgement = judged(cycle, of(orders({known})));
    REQUIRE(judgement.listing.findings.size() == 1);
    const reports::Listed& listed = judgement.listing.findings.front();
    CHECK(listed.blamed_is_new);
    CHECK(cycle.classes[listed.finding->links[listed.blamed].to].base == known.front());
  }
  // All known: the request that completed the cycle.
  Baseline all = of(orders({{"a", "b"}}));
  gate::AcceptedDependency back;
  back.from = "b";
  back.to = "a";
  all.accept(back);
  const Judgement judgement = judged(cycle, all);
  CHECK_FALSE(judgement.listing.findings.front().blamed_is_new);
  CHECK(judgement.listing.findings.front().blamed == 0);
}

TEST_CASE("an entry counts on its last day and no longer", "[gate]") {
  const Graph graph = inversions({{"a", "b"}});
  Baseline baseline = of(graph);
  baseline.findings.front().until = "2026-06-01";
  CHECK_FALSE(judged(graph, baseline, options_of("2026-06-01")).fails);
  const Judgement late = judged(graph, baseline, options_of("2026-06-02"));
  CHECK(late.fails);
  CHECK(late.expired == 1);
  CHECK(any_has(late.warnings, "expired: cd-"));
  CHECK(late.stale == 0);
}

TEST_CASE("patterns: stale, too broad, and just right", "[gate]") {
  const Graph graph = inversions({{"alpha", "beta"}});
  const auto with = [&](const std::string& match) {
    Baseline baseline;
    AcceptedFinding entry;
    entry.match = match;
    entry.reason = "x";
    baseline.accept(entry);
    return judged(graph, baseline);
  };
  CHECK_FALSE(with("deadlock:alp*").fails);
  CHECK(with("deadlock:alp*").warnings.empty());
  CHECK(with("mutex:alpha").fails);
  CHECK(any_has(with("mutex:alpha").warnings, "stale: 'mutex:alpha'"));
  CHECK(any_has(with("deadlock:^a*$").warnings, "too broad"));
  std::vector<std::pair<std::string, std::string>> many;
  for (int i = 0; i < 6; ++i) many.push_back({"lock_a" + std::to_string(i), "lock_b" + std::to_string(i)});
  Baseline baseline;
  AcceptedFinding entry;
  entry.match = "deadlock:lock_";
  entry.reason = "x";
  baseline.accept(entry);
  CHECK(any_has(judged(inversions(many), baseline).warnings, "hides 6 findings"));
  many.pop_back();
  CHECK(judged(inversions(many), baseline).warnings.empty());
}

TEST_CASE("new dependencies are told when asked for", "[gate]") {
  const Baseline baseline = of(orders({{"a", "b"}}));
  const Graph graph = orders({{"a", "b"}, {"b", "c"}});
  gate::Options options = options_of();
  CHECK(judged(graph, baseline, options).new_dependencies == 0);
  options.new_dependencies = gate::NewDependencies::kWarn;
  CHECK(judged(graph, baseline, options).new_dependencies == 1);
  CHECK_FALSE(judged(graph, baseline, options).fails);
  options.new_dependencies = gate::NewDependencies::kFail;
  CHECK(judged(graph, baseline, options).fails);
  CHECK_FALSE(judged(orders({{"a", "b"}}), baseline, options).fails);
}

TEST_CASE("a baseline is read as it was written", "[gate][baseline]") {
  std::mt19937 random(7);
  Baseline baseline;
  for (int i = 0; i < 40; ++i) {
    AcceptedFinding f;
    char id[32];
    std::snprintf(id, sizeof id, "cd-%012x", static_cast<unsigned>(random()));
    if (i % 3 == 0) f.match = "deadlock:name" + std::to_string(random());
    else f.id = id;
    f.reason = "because \"of\" \\ \n and ü";
    if (i % 2 == 0) f.owner = "o", f.until = "2027-02-28";
    if (i % 4 == 1) f.check = "recursive-lock", f.classes = {"a \"b\"", "c"}, f.verdict = "latent";
    baseline.accept(f);
    gate::AcceptedDependency d;
    d.from = "l" + std::to_string(random() % 10);
    d.to = "l" + std::to_string(random() % 10);
    if (i % 5 == 0) d.reason = "r", d.date = "2026-01-31";
    baseline.accept(d);
  }
  const std::string text = gate::to_text(baseline);
  Baseline again;
  std::string error;
  REQUIRE(gate::parse_baseline(text, "b", again, error));
  CHECK(gate::to_text(again) == text);
  CHECK(again.findings.size() == baseline.findings.size());
  check_golden("baseline.json", gate::to_text(of(inversions({{"a", "b"}, {"c", "d"}}))));
}

TEST_CASE("what is wrong with a baseline is told with its line", "[gate][baseline]") {
  const std::string head = "{\n \"format\": \"crossdep-baseline\",\n \"schema\": 1";
  CHECK(wrong("{") .starts_with("b.json:1: not JSON"));
  CHECK(wrong("[1]") == "b.json:1: is not an object");
  CHECK(wrong(head + ",\n \"findngs\": []}") == "b.json:4: unknown key \"findngs\"; did you mean \"findings\"?");
  CHECK(wrong(head + ",\n \"findings\": {}}") == "b.json:4: \"findings\" is not an array");
  CHECK(wrong(head + ",\n \"findings\": [\n 3]}") == "b.json:5: is not an object");
  CHECK(wrong(head + ",\n \"findings\": [{\"id\": \"cd-000000000000\"}]}") == "b.json:4: key \"reason\" is missing");
  CHECK(wrong(head + ",\n \"findings\": [{\"reason\": \"x\"}]}") == "b.json:4: has not one of \"id\" and \"match\"");
  CHECK(wrong(head + ",\n \"findings\": [{\"reason\": \"x\",\n\"match\": \"deadlok:x\"}]}").starts_with("b.json:5: unknown kind 'deadlok'"));
  CHECK(wrong(head + ",\n \"dependencies\": [{\"from\": \"a\",\n \"to\": 3}]}") == "b.json:5: \"to\" is not a string");
  CHECK(wrong("{\"format\": \"crossdep-graph\", \"schema\": 1}") == "b.json:1: is \"crossdep-graph\", not \"crossdep-baseline\"");
}

TEST_CASE("days", "[gate][baseline]") {
  CHECK(gate::is_date("2024-02-29"));
  CHECK_FALSE(gate::is_date("2026-02-29"));
  CHECK_FALSE(gate::is_date("2026-2-1"));
  CHECK_FALSE(gate::is_date("2026-13-01"));
  CHECK_FALSE(gate::is_date(""));
}

TEST_CASE("lines of things in JSON", "[gate][baseline]") {
  const std::string json = "{\n\"a\": [\n1,\n{\"b\\\"\": \"]}\",\n\"c\": 2}],\n\"d\":\n3}";
  CHECK(gate::line_of(json, "") == 1);
  CHECK(gate::line_of(json, "/a") == 2);
  CHECK(gate::line_of(json, "/a/0") == 3);
  CHECK(gate::line_of(json, "/a/1") == 4);
  CHECK(gate::line_of(json, "/a/1/c") == 5);
  CHECK(gate::line_of(json, "/d") == 6);
  CHECK(gate::line_of(json, "/a/9") == 2);
}
