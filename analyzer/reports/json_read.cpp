// SPDX-License-Identifier: MIT
//
// JSON -> Graph (json.h), strictly: every key is known, every needed one there, every index in range. The first thing
// that is wrong is reported with its place; reading goes on no further.
//
// nlohmann::json throws on text that is no JSON; that exception is caught here, where the library is called.
//
// Threading: pure functions.  Allocation: the heap.
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <unordered_map>

#include "reports/json.h"
#include "rules/catalogue.h"

namespace crossdep::reports {
namespace {

using Json = nlohmann::json;

bool parse_hex(const std::string& text, std::uint64_t& out) {
  if (!text.starts_with("0x") || text.size() < 3) return false;
  const auto [end, error] = std::from_chars(text.data() + 2, text.data() + text.size(), out, 16);
  return error == std::errc() && end == text.data() + text.size();
}

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

// One JSON object being read: each key is taken once, end() refuses what nobody took. After the first error every call
// is a no-op, so callers read on without looking.
class Object {
 public:
  Object(const Json& json, std::string path, std::optional<ReadError>& error) : json_(json), path_(std::move(path)), error_(error) {
    if (!json.is_object()) fail("", "is not an object");
  }

  const Json* get(const char* key, bool needed) {
    if (error_) return nullptr;
    taken_.insert(key);
    const auto at = json_.find(key);
    if (at != json_.end()) return &*at;
    if (needed) fail("", std::string("key \"") + key + "\" is missing");
    return nullptr;
  }

  void text(const char* key, std::string& out, bool needed = false) {
    const Json* value = get(key, needed);
    if (value == nullptr) return;
    if (!value->is_string()) return fail(key, "is not a string");
    out = value->get<std::string>();
  }

  template <typename Number>
  void number(const char* key, Number& out, bool needed = false) {
    if (const Json* value = get(key, needed)) read_number(*value, key, out);
  }

  template <typename Number>
  void read_number(const Json& value, const std::string& where, Number& out) {
    if (!value.is_number_integer()) return fail(where, "is not a whole number");
    if (!value.is_number_unsigned() && std::is_unsigned_v<Number>) return fail(where, "is negative");
    const bool fits = value.is_number_unsigned()
                          ? value.get<std::uint64_t>() <= static_cast<std::uint64_t>(std::numeric_limits<Number>::max())
                          : value.get<std::int64_t>() >= static_cast<std::int64_t>(std::numeric_limits<Number>::min());
    if (!fits) return fail(where, "is out of range");
    out = value.get<Number>();
  }

  void hex(const char* key, std::uint64_t& out, bool needed = false) {
    std::string value;
    text(key, value, needed);
    if (!error_ && !value.empty() && !parse_hex(value, out)) fail(key, "is not a hexadecimal number");
  }

  void flag(const char* key, bool& out) {
    const Json* value = get(key, false);
    if (value == nullptr) return;
    if (!value->is_boolean()) return fail(key, "is not true or false");
    out = value->get<bool>();
  }

  /// A word of one of graph.h's vocabularies.
  template <typename Word>
  void enumerated(const char* key, Word& out) {
    std::string value;
    text(key, value, true);
    if (!error_ && !parse(value, out)) fail(key, "has the unknown value \"" + value + "\"");
  }

  /// An index into a table of this size.
  void index(const char* key, Index& out, std::size_t size, bool needed = false) {
    const Json* value = get(key, needed);
    if (value != nullptr) read_index(*value, key, out, size);
  }
  void read_index(const Json& value, const std::string& where, Index& out, std::size_t size) {
    read_number(value, where, out);
    if (!error_ && out >= size) fail(where, "is beyond the end of its table (" + std::to_string(size) + " entries)");
  }

  /// Calls read(element, path) for each element.
  template <typename Read>
  void list(const char* key, bool needed, Read read) {
    const Json* value = get(key, needed);
    if (value == nullptr) return;
    if (!value->is_array()) return fail(key, "is not an array");
    for (std::size_t i = 0; i < value->size() && !error_; ++i) read((*value)[i], path_of(key) + "/" + std::to_string(i));
  }

  /// Derived data: must be there in this form, its content is made again from the rest.
  void derived(const char* key, Json::value_t type) {
    const Json* value = get(key, true);
    if (value != nullptr && value->type() != type) fail(key, type == Json::value_t::array ? "is not an array" : "is not an object");
  }

  std::string path_of(const std::string& key) const { return path_ + "/" + key; }

  void end() {
    if (error_) return;
    for (const auto& [key, value] : json_.items())
      if (taken_.count(key) == 0) return fail("", "unknown key \"" + key + "\"");
  }

  void fail(const std::string& key, const std::string& cause) {
    if (error_) return;
    const std::string where = key.empty() ? path_ : path_of(key);
    error_ = ReadError{where.empty() ? "/" : where, cause};
  }

 private:
  const Json& json_;
  std::string path_;
  std::optional<ReadError>& error_;
  std::set<std::string> taken_;
};

class Reader {
 public:
  Reader(const Json& json, Graph& out) : json_(json), g_(out) {}

  std::optional<ReadError> read() {
    Object top(json_, "", error_);
    std::string format;
    top.text("format", format, true);
    if (!error_ && format != "crossdep-graph") top.fail("format", "is \"" + format + "\", not \"crossdep-graph\"");
    top.number("schema", g_.schema, true);
    if (!error_ && g_.schema > kSchemaVersion)
      top.fail("schema", "is " + std::to_string(g_.schema) + ", newer than this crossdep reads (" + std::to_string(kSchemaVersion) + ")");
    if (!error_ && g_.schema == 0) top.fail("schema", "is 0; versions begin with 1");
    top.text("tool", g_.tool, true);
    table(top, "runs", g_.runs);
    top.derived("losses", Json::value_t::object);
    top.derived("counts", Json::value_t::object);
    table(top, "classes", g_.classes);
    table(top, "contexts", g_.contexts);
    table(top, "instances", g_.instances);
    table(top, "frames", g_.frames);
    top.list("stacks", true, [&](const Json& json, const std::string& path) { read(json, path, g_.stacks.emplace_back()); });
    table(top, "dependencies", g_.dependencies);
    table(top, "findings", g_.findings);
    top.end();
    return error_;
  }

 private:
  template <typename Entry>
  void table(Object& top, const char* key, std::vector<Entry>& out, bool needed = true) {
    top.list(key, needed, [&](const Json& json, const std::string& path) {
      Object object(json, path, error_);
      read(object, out.emplace_back());
      object.end();
    });
  }

  void class_ref(Object& object, const char* key, Index& out) {
    std::string name;
    object.text(key, name, true);
    if (!error_) look_up_class(object, key, name, out);
  }

  void look_up_class(Object& object, const std::string& where, const std::string& name, Index& out) {
    const auto at = class_at_.find(name);
    if (at == class_at_.end()) return object.fail(where, "names the unknown class \"" + name + "\"");
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
    o.list("arguments", false, [&](const Json& json, const std::string&) {
      if (!json.is_string()) return o.fail("arguments", "holds something that is not a string");
      r.arguments.push_back(json.get<std::string>());
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
    if (const Json* wait = o.get("wait", false)) {
      if (!wait->is_array() || wait->size() != 2) return o.fail("wait", "is not a pair of numbers");
      o.read_number((*wait)[0], "wait/0", c.wait_outer);
      o.read_number((*wait)[1], "wait/1", c.wait_inner);
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

  void read(const Json& json, const std::string& path, Stack& stack) {
    Object scope(no_json_, path, error_);
    if (!json.is_array()) return scope.fail("", "is not an array");
    for (std::size_t i = 0; i < json.size() && !error_; ++i)
      scope.read_index(json[i], std::to_string(i), stack.emplace_back(), g_.frames.size());
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

  void read(Object& o, Dependency& d) {
    class_ref(o, "from", d.from);
    class_ref(o, "to", d.to);
    table(o, "modes", d.modes);
    const Json* runs = o.get("runs", true);
    if (runs != nullptr && !runs->is_array()) o.fail("runs", "is not an array");
    if (runs != nullptr && !error_)
      for (std::size_t i = 0; i < runs->size(); ++i)
        o.read_index((*runs)[i], "runs/" + std::to_string(i), d.runs.emplace_back(), g_.runs.size());
    table(o, "witnesses", d.witnesses);
  }

  void read(Object& o, Link& l) {
    class_ref(o, "from", l.from);
    class_ref(o, "to", l.to);
    nested(o, "witness", true, [&](Object& inner) { read(inner, l.witness); });
  }

  template <typename Read>
  void nested(Object& o, const char* key, bool needed, Read read_inner) {
    const Json* json = o.get(key, needed);
    if (json == nullptr) return;
    Object inner(*json, o.path_of(key), error_);
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
    o.list("classes", true, [&](const Json& json, const std::string& path) {
      Object scope(no_json_, path, error_);
      if (!json.is_string()) return scope.fail("", "is not a string");
      look_up_class(scope, "", json.get<std::string>(), f.classes.emplace_back());
    });
    table(o, "dependencies", f.links);
    if (!error_ && !f.links.empty() && f.links.size() != f.classes.size())
      o.fail("classes", "has not one entry for each dependency");
    o.derived("contexts", Json::value_t::array);
    o.derived("locations", Json::value_t::array);
    nested(o, "closing", true, [&](Object& inner) { read_closing(inner, f); });
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
    if (const Json* range = o.get("range", false)) {
      const bool pair = range->is_array() && range->size() == 2 && (*range)[0].is_string() && (*range)[1].is_string();
      if (!pair || !parse_hex((*range)[0].get<std::string>(), f.range_begin) || !parse_hex((*range)[1].get<std::string>(), f.range_end))
        o.fail("range", "is not a pair of hexadecimal numbers");
    }
    table(o, "held", f.held, false);
  }

  const Json& json_;
  const Json no_json_ = Json::object();   // for places that are no objects
  Graph& g_;
  std::optional<ReadError> error_;
  std::unordered_map<std::string, Index> class_at_;
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

bool from_json(std::string_view text, Graph& out, ReadError& error) {
  out = Graph();
  Json json;
  try {
    json = Json::parse(text.begin(), text.end());
  } catch (const Json::parse_error& caught) {
    error = {"offset " + std::to_string(caught.byte == 0 ? 0 : caught.byte - 1), cause_of(caught)};
    return false;
  } catch (const Json::exception&) {   // only a number that no type holds is left: it comes without a place
    error = {"offset unknown", "not JSON that can be read: it holds a number that is too large"};
    return false;
  }
  Graph read;
  if (const std::optional<ReadError> failed = Reader(json, read).read()) {
    error = *failed;
    return false;
  }
  out = std::move(read);
  return true;
}

}  // namespace crossdep::reports
