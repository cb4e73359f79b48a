// SPDX-License-Identifier: MIT
//
// Graph files: what is written is read back equal and follows the published schema; what is wrong is refused with its
// place. The schema is checked by a validator of the few keywords it uses, so that schema and writer cannot drift apart.
#include "reports/json.h"

#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <random>
#include <regex>

#include "reports/merge.h"
#include "unit/reports/engine_run.h"
#include "unit/reports/golden.h"
#include "unit/reports/graph_maker.h"

namespace {

using namespace crossdep;
using namespace crossdep::reports::test;
using nlohmann::json;
using reports::Graph;

// The keywords graph.schema.json uses; returns the first violation.
class Schema {
 public:
  Schema() : root_(json::parse(read_text(std::string(CROSSDEP_TEST_DATA) + "/../analyzer/reports/graph.schema.json"))) {}
  std::string check(const json& value) const { return check(value, root_, ""); }

 private:
  static bool has_type(const json& value, const std::string& type) {
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "boolean") return value.is_boolean();
    if (type == "integer") return value.is_number_integer();
    return false;
  }
  std::string check(const json& value, const json& rule, const std::string& where) const {
    for (const auto& [key, _] : rule.items()) {
      static const std::vector<std::string> known = {"$schema", "$id", "$defs", "$ref", "title", "description", "type", "const", "enum", "pattern",
                                                     "minimum", "items", "minItems", "maxItems", "required", "properties", "additionalProperties"};
      if (std::find(known.begin(), known.end(), key) == known.end()) return where + ": schema keyword " + key + " is not checked here";
    }
    if (rule.contains("$ref")) return check(value, root_.at(json::json_pointer(rule["$ref"].get<std::string>().substr(1))), where);
    if (rule.contains("type") && !has_type(value, rule["type"])) return where + ": is no " + rule["type"].get<std::string>();
    if (rule.contains("const") && value != rule["const"]) return where + ": has another value";
    if (rule.contains("enum") && std::find(rule["enum"].begin(), rule["enum"].end(), value) == rule["enum"].end()) return where + ": no such word";
    if (rule.contains("pattern") && !std::regex_search(value.get<std::string>(), std::regex(rule["pattern"].get<std::string>()))) return where + ": does not match";
    if (rule.contains("minimum") && value < rule["minimum"]) return where + ": too small";
    if (value.is_array()) {
      if (rule.contains("minItems") && value.size() < rule["minItems"]) return where + ": too short";
      if (rule.contains("maxItems") && value.size() > rule["maxItems"]) return where + ": too long";
      for (std::size_t i = 0; rule.contains("items") && i < value.size(); ++i)
        if (std::string bad = check(value[i], rule["items"], where + "/" + std::to_string(i)); !bad.empty()) return bad;
    }
    if (!value.is_object()) return {};
    for (const json& key : rule.value("required", json::array()))
      if (!value.contains(key.get<std::string>())) return where + ": " + key.get<std::string>() + " is missing";
    for (const auto& [key, member] : value.items()) {
      if (!rule["properties"].contains(key)) return where + ": " + key + " is not in the schema";
      if (std::string bad = check(member, rule["properties"][key], where + "/" + key); !bad.empty()) return bad;
    }
    return {};
  }
  json root_;
};

// Something of everything in one graph.
Graph rich_graph() {
  GraphMaker m;
  const auto a = m.lock_class("a \"quoted\"\\", engine::Kind::kRwsem, 4, 0xff);
  const auto done = m.lock_class("(complete)done", engine::Kind::kCompletion, 0, 0x95);
  const auto la = m.instance(a, 0xffff888000001000), x = m.instance(done, 0x2000);
  const auto t1 = m.context("T 1", 1), t2 = m.context("T/2", 2, engine::ContextKind::kTask);
  auto w = m.witness(a, done, t1);
  w.from = la;
  w.to = x;
  w.from_mode = engine::Mode::kRead;
  w.flags = engine::kTimed;
  w.ordinal = 77;
  w.from_site = m.site("a.c:1:5");
  w.to_site = m.site("f+0x10/0x40 [mod]");
  const auto l1 = m.add(w, {{la, a, "a.c:1:5", engine::Mode::kRead}});
  auto e = m.witness(done, a, t2);
  e.origin = engine::Origin::kHistory;
  e.from = x;
  e.to = la;
  e.waiter = t1;
  e.to_stack = m.stack({"g+0x4/0x8", "h"});
  e.wait_stack = m.stack({"f+0x10/0x40 [mod]", "main"});
  e.wait_site = m.site("f+0x10/0x40 [mod]");
  e.release_stack = m.stack({"k+0x1/0x2"});
  const auto l0 = m.add(e);
  auto f = m.finding(engine::Check::kCrossReleaseCycle, engine::Verdict::kPossible, engine::Reason::kHistoryOnly, t2);
  f.instance = x;
  f.at_commit = true;
  f.stack = e.release_stack;
  f.site = m.site("k+0x1/0x2");
  m.add(f, {l0, l1}, {{la, a, "a.c:1:5"}});
  auto d = m.finding(engine::Check::kDestroyHeld, engine::Verdict::kConfirmed, engine::Reason::kObserved, t1);
  d.instance = d.other = la;
  d.range_begin = 0x1000;
  d.range_end = 0x2000;
  d.site = m.site("free_it");
  m.add(d, {}, {{la, a, "a.c:1:5"}});
  reports::Run run;
  run.source = "live";
  run.pid = 9;
  run.parent_pid = 8;
  run.executable = "/usr/bin/some thing";
  run.arguments = {"some thing", "", "--x=\n"};
  run.started_ns = 1700000000123456789u;
  run.ended = true;
  run.exit_status = -1;
  run.requests = 12;
  run.losses = {1, 2, 3, 4, 0};
  m.builder().set_run(run);
  return m.graph();
}

// Reads the document after an edit; the error as "position: cause".
std::string error_after(const std::function<void(json&)>& edit) {
  json document = json::parse(reports::to_json(rich_graph()));
  edit(document);
  Graph graph;
  reports::ReadError error;
  return reports::from_json(document.dump(), graph, error) ? std::string() : error.position + ": " + error.cause;
}

struct TemporaryFile {
  TemporaryFile() { ::close(::mkstemp(path)); }
  ~TemporaryFile() { ::unlink(path); }
  char path[32] = "/tmp/crossdep-json-XXXXXX";
};

}  // namespace

TEST_CASE("a graph file is read back as it was written", "[json]") {
  const Graph graph = rich_graph();
  const std::string text = reports::to_json(graph);
  Graph again;
  reports::ReadError error;
  REQUIRE(reports::from_json(text, again, error));
  CHECK(reports::to_json(again) == text);
  REQUIRE(again.findings.size() == 2);
  CHECK(again.findings == graph.findings);
  CHECK(again.frames == graph.frames);
  CHECK(again.stacks == graph.stacks);
  CHECK(again.runs.front().arguments == graph.runs.front().arguments);
  CHECK(again.classes.front().usage == graph.classes.front().usage);
}

TEST_CASE("graph files follow the published schema", "[json]") {
  const Schema schema;
  CHECK(schema.check(json::parse(reports::to_json(rich_graph()))).empty());
  CHECK(schema.check(json::parse(reports::to_json(Graph()))).empty());
  EngineRun one("one", 1), two("two", 2);
  one.take("T1", {"a", "b"});
  one.take("T1", {"b", "a"});
  two.take("T1", {"b", "a"});
  const Graph raised = reports::merge({one.graph(), two.graph()});
  REQUIRE(raised.findings.size() == 1);
  REQUIRE(raised.findings.front().run_reason_code == "one-context");
  CHECK(schema.check(json::parse(reports::to_json(raised))).empty());
  // The validator itself notices things.
  json broken = json::parse(reports::to_json(rich_graph()));
  broken["findings"][0]["verdict"] = "maybe";
  CHECK(schema.check(broken) == "/findings/0/verdict: no such word");
}

TEST_CASE("a finding's keys are those the design names", "[json]") {
  const json document = json::parse(reports::to_json(rich_graph()));
  const json& finding = document["findings"][1];
  CHECK(finding["check"] == "cross-release-cycle");
  CHECK(finding["verdict"] == "possible");
  CHECK(finding["classes"] == json::array({"a \"quoted\"\\", "(complete)done"}));
  CHECK(finding["dependencies"].size() == 2);
  CHECK(finding["dependencies"][0]["from"] == "(complete)done");
  CHECK(finding["contexts"] == json::array({"T/2/2", "T 1/1"}));
  CHECK_FALSE(finding["locations"].empty());
}

TEST_CASE("what is wrong with a graph file is said with its place", "[json]") {
  CHECK(error_after([](json&) {}).empty());
  CHECK(error_after([](json& j) { j["schema"] = 2; }) == "/schema: is 2, newer than this crossdep reads (1)");
  CHECK(error_after([](json& j) { j["schema"] = 0; }) == "/schema: is 0; versions begin with 1");
  CHECK(error_after([](json& j) { j["format"] = "other"; }) == "/format: is \"other\", not \"crossdep-graph\"");
  CHECK(error_after([](json& j) { j.erase("runs"); }) == "/: key \"runs\" is missing");
  CHECK(error_after([](json& j) { j["surplus"] = 1; }) == "/: unknown key \"surplus\"");
  CHECK(error_after([](json& j) { j["classes"][0]["colour"] = "red"; }) == "/classes/0: unknown key \"colour\"");
  CHECK(error_after([](json& j) { j["classes"][0]["kind"] = "door"; }) == "/classes/0/kind: has the unknown value \"door\"");
  CHECK(error_after([](json& j) { j["classes"][0]["usage"] = "+.+"; }) == "/classes/0/usage: is not four of the characters . - + ?");
  CHECK(error_after([](json& j) { j["classes"][1]["name"] = j["classes"][0]["name"]; }).find("/classes/1/name: stands twice") == 0);
  CHECK(error_after([](json& j) { j["instances"][0]["address"] = "12"; }) == "/instances/0/address: is not a hexadecimal number");
  CHECK(error_after([](json& j) { j["stacks"][0][0] = 999; }).find("/stacks/0/0: is beyond the end of its table") == 0);
  CHECK(error_after([](json& j) { j["dependencies"][0]["witnesses"][0]["context"] = -1; }) == "/dependencies/0/witnesses/0/context: is negative");
  CHECK(error_after([](json& j) { j["dependencies"][0]["from"] = "nobody"; }) == "/dependencies/0/from: names the unknown class \"nobody\"");
  CHECK(error_after([](json& j) { j["findings"][0]["check"] = "luck"; }) == "/findings/0/check: has the unknown value \"luck\"");
  CHECK(error_after([](json& j) { j["findings"][1]["classes"].erase(0); }) == "/findings/1/classes: has not one entry for each dependency");
  CHECK(error_after([](json& j) { j["findings"][1]["closing"]["held"] = 1; }) == "/findings/1/closing/held: is not an array");
  CHECK(error_after([](json& j) { j["runs"][0]["requests"] = 1.5; }) == "/runs/0/requests: is not a whole number");
  CHECK(error_after([](json& j) { j["frames"][0]["line"] = 1ull << 40; }) == "/frames/0/line: is out of range");
  CHECK(error_after([](json& j) { j = json::array(); }) == "/: is not an object");
}

TEST_CASE("a graph file cut anywhere is refused with the offset", "[json]") {
  const std::string text = reports::to_json(rich_graph());
  for (std::size_t length = 0; length + 2 < text.size(); length += 7) {
    Graph graph;
    reports::ReadError error;
    CAPTURE(length);
    REQUIRE_FALSE(reports::from_json(std::string_view(text).substr(0, length), graph, error));
    CHECK(error.position == "offset " + std::to_string(length));
    CHECK(error.cause.find('\n') == std::string::npos);
  }
}

TEST_CASE("a graph file damaged anywhere is refused or read, never worse", "[json]") {
  const std::string text = reports::to_json(rich_graph());
  std::mt19937 random(7);
  for (unsigned i = 0; i < 3000; ++i) {
    std::string damaged = text;
    damaged[random() % damaged.size()] = static_cast<char>(random());
    Graph graph;
    reports::ReadError error;
    if (reports::from_json(damaged, graph, error)) CHECK_FALSE(reports::to_json(reports::merge({graph})).empty());
  }
}

TEST_CASE("names that are no UTF-8 do not make an unreadable file", "[json]") {
  GraphMaker m;
  m.lock_class("bad \xff\xfe name");
  Graph again;
  reports::ReadError error;
  CHECK(reports::from_json(reports::to_json(m.graph()), again, error));
}

TEST_CASE("files are replaced whole, and errors name them", "[json]") {
  const TemporaryFile file;
  std::string cause;
  REQUIRE(reports::write_graph_file(file.path, rich_graph(), cause));
  Graph again;
  REQUIRE(reports::read_graph_file(file.path, again, cause));
  CHECK(again.findings.size() == 2);

  CHECK_FALSE(reports::write_graph_file("/nonexistent/x.cdgraph", again, cause));
  CHECK(cause == "/nonexistent/x.cdgraph: cannot write: No such file or directory");
  CHECK_FALSE(reports::read_graph_file("/nonexistent/x.cdgraph", again, cause));
  CHECK(cause == "/nonexistent/x.cdgraph: cannot read: No such file or directory");
  CHECK_FALSE(reports::read_graph_file("/tmp", again, cause));
  CHECK(cause == "/tmp: cannot read: Is a directory");
  REQUIRE(::truncate(file.path, 0) == 0);
  CHECK_FALSE(reports::read_graph_file(file.path, again, cause));
  CHECK(cause == std::string(file.path) + ": offset 0: the file is empty");
  CHECK(reports::looks_like_graph(" \n{"));
  CHECK_FALSE(reports::looks_like_graph("T1 acquire a"));
}
