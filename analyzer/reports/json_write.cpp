// SPDX-License-Identifier: MIT
//
// Graph -> JSON (json.h). Default values and absent references are left out. `losses`, `counts` and a finding's
// `contexts` and `locations` are there for readers of the file; they follow from the rest.
//
// Threading: pure functions.  Allocation: the heap.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "reports/format.h"
#include "reports/json.h"
#include "rules/catalogue.h"

namespace crossdep::reports {
namespace {

using Json = nlohmann::ordered_json;

class Writer {
 public:
  explicit Writer(const Graph& graph) : g_(graph) {}

  std::string text() const {
    std::string out = "{";
    add(out, "format", "crossdep-graph");
    add(out, "schema", kSchemaVersion);
    add(out, "tool", g_.tool);
    table(out, "runs", g_.runs);
    add(out, "losses", losses(g_.losses()));
    add(out, "counts", {{"requests", g_.requests()},
                        {"classes", g_.classes.size()},
                        {"dependencies", g_.dependencies.size()},
                        {"findings", g_.findings.size()}});
    table(out, "classes", g_.classes);
    table(out, "contexts", g_.contexts);
    table(out, "instances", g_.instances);
    table(out, "frames", g_.frames);
    table(out, "stacks", g_.stacks);
    table(out, "dependencies", g_.dependencies);
    table(out, "findings", g_.findings);
    if (!g_.lock_sites.empty()) table(out, "lock_sites", g_.lock_sites);
    return out + "\n}\n";
  }

 private:
  // Names come from binaries and traces: what is no UTF-8 becomes U+FFFD rather than an unreadable file.
  static std::string text_of(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

  static void add(std::string& out, const char* key, const Json& value) {
    out.append(out.size() == 1 ? "\n \"" : ",\n \"").append(key).append("\": ").append(text_of(value));
  }

  // An entry a line: a person and a line-wise diff find their way, and large graphs stay small and never are one tree.
  template <typename Entry>
  void table(std::string& out, const char* key, const std::vector<Entry>& entries) const {
    out.append(",\n \"").append(key).append("\": [");
    for (const Entry& entry : entries) out.append(&entry == entries.data() ? "\n  " : ",\n  ").append(text_of(object(entry)));
    out.append(entries.empty() ? "]" : "\n ]");
  }

  template <typename Entry>
  Json list(const std::vector<Entry>& entries) const {
    Json out = Json::array();
    for (const Entry& entry : entries) out.push_back(object(entry));
    return out;
  }

  static void put(Json& out, const char* key, Index index) {
    if (index != kNoIndex) out[key] = index;
  }
  static void put_flag(Json& out, const char* key, bool value) {
    if (value) out[key] = true;
  }
  static void put_number(Json& out, const char* key, std::uint64_t value) {
    if (value != 0) out[key] = value;
  }
  static void put_text(Json& out, const char* key, const std::string& value) {
    if (!value.empty()) out[key] = value;
  }
  static void put_hex(Json& out, const char* key, std::uint64_t value) {
    if (value != 0) out[key] = hex(value);
  }
  const std::string& class_name(Index index) const { return g_.classes[index].name; }

  static Json losses(const engine::Losses& l) {
    Json out = {{"memory", l.memory}, {"events", l.events}, {"unmatched", l.unmatched}, {"budget", l.budget}};
    put_number(out, "contradictions", l.contradictions);
    return out;
  }

  static Json object(const Stack& stack) { return stack; }

  Json object(const Run& r) const {
    Json out = {{"id", r.id}, {"tool", r.tool}, {"source", r.source}};
    put_number(out, "pid", r.pid);
    put_number(out, "parent_pid", r.parent_pid);
    put_text(out, "executable", r.executable);
    if (!r.arguments.empty()) out["arguments"] = r.arguments;
    put_number(out, "started_ns", r.started_ns);
    put_flag(out, "ended", r.ended);
    if (r.ended) out["exit_status"] = r.exit_status;
    out["requests"] = r.requests;
    out["contexts"] = r.contexts;
    out["instances"] = r.instances;
    out["losses"] = losses(r.losses);
    return out;
  }

  Json object(const Class& c) const {
    Json out = {{"name", c.name}, {"base", c.base}, {"kind", word(c.kind)}, {"key", word(c.key_kind)}};
    put_number(out, "subclass", c.subclass);
    out["usage"] = usage_characters(c.usage);
    if (c.wait_outer != 0 || c.wait_inner != 0) out["wait"] = {c.wait_outer, c.wait_inner};
    return out;
  }

  Json object(const Context& c) const {
    Json out = {{"name", c.name}, {"tid", c.tid}, {"kind", word(c.kind)}, {"number", c.number}};
    put(out, "run", c.run);
    return out;
  }

  Json object(const Instance& i) const {
    Json out = {{"class", class_name(i.class_index)}, {"kind", word(i.kind)}, {"address", hex(i.address)}};
    put_number(out, "flags", i.flags);
    put_number(out, "number", i.number);
    put(out, "run", i.run);
    return out;
  }

  Json object(const Frame& f) const {
    Json out = Json::object();
    put_text(out, "function", f.function);
    put_hex(out, "offset", f.offset);
    put_hex(out, "size", f.size);
    put_text(out, "module", f.module);
    put_text(out, "file", f.file);
    put_number(out, "line", f.line);
    put_number(out, "column", f.column);
    put_flag(out, "inlined", f.inlined);
    put_flag(out, "library", f.library);
    return out;
  }

  Json object(const Held& h) const {
    Json out = {{"class", class_name(h.class_index)}, {"mode", word(h.mode)}};
    put(out, "instance", h.instance);
    put_number(out, "flags", h.flags);
    put_flag(out, "pseudo", h.pseudo);
    put(out, "site", h.site);
    return out;
  }

  Json object(const Witness& w) const {
    Json out = {{"origin", word(w.origin)}, {"from_mode", word(w.from_mode)}, {"to_mode", word(w.to_mode)}};
    put(out, "run", w.run);
    put_number(out, "flags", w.flags);
    put(out, "context", w.context);
    put(out, "from", w.from);
    put(out, "to", w.to);
    put(out, "from_site", w.from_site);
    put(out, "to_site", w.to_site);
    put(out, "to_stack", w.to_stack);
    put(out, "waiter", w.waiter);
    put(out, "wait_site", w.wait_site);
    put(out, "wait_stack", w.wait_stack);
    put(out, "release_stack", w.release_stack);
    put_number(out, "ordinal", w.ordinal);
    if (!w.held.empty()) out["held"] = list(w.held);
    return out;
  }

  Json object(const DependencyMode& m) const {
    Json out = {{"origin", word(m.origin)}, {"from_mode", word(m.from_mode)}, {"to_mode", word(m.to_mode)}};
    put_flag(out, "timed", m.timed);
    return out;
  }

  Json object(const Dependency& d) const {
    return {{"from", class_name(d.from)}, {"to", class_name(d.to)}, {"modes", list(d.modes)}, {"runs", d.runs}, {"witnesses", list(d.witnesses)}};
  }

  Json object(const Link& l) const {
    return {{"from", class_name(l.from)}, {"to", class_name(l.to)}, {"witness", object(l.witness)}};
  }

  Json object(const Finding& f) const {
    Json out = {{"id", f.id}, {"check", rules::check_id(f.check)}, {"verdict", word(f.verdict)}, {"reason", f.reason}, {"reason_code", f.reason_code}};
    put_flag(out, "from_union", f.from_union);
    if (!f.run_reason_code.empty())
      out["in_runs"] = {{"verdict", word(f.run_verdict)}, {"reason", f.run_reason}, {"reason_code", f.run_reason_code}};
    Json& classes = out["classes"] = Json::array();
    for (const Index c : f.classes) classes.push_back(class_name(c));
    out["dependencies"] = list(f.links);
    out["contexts"] = contexts(f);
    out["locations"] = locations(f);
    out["closing"] = closing(f);
    return out;
  }

  Json object(const LockSite& s) const {
    Json out = {{"file", s.file}, {"line", s.line}, {"function", s.function}, {"class", class_name(s.class_index)}, {"mode", word(s.mode)}, {"operation", s.operation}};
    put_number(out, "column", s.column);
    return out;
  }

  // The request that completed the finding.
  Json closing(const Finding& f) const {
    Json out = {{"mode", word(f.mode)}};
    put(out, "run", f.run);
    put(out, "context", f.context);
    put(out, "instance", f.instance);
    put(out, "site", f.site);
    put(out, "stack", f.stack);
    put_hex(out, "address", f.address);
    put_flag(out, "at_commit", f.at_commit);
    put(out, "other", f.other);
    put(out, "other_stack", f.other_stack);
    if (f.range_begin != 0 || f.range_end != 0) out["range"] = {hex(f.range_begin), hex(f.range_end)};
    if (!f.held.empty()) out["held"] = list(f.held);
    return out;
  }

  Json contexts(const Finding& f) const {
    Json out = Json::array();
    const auto add = [&](Index context) {
      if (context == kNoIndex) return;
      const std::string name = context_name(g_, context);
      if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
    };
    add(f.context);
    for (const Link& l : f.links) {
      add(l.witness.context);
      add(l.witness.waiter);
    }
    return out;
  }

  // The user's own frame at each step: what is requested there.
  Json locations(const Finding& f) const {
    Json out = Json::array();
    const auto add = [&](const std::string& role, Index site) {
      const Index frame = own_frame(g_, site);
      if (frame == kNoIndex) return;
      Json place = {{"role", role}};
      place.update(object(g_.frames[frame]));
      out.push_back(std::move(place));
    };
    for (const Link& l : f.links) {
      add("request " + class_name(l.to), l.witness.to_site);
      add("wait " + class_name(l.from), l.witness.wait_site);
    }
    if (f.links.empty()) add("here", f.site);
    return out;
  }

  const Graph& g_;
};

}  // namespace

std::string to_json(const Graph& graph) { return Writer(graph).text(); }

}  // namespace crossdep::reports
