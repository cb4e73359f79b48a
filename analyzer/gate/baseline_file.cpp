// SPDX-License-Identifier: MIT
//
// The baseline file (baseline.h): JSON, read strictly, written so that a change of one entry is a change of a few lines:
// findings over several lines each, dependencies one a line, everything sorted.
//
// nlohmann::json throws on text that is no JSON; that exception is caught here.
//
// Threading: pure functions.  Allocation: the heap.
#include <nlohmann/json.hpp>
#include <optional>

#include "gate/baseline.h"
#include "gate/json_lines.h"
#include "rules/nearest.h"
#include "reports/suppressions.h"
#include "reports/whole_file.h"
#include "rules/catalogue.h"

namespace crossdep::gate {
namespace {

using Json = nlohmann::ordered_json;

struct Wrong {
  std::string pointer, cause;
};

class Reader {
 public:
  Reader(const Json& json, Baseline& out) : json_(json), out_(out) {}

  std::optional<Wrong> read() {
    if (!json_.is_object()) return Wrong{"", "is not an object"};
    keys(json_, "", {"$schema", "format", "schema", "findings", "dependencies"});
    if (wrong_) return wrong_;
    const std::string format = text(json_, "", "format", true);
    if (!wrong_ && format != "crossdep-baseline") fail("/format", "is \"" + format + "\", not \"crossdep-baseline\"");
    schema();
    each("findings", [this](const Json& entry, const std::string& at) { finding(entry, at); });
    each("dependencies", [this](const Json& entry, const std::string& at) { dependency(entry, at); });
    return wrong_;
  }

 private:
  void fail(const std::string& pointer, const std::string& cause) {
    if (!wrong_) wrong_ = Wrong{pointer, cause};
  }

  void keys(const Json& object, const std::string& at, const std::vector<std::string>& known) {
    for (const auto& [key, value] : object.items()) {
      if (std::find(known.begin(), known.end(), key) != known.end()) continue;
      const std::string near = rules::nearest(key, known);
      return fail(at + "/" + key, "unknown key \"" + key + "\"" + (near.empty() ? "" : "; did you mean \"" + near + "\"?"));
    }
  }

  std::string text(const Json& object, const std::string& at, const char* key, bool needed) {
    if (wrong_) return {};
    const auto found = object.find(key);
    if (found == object.end()) {
      if (needed) fail(at, std::string("key \"") + key + "\" is missing");
      return {};
    }
    if (!found->is_string()) {
      fail(at + "/" + key, std::string("\"") + key + "\" is not a string");
      return {};
    }
    return found->get<std::string>();
  }

  std::string date(const Json& object, const std::string& at, const char* key) {
    const std::string value = text(object, at, key, false);
    if (!wrong_ && !value.empty() && !is_date(value)) fail(at + "/" + key, "\"" + value + "\" is not a date (YYYY-MM-DD)");
    return value;
  }

  void schema() {
    if (wrong_) return;
    const auto found = json_.find("schema");
    if (found == json_.end()) return fail("", "key \"schema\" is missing");
    if (!found->is_number_unsigned() || found->get<std::uint64_t>() == 0) return fail("/schema", "\"schema\" is not a number from 1");
    if (found->get<std::uint64_t>() > kBaselineSchema)
      fail("/schema", "schema " + found->dump() + " is newer than this crossdep reads (" + std::to_string(kBaselineSchema) + ")");
  }

  template <typename Read>
  void each(const char* key, Read read) {
    if (wrong_) return;
    const auto found = json_.find(key);
    if (found == json_.end()) return;
    const std::string at = std::string("/") + key;
    if (!found->is_array()) return fail(at, std::string("\"") + key + "\" is not an array");
    for (std::size_t i = 0; i < found->size() && !wrong_; ++i) {
      const std::string place = at + "/" + std::to_string(i);
      if (!(*found)[i].is_object()) return fail(place, "is not an object");
      read((*found)[i], place);
    }
  }

  void finding(const Json& entry, const std::string& at) {
    keys(entry, at, {"id", "match", "check", "classes", "verdict", "reason", "owner", "date", "until"});
    AcceptedFinding f;
    f.id = text(entry, at, "id", false);
    f.match = text(entry, at, "match", false);
    f.check = text(entry, at, "check", false);
    f.verdict = text(entry, at, "verdict", false);
    f.reason = text(entry, at, "reason", true);
    f.owner = text(entry, at, "owner", false);
    f.date = date(entry, at, "date");
    f.until = date(entry, at, "until");
    if (wrong_) return;
    if (f.id.empty() == f.match.empty()) return fail(at, "has not one of \"id\" and \"match\"");
    if (!f.id.empty() && !is_finding_id(f.id)) return fail(at + "/id", "\"" + f.id + "\" is no finding's id (cd- and 12 hex digits)");
    if (f.reason.find_first_not_of(" \t\r\n") == std::string::npos) return fail(at + "/reason", "\"reason\" is empty");
    engine::Check check;
    if (!f.check.empty() && !rules::parse_check(f.check, check)) return fail(at + "/check", "unknown check \"" + f.check + "\"" + near_check(f.check));
    engine::Verdict verdict;
    if (!f.verdict.empty() && !reports::parse(f.verdict, verdict)) return fail(at + "/verdict", "unknown verdict \"" + f.verdict + "\"");
    pattern(f.match, at);
    classes(entry, at, f);
    if (wrong_) return;
    if (out_.find(f.key()) != nullptr) return fail(at, "\"" + f.key() + "\" stands twice");
    out_.accept(std::move(f));
  }

  static std::string near_check(const std::string& word) {
    std::vector<std::string> known;
    for (unsigned i = 0; i < engine::kCheckCount; ++i) known.push_back(rules::catalogue()[i].id);
    const std::string near = rules::nearest(word, known);
    return near.empty() ? std::string() : "; did you mean \"" + near + "\"?";
  }

  void pattern(const std::string& match, const std::string& at) {
    reports::Suppressions parsed;
    std::string cause;
    if (match.empty() || wrong_) return;
    if (match.find('\n') != std::string::npos) fail(at + "/match", "\"match\" has several lines");
    else if (!parsed.parse(match, "", cause)) fail(at + "/match", cause.substr(cause.find(": ") + 2));
    else if (parsed.size() == 0) fail(at + "/match", "\"" + match + "\" is of a kind that says nothing about locks");
  }

  void classes(const Json& entry, const std::string& at, AcceptedFinding& f) {
    const auto found = entry.find("classes");
    if (wrong_ || found == entry.end()) return;
    if (!found->is_array()) return fail(at + "/classes", "\"classes\" is not an array");
    for (const Json& name : *found) {
      if (!name.is_string()) return fail(at + "/classes", "\"classes\" holds something that is not a string");
      f.classes.push_back(name.get<std::string>());
    }
  }

  void dependency(const Json& entry, const std::string& at) {
    keys(entry, at, {"from", "to", "reason", "owner", "date"});
    AcceptedDependency d;
    d.from = text(entry, at, "from", true);
    d.to = text(entry, at, "to", true);
    d.reason = text(entry, at, "reason", false);
    d.owner = text(entry, at, "owner", false);
    d.date = date(entry, at, "date");
    // In sorted order this appends; a file edited by hand may be in any order.
    if (!wrong_) out_.accept(std::move(d));
  }

  const Json& json_;
  Baseline& out_;
  std::optional<Wrong> wrong_;
};

// "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error while ..." -> the part in words.
std::string words_of(const std::string& what) {
  const auto at = what.find("syntax error while parsing ");
  std::string out = "not JSON: " + (at == std::string::npos ? what : "while reading " + what.substr(at + 27));
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 32) c = ' ';
  return out.size() > 200 ? out.substr(0, 200) + "..." : out;
}

void put(Json& out, const char* key, const std::string& value) {
  if (!value.empty()) out[key] = value;
}

Json object(const AcceptedFinding& f) {
  Json out = Json::object();
  put(out, "id", f.id);
  put(out, "match", f.match);
  put(out, "check", f.check);
  if (!f.classes.empty()) out["classes"] = f.classes;
  put(out, "verdict", f.verdict);
  out["reason"] = f.reason;
  put(out, "owner", f.owner);
  put(out, "date", f.date);
  put(out, "until", f.until);
  return out;
}

Json object(const AcceptedDependency& d) {
  Json out = {{"from", d.from}, {"to", d.to}};
  put(out, "reason", d.reason);
  put(out, "owner", d.owner);
  put(out, "date", d.date);
  return out;
}

std::string dumped(const Json& json, int indent) { return json.dump(indent, ' ', false, Json::error_handler_t::replace); }

}  // namespace

bool parse_baseline(const std::string& text, const std::string& name, Baseline& out, std::string& error) {
  Json json;
  try {
    json = Json::parse(text);
  } catch (const Json::parse_error& caught) {
    error = name + ":" + std::to_string(line_at(text, caught.byte == 0 ? 0 : caught.byte - 1)) + ": " + words_of(caught.what());
    return false;
  } catch (const Json::exception&) {
    error = name + ":1: not JSON that can be read: it holds a number that is too large";
    return false;
  }
  Baseline read;
  if (const std::optional<Wrong> wrong = Reader(json, read).read()) {
    error = name + ":" + std::to_string(line_of(text, wrong->pointer)) + ": " + wrong->cause;
    return false;
  }
  out = std::move(read);
  return true;
}

bool read_baseline(const std::string& path, Baseline& out, std::string& error) {
  std::string text;
  if (!reports::read_whole_file(path, text, error)) return false;
  if (text.empty()) {
    error = reports::input_name(path) + ":1: the file is empty";
    return false;
  }
  return parse_baseline(text, reports::input_name(path), out, error);
}

std::string to_text(const Baseline& baseline) {
  std::string out = "{\n  \"format\": \"crossdep-baseline\",\n  \"schema\": " + std::to_string(kBaselineSchema) + ",\n  \"findings\": [";
  for (std::size_t i = 0; i < baseline.findings.size(); ++i) {
    const Json json = object(baseline.findings[i]);
    out += i == 0 ? "\n    {" : ",\n    {";
    bool first = true;
    for (const auto& [key, value] : json.items()) {
      out += std::string(first ? "" : ",") + "\n      " + dumped(key, -1) + ": " + dumped(value, -1);
      first = false;
    }
    out += "\n    }";
  }
  out += baseline.findings.empty() ? "],\n  \"dependencies\": [" : "\n  ],\n  \"dependencies\": [";
  for (std::size_t i = 0; i < baseline.dependencies.size(); ++i)
    out += (i == 0 ? "\n    " : ",\n    ") + dumped(object(baseline.dependencies[i]), -1);
  return out + (baseline.dependencies.empty() ? "]\n}\n" : "\n  ]\n}\n");
}

}  // namespace crossdep::gate
