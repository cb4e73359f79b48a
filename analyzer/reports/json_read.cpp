// SPDX-License-Identifier: MIT
//
// JSON -> Graph (json.h), strictly: every key is known, every needed one there, every index in range. The first thing
// that is wrong is reported with its place; reading goes on no further.
//
// What is no JSON is looked at again by nlohmann::json, which says what is wrong with it; that comes as an exception, caught
// here.
//
// Threading: pure functions.  Allocation: the heap.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <unordered_map>

#include "reports/json.h"
#include "reports/json_object.h"
#include "rules/catalogue.h"

namespace crossdep::reports {
namespace {

using Json = nlohmann::json;

bool parse_usage(const std::string& text, std::uint8_t& out) {
  if (text.size() != 4) return false;
  out = 0;
  for (unsigned i = 0; i < 4; ++i) {
    if (text[i] == '-' || text[i] == '?') out = static_cast<std::uint8_t>(out | 1u << i);
    if (text[i] == '+' || text[i] == '?') out = static_cast<std::uint8_t>(out | 1u << (i + 4));
    if (std::string("-+?.").find(text[i]) == std::string::npos) return false;
  }
  return true;
}

class Reader {
 public:
  Reader(JsonValue json, Graph& out, const WantDependency& wanted) : json_(json), g_(out), wanted_(wanted) {}

  std::optional<ReadError> read() {
    Object top(json_, Place{}, error_);
    std::string format;
    top.text("format", format, true);
    if (!error_ && format != "crossdep-graph") top.fail("format", "is \"" + format + "\", not \"crossdep-graph\"");
    top.number("schema", g_.schema, true);
    if (!error_ && g_.schema > kSchemaVersion)
      top.fail("schema", "is " + std::to_string(g_.schema) + ", newer than this crossdep reads (" + std::to_string(kSchemaVersion) + ")");
    if (!error_ && g_.schema == 0) top.fail("schema", "is 0; versions begin with 1");
    top.text("tool", g_.tool, true);
    table(top, "runs", g_.runs);
    top.derived("losses", false);
    top.derived("counts", false);
    table(top, "classes", g_.classes);
    table(top, "contexts", g_.contexts);
    table(top, "instances", g_.instances);
    table(top, "frames", g_.frames);
    top.list("stacks", true, [&](std::size_t size) { g_.stacks.reserve(size); },
             [&](JsonValue json, const Place& place) { read(json, place, g_.stacks.emplace_back()); });
    table(top, "lock_sites", g_.lock_sites, false);
    dependencies(top);
    table(top, "findings", g_.findings);
    top.end();
    return error_;
  }

 private:
  template <typename Entry>
  void table(Object& top, const char* key, std::vector<Entry>& out, bool needed = true) {
    top.list(key, needed, [&](std::size_t size) { out.reserve(size); }, [&](JsonValue json, const Place& place) {
      Object object(json, place, error_);
      read(object, out.emplace_back());
      object.end();
    });
  }

  void dependencies(Object& top) {
    Dependency d;
    const bool all = !wanted_ || !g_.lock_sites.empty();
    top.list("dependencies", true, [&](std::size_t size) { if (all) g_.dependencies.reserve(size); }, [&](JsonValue json, const Place& place) {
      Object o(json, place, error_);
      d.modes.clear();
      d.runs.clear();
      class_ref(o, "from", d.from);
      class_ref(o, "to", d.to);
      table(o, "modes", d.modes);
      if (const JsonValue runs = o.get("runs", true)) indices(runs, o.place_of("runs"), d.runs, g_.runs.size());
      if (!all && !error_ && !wanted_(g_, d)) return;
      table(o, "witnesses", d.witnesses);
      o.end();
      g_.dependencies.push_back(std::exchange(d, {}));
    });
  }

  void class_ref(Object& object, const char* key, Index& out) {
    if (const JsonValue name = object.get(key, true)) look_up_class(object, key, name, out);
  }

  void look_up_class(Object& object, const std::string& where, JsonValue name, Index& out) {
    if (!name.is_text()) return object.fail(where, "is not a string");
    bool plain = false;
    const std::string_view raw = name.raw(plain);
    const auto at = plain ? class_at_.find(raw) : class_at_.find(name.text());
    if (at == class_at_.end()) return object.fail(where, "names the unknown class \"" + name.text() + "\"");
    out = at->second;
  }

  static void read(Object& o, engine::Losses& l) {
    o.number("memory", l.memory, true);
    o.number("events", l.events, true);
    o.number("unmatched", l.unmatched, true);
    o.number("budget", l.budget, true);
    o.number("contradictions", l.contradictions);
  }

  void read(Object& o, Run& r) {
    o.text("id", r.id, true);
    o.text("tool", r.tool, true);
    o.text("source", r.source, true);
    o.number("pid", r.pid);
    o.number("parent_pid", r.parent_pid);
    o.text("executable", r.executable);
    o.list("arguments", false, [](std::size_t) {}, [&](JsonValue json, const Place&) {
      if (!json.is_text()) return o.fail("arguments", "holds something that is not a string");
      r.arguments.push_back(json.text());
    });
    o.number("started_ns", r.started_ns);
    o.flag("ended", r.ended);
    o.number("exit_status", r.exit_status);
    o.number("requests", r.requests, true);
    o.number("contexts", r.contexts, true);
    o.number("instances", r.instances, true);
    nested(o, "losses", true, [&](Object& inner) { read(inner, r.losses); });
  }

  void read(Object& o, Class& c) {
    o.text("name", c.name, true);
    o.text("base", c.base, true);
    o.enumerated("kind", c.kind);
    o.enumerated("key", c.key_kind);
    o.number("subclass", c.subclass);
    std::string usage;
    o.text("usage", usage, true);
    if (!error_ && !parse_usage(usage, c.usage)) o.fail("usage", "is not four of the characters . - + ?");
    if (const JsonValue wait = o.get("wait", false)) {
      if (!wait.is_array() || wait.size() != 2) return o.fail("wait", "is not a pair of numbers");
      o.read_number(wait.first(), "wait/0", c.wait_outer);
      o.read_number(wait.first().after(), "wait/1", c.wait_inner);
    }
    if (!error_ && !class_at_.try_emplace(c.name, static_cast<Index>(class_at_.size())).second)
      o.fail("name", "stands twice: \"" + c.name + "\"");
  }

  void read(Object& o, Context& c) {
    o.text("name", c.name, true);
    o.number("tid", c.tid, true);
    o.enumerated("kind", c.kind);
    o.number("number", c.number, true);
    o.index("run", c.run, g_.runs.size());
  }

  void read(Object& o, Instance& i) {
    class_ref(o, "class", i.class_index);
    o.enumerated("kind", i.kind);
    o.hex("address", i.address, true);
    o.number("flags", i.flags);
    o.number("number", i.number);
    o.index("run", i.run, g_.runs.size());
  }

  void read(Object& o, Frame& f) {
    o.text("function", f.function);
    o.hex("offset", f.offset);
    o.hex("size", f.size);
    o.text("module", f.module);
    o.text("file", f.file);
    o.number("line", f.line);
    o.number("column", f.column);
    o.flag("inlined", f.inlined);
    o.flag("library", f.library);
  }

  void read(JsonValue json, const Place& place, Stack& stack) {
    indices(json, place, stack, g_.frames.size());
  }

  void indices(JsonValue json, const Place& place, std::vector<Index>& out, std::size_t table_size) {
    Object scope(no_json_.root(), place, error_);
    if (!json.is_array()) return scope.fail("", "is not an array");
    out.reserve(json.size());
    JsonValue element = json.first();
    for (std::size_t i = 0; i < json.size() && !error_; ++i, element = element.after())
      scope.read_index(element, std::to_string(i), out.emplace_back(), table_size);
  }

  void read(Object& o, Held& h) {
    class_ref(o, "class", h.class_index);
    o.enumerated("mode", h.mode);
    o.index("instance", h.instance, g_.instances.size());
    o.number("flags", h.flags);
    o.flag("pseudo", h.pseudo);
    o.index("site", h.site, g_.stacks.size());
  }

  void read(Object& o, Witness& w) {
    o.enumerated("origin", w.origin);
    o.enumerated("from_mode", w.from_mode);
    o.enumerated("to_mode", w.to_mode);
    o.index("run", w.run, g_.runs.size());
    o.number("flags", w.flags);
    o.index("context", w.context, g_.contexts.size());
    o.index("from", w.from, g_.instances.size());
    o.index("to", w.to, g_.instances.size());
    o.index("from_site", w.from_site, g_.stacks.size());
    o.index("to_site", w.to_site, g_.stacks.size());
    o.index("to_stack", w.to_stack, g_.stacks.size());
    o.index("waiter", w.waiter, g_.contexts.size());
    o.index("wait_site", w.wait_site, g_.stacks.size());
    o.index("wait_stack", w.wait_stack, g_.stacks.size());
    o.index("release_stack", w.release_stack, g_.stacks.size());
    o.number("ordinal", w.ordinal);
    table(o, "held", w.held, false);
  }

  void read(Object& o, DependencyMode& m) {
    o.enumerated("origin", m.origin);
    o.enumerated("from_mode", m.from_mode);
    o.enumerated("to_mode", m.to_mode);
    o.flag("timed", m.timed);
  }

  void read(Object& o, Link& l) {
    class_ref(o, "from", l.from);
    class_ref(o, "to", l.to);
    nested(o, "witness", true, [&](Object& inner) { read(inner, l.witness); });
  }

  template <typename Read>
  void nested(Object& o, const char* key, bool needed, Read read_inner) {
    const JsonValue json = o.get(key, needed);
    if (!json) return;
    Object inner(json, o.place_of(key), error_);
    read_inner(inner);
    inner.end();
  }

  void read(Object& o, Finding& f) {
    o.text("id", f.id, true);
    std::string check;
    o.text("check", check, true);
    if (!error_ && !rules::parse_check(check, f.check)) o.fail("check", "has the unknown value \"" + check + "\"");
    o.enumerated("verdict", f.verdict);
    o.text("reason", f.reason, true);
    o.text("reason_code", f.reason_code, true);
    o.flag("from_union", f.from_union);
    nested(o, "in_runs", false, [&](Object& inner) {
      inner.enumerated("verdict", f.run_verdict);
      inner.text("reason", f.run_reason, true);
      inner.text("reason_code", f.run_reason_code, true);
    });
    o.list("classes", true, [](std::size_t) {}, [&](JsonValue json, const Place& place) {
      Object scope(no_json_.root(), place, error_);
      look_up_class(scope, "", json, f.classes.emplace_back());
    });
    table(o, "dependencies", f.links);
    if (!error_ && !f.links.empty() && f.links.size() != f.classes.size())
      o.fail("classes", "has not one entry for each dependency");
    o.derived("contexts", true);
    o.derived("locations", true);
    nested(o, "closing", true, [&](Object& inner) { read_closing(inner, f); });
  }

  void read(Object& o, LockSite& s) {
    o.text("file", s.file, true);
    o.number("line", s.line, true);
    o.number("column", s.column);
    o.text("function", s.function, true);
    class_ref(o, "class", s.class_index);
    o.enumerated("mode", s.mode);
    o.text("operation", s.operation, true);
  }

  void read_closing(Object& o, Finding& f) {
    o.enumerated("mode", f.mode);
    o.index("run", f.run, g_.runs.size());
    o.index("context", f.context, g_.contexts.size());
    o.index("instance", f.instance, g_.instances.size());
    o.index("site", f.site, g_.stacks.size());
    o.index("stack", f.stack, g_.stacks.size());
    o.hex("address", f.address);
    o.flag("at_commit", f.at_commit);
    o.index("other", f.other, g_.instances.size());
    o.index("other_stack", f.other_stack, g_.stacks.size());
    if (const JsonValue range = o.get("range", false)) {
      const bool pair = range.is_array() && range.size() == 2 && range.first().is_text() && range.first().after().is_text();
      if (!pair || !parse_hex(range.first().text(), f.range_begin) || !parse_hex(range.first().after().text(), f.range_end))
        o.fail("range", "is not a pair of hexadecimal numbers");
    }
    table(o, "held", f.held, false);
  }

  struct NameHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const { return std::hash<std::string_view>()(name); }
  };

  const JsonValue json_;
  const JsonTape no_json_ = [] { JsonTape tape; tape.parse("{}"); return tape; }();   // for places that are no objects
  Graph& g_;
  const WantDependency& wanted_;
  std::optional<ReadError> error_;
  std::unordered_map<std::string, Index, NameHash, std::equal_to<>> class_at_;
};

// "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error while ..." -> the part in words.
std::string cause_of(const Json::parse_error& error) {
  std::string text = error.what();
  for (const char* mark : {"syntax error while parsing ", ": "}) {
    const auto at = text.find(mark);
    if (at == std::string::npos) continue;
    text = "not JSON: while reading " + text.substr(at + std::string(mark).size());
    break;
  }
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 32) c = ' ';
  return text.size() > 200 ? text.substr(0, 200) + "..." : text;
}

}  // namespace

bool from_json(std::string_view text, Graph& out, ReadError& error, const WantDependency& wanted) {
  out = Graph();
  JsonTape tape;
  if (!tape.parse(text)) {
    error = {"offset " + std::to_string(tape.failed_at()), "not JSON"};
    if (text.size() > JsonTape::kMostBytes) {
      error.cause = "4 GiB and more are not read";
      return false;
    }
    try {
      const Json unused = Json::parse(text.begin(), text.end());
    } catch (const Json::parse_error& caught) {
      error = {"offset " + std::to_string(caught.byte == 0 ? 0 : caught.byte - 1), cause_of(caught)};
    } catch (const Json::exception&) {   // a number that no type holds, before the mistake
    }
    return false;
  }
  Graph read;
  if (const std::optional<ReadError> failed = Reader(tape.root(), read, wanted).read()) {
    error = *failed;
    return false;
  }
  out = std::move(read);
  return true;
}

}  // namespace crossdep::reports
