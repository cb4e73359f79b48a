// SPDX-License-Identifier: MIT
//
// Reading rule files: everything a file may say, and for everything it may not the one line that says where and why.
#include "rules/rule_file.h"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "catch.hpp"
#include "rules/pattern.h"

namespace {

using namespace crossdep;
using rules::RuleSet;

std::string cause_of(const std::string& text) {
  RuleSet set;
  std::string cause;
  REQUIRE_FALSE(rules::parse_rules(text, "r.json", set, cause));
  CHECK(set.empty());
  CHECK(cause.find('\n') == std::string::npos);
  return cause;
}

std::string text_of(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

const std::filesystem::path kShipped = std::filesystem::path(CROSSDEP_TEST_DATA).parent_path() / "rules";

}  // namespace

TEST_CASE("a rule file with everything in it", "[rules]") {
  RuleSet set;
  std::string cause;
  const bool read = rules::parse_rules(R"(// comment
{
  "$schema": "rules.schema.json", "schema": 1, "description": "all",  /* another */
  "order": [["a", ["b", "c*"]], {"classes": ["x", "y"], "reason": "why"}],
  "leaf": ["log", {"class": ["l1", "l2"], "except": "stat", "reason": "short"}],
  "forbid": [{"operation": "fork", "call": ["f", "g"], "under": "*", "except": "big", "mode": "write", "reason": "r"}],
  "require": [{"call": "modify", "lock": ["a", "b"], "mode": "any"}],
  "no_lock": [{"operation": ["cb"], "except": ["ok"]}],
  "max_hold": [{"class": "slow", "milliseconds": 20}],
  "nesting": [{"class": "node", "order": "address"}, {"class": "leaf", "order": "any"}],
  "wait": [{"class": "raw", "type": "raw-spin"}, {"class": "m", "type": "sleep", "outer": "free"}],
  "names": [{"class": "^mutex@f$", "name": "one"}, {"function": "g", "kind": "spin", "name": "two"}, {"site": "a.c:3", "name": "three"}],
  "wrappers": ["my_lock*"]
})", "dir/r.json", set, cause);
  INFO(cause);
  REQUIRE(read);
  REQUIRE(set.orders.size() == 2);
  CHECK(set.orders[0].classes == std::vector<rules::Patterns>{{"a"}, {"b", "c*"}});
  CHECK(set.orders[1].reason == "why");
  CHECK(set.orders[1].place == "r.json:4");
  REQUIRE(set.leaves.size() == 2);
  CHECK(set.leaves[1].except == rules::Patterns{"stat"});
  REQUIRE(set.forbids.size() == 1);
  CHECK(set.forbids[0].performed.calls == rules::Patterns{"f", "g"});
  CHECK(set.forbids[0].writers_only);
  REQUIRE(set.requires_lock.size() == 1);
  CHECK_FALSE(set.requires_lock[0].for_writing);
  CHECK(set.no_lock.size() == 1);
  REQUIRE(set.max_holds.size() == 1);
  CHECK(set.max_holds[0].milliseconds == 20);
  REQUIRE(set.nestings.size() == 2);
  CHECK(set.nestings[0].by_address);
  CHECK_FALSE(set.nestings[1].by_address);
  REQUIRE(set.waits.size() == 2);
  CHECK((set.waits[0].inner == 2 && set.waits[0].outer == 2));
  CHECK((set.waits[1].inner == 4 && set.waits[1].outer == 1));
  REQUIRE(set.names.size() == 3);
  CHECK(set.names[1].kind == engine::Kind::kSpin);
  CHECK(set.names[0].any_kind);
  CHECK(set.wrappers == rules::Patterns{"my_lock*"});
}

TEST_CASE("files are added to each other, a bad one adds nothing", "[rules]") {
  RuleSet set;
  std::string cause;
  REQUIRE(rules::parse_rules(R"({"leaf": ["a"]})", "1", set, cause));
  REQUIRE(rules::parse_rules(R"({"leaf": ["b"]})", "2", set, cause));
  REQUIRE_FALSE(rules::parse_rules(R"({"leaf": ["c", 1]})", "3", set, cause));
  CHECK(set.leaves.size() == 2);
}

TEST_CASE("what is wrong with a rule file is told with its place", "[rules]") {
  const std::pair<const char*, const char*> cases[] = {
      {"", "r.json:1:1: "},
      {"{", "r.json:1:"},
      {"[]", "r.json:1:1: a list where an object belongs"},
      {"{\"order\": [[\"a\", \"b\"]],}", "r.json:1:"},
      {"{\n  \"ordr\": []\n}", "r.json:2:3: unknown key \"ordr\"; did you mean \"order\"?"},
      {"{\"zzzzzz\": 1}", "r.json:1:2: unknown key \"zzzzzz\"; known here are "},
      {"{\"leaf\": [],\n \"leaf\": []}", "r.json:2:2: key \"leaf\" is given twice"},
      {"{\"leaf\": {}}", "r.json:1:10: \"leaf\" is an object where a list belongs"},
      {"{\"leaf\": [12]}", "r.json:1:11: a number where an object belongs"},
      {"{\"leaf\": [\"\"]}", "r.json:1:11: \"leaf\" is empty"},
      {"{\"leaf\": [{}]}", "r.json:1:11: key \"class\" is missing"},
      {"{\"leaf\": [{\"class\": \"a\", \"reason\": true}]}", "r.json:1:36: \"reason\" is true where text belongs"},
      {"{\"order\": [[\"a\"]]}", "r.json:1:12: an order needs at least two classes"},
      {"{\"order\": [\n[\"a\", -1.5e3]]}", "r.json:2:7: \"order\" is a number where a pattern or a list of patterns belongs"},
      {"{\"order\": [[\"a\", []]]}", "r.json:1:18: \"order\" is an empty list"},
      {"{\"forbid\": [{\"under\": \"a\"}]}", "r.json:1:13: neither \"operation\" nor \"call\" is there"},
      {"{\"forbid\": [{\"operation\": \"a\"}]}", "r.json:1:13: key \"under\" is missing"},
      {"{\"forbid\": [{\"operation\": \"a\", \"under\": \"b\", \"mode\": \"wirte\"}]}",
       "r.json:1:54: \"mode\" has the unknown value \"wirte\"; did you mean \"write\"?"},
      {"{\"forbid\": [{\"operation\": \"a\", \"udner\": \"b\"}]}", "r.json:1:32: unknown key \"udner\"; did you mean \"under\"?"},
      {"{\"wait\": [{\"class\": \"a\", \"type\": \"bogus\"}]}", "\"type\" has the unknown value \"bogus\"; known are free, raw-spin, spin, sleep"},
      {"{\"names\": [{\"class\": \"a\", \"site\": \"b\", \"name\": \"c\"}]}", "exactly one of \"class\", \"function\" and \"site\""},
      {"{\"max_hold\": [{\"class\": \"a\"}]}", "r.json:1:15: key \"milliseconds\" is missing"},
      {"{\"max_hold\": [{\"class\": \"a\", \"milliseconds\": 0.5}]}", "\"milliseconds\" is not a whole number above 0"},
      {"{\"schema\": 2}", "r.json:1:12: schema 2 is newer than this program, which knows 1"},
      {"{\"schema\": \"1\"}", "r.json:1:12: \"schema\" is not the number 1"},
      {"{\"leaf\": [\"a\\\"b\", null]}", "r.json:1:19: null where an object belongs"},
      {"\x7f" "ELF\x01\x02", "r.json:1:"},
  };
  for (const auto& [text, cause] : cases) {
    CAPTURE(text);
    CHECK_THAT(cause_of(text), Catch::Contains(cause));
  }
  CHECK_THAT(cause_of(std::string(100'000, '[')), Catch::Contains("nested too deeply"));
}

TEST_CASE("every way of cutting a rule file short is an error, no crash", "[rules]") {
  const std::string whole = text_of(kShipped / "posix.json");
  const std::size_t end = whole.rfind('}');
  for (std::size_t length = 0; length <= end; length += 7) {
    RuleSet set;
    std::string cause;
    CHECK_FALSE(rules::parse_rules(whole.substr(0, length), "r.json", set, cause));
  }
}

TEST_CASE("the files that come with it can be read", "[rules]") {
  unsigned count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kShipped)) {
    if (entry.path().extension() != ".json" || entry.path().stem().extension() == ".schema") continue;
    CAPTURE(entry.path());
    RuleSet set;
    std::string cause;
    const bool read = rules::read_rules(entry.path().string(), set, cause);
    INFO(cause);
    CHECK(read);
    CHECK_FALSE(set.empty());
    std::string near;
    CHECK(rules::find_rules(entry.path().stem().string(), kShipped.string(), near) == entry.path().string());
    ++count;
  }
  CHECK(count >= 3);
  std::string near;
  CHECK(rules::find_rules("posx", kShipped.string(), near).empty());
  CHECK(near == "posix");
  CHECK(rules::find_rules("./posix", kShipped.string(), near) == "./posix");
}

TEST_CASE("the schema knows the keys that the reader knows", "[rules]") {
  const nlohmann::json schema = nlohmann::json::parse(text_of(kShipped / "rules.schema.json"));
  for (const auto& [name, keys] : rules::rule_keys()) {
    CAPTURE(name);
    const nlohmann::json& object = name == "file" ? schema : schema["$defs"][name];
    CHECK(object["additionalProperties"] == false);
    std::vector<std::string> known;
    for (const auto& [key, value] : object["properties"].items()) known.push_back(key);
    std::vector<std::string> read = keys;
    std::sort(read.begin(), read.end());
    CHECK(known == read);
  }
}

TEST_CASE("patterns", "[rules]") {
  CHECK(rules::fits("mm_lock", "&dev_priv->mm_lock"));
  CHECK(rules::fits("*", "anything"));
  CHECK(rules::fits("^a*c$", "abc"));
  CHECK_FALSE(rules::fits("^a*c$", "abcd"));
  CHECK_FALSE(rules::fits("^a$", "ba"));
  CHECK(rules::is("sleep", "sleep"));
  CHECK_FALSE(rules::is("sleep", "usleep"));
  CHECK(rules::is("*sleep", "clock_nanosleep"));
  CHECK(rules::is_function("ns::f", "ns::f(int, char)"));
  CHECK(rules::is_function("f", "f.isra.0"));
  CHECK_FALSE(rules::is_function("f", "g"));
}
