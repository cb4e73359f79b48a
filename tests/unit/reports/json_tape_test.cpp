// SPDX-License-Identifier: MIT
//
// The tape against nlohmann::json: both take the same texts, and read the same out of them.
#include "reports/json_tape.h"

#include <nlohmann/json.hpp>
#include <random>

#include "catch.hpp"

namespace {

using crossdep::reports::JsonTape;
using crossdep::reports::JsonValue;
using nlohmann::json;

// A tape's value in the library's form; numbers that are not whole become null, as the tape cannot read them.
json value_of(JsonValue value) {
  if (value.is_text()) return value.text();
  if (value.is_boolean()) return value.is_true();
  if (value.is_array()) {
    json out = json::array();
    JsonValue at = value.first();
    for (std::size_t i = 0; i < value.size(); ++i, at = at.after()) out.push_back(value_of(at));
    return out;
  }
  if (value.is_object()) {
    json out = json::object();
    JsonValue at = value.first();
    for (std::size_t i = 0; i < value.size(); ++i, at = at.after().after()) out[at.text()] = value_of(at.after());
    return out;
  }
  std::uint64_t magnitude = 0;
  bool negative = false;
  if (!value.whole_number(magnitude, negative)) return nullptr;
  return negative ? json(-static_cast<std::int64_t>(magnitude)) : json(magnitude);
}

json without_fractions(const json& value) {
  if (value.is_number_float()) return nullptr;
  if (!value.is_structured()) return value;
  json out = value;
  for (json& part : out) part = without_fractions(part);
  return out;
}

void same(const std::string& text) {
  CAPTURE(text);
  JsonTape tape;
  const bool read = tape.parse(text);
  const json known = json::parse(text, nullptr, false);
  REQUIRE(read == !known.is_discarded());
  if (read) CHECK(value_of(tape.root()) == without_fractions(known));
}

}  // namespace

TEST_CASE("what is JSON and what it holds", "[json]") {
  for (const char* text :
       {"{}", "[]", "[[]]", "[{},[],{}]", " {\n\"a\" : [ 1 , 2 ] ,\t\"b\":{\"c\":null} } ", "1", "-1", "0", "-0", "18446744073709551615", "1.5", "1e3",
        "\"\"", "\"x\"", "true", "false", "null", R"("a\"\\\/\b\f\n\r\tz")", R"("\u0041\u00e4\u20ac\ud83d\ude00")", "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"",
        "\xef\xbb\xbf{}", R"({"a":{"b":[1,{"c":"d"}]},"e":[]})"})
    same(text);
}

TEST_CASE("what is not JSON", "[json]") {
  for (const char* text :
       {"", " ", "{", "[", "}", "]", "[1,]", "[,1]", "{,}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "[1 2]", "{\"a\" 1}", "[}", "{]", "01", "-", "1.", ".5",
        "1e", "+1", "tru", "nul", "True", "\"", "\"a", "\"\n\"", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud83d\"", "\"\\ude00\"", "\"\\ud83dx\"", "\"\x80\"",
        "\"\xc0\xaf\"", "\"\xed\xa0\x80\"", "\"\xf5\x80\x80\x80\"", "\"\xe2\x82\"", "{} {}", "[] 1", "// x\n[]"})
    same(text);
}

TEST_CASE("damaged texts are taken or refused as the library does", "[json]") {
  const std::string text = R"({"format": "x", "list": [1, -2, 30.5, true, null, {"k\u00e4": "v\n\"w\""}], "empty": {}, "e": [[], [{}]]})";
  std::mt19937 random(11);
  for (unsigned i = 0; i < 20000; ++i) {
    std::string damaged = text;
    for (unsigned n = random() % 3 + 1; n-- > 0;) {
      const std::size_t at = random() % damaged.size();
      if (random() % 2 == 0) damaged[at] = "{}[]\",:0-e.\\u tn\x80"[random() % 18];
      else damaged.erase(at, 1);
    }
    same(damaged);
  }
}

TEST_CASE("nesting is limited by memory alone", "[json]") {
  const std::string deep(200000, '[');
  JsonTape tape;
  CHECK_FALSE(tape.parse(deep));
  CHECK(tape.failed_at() == deep.size());
  CHECK(tape.parse(deep + std::string(deep.size(), ']')));
}
