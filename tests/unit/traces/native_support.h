// SPDX-License-Identifier: MIT
//
// What the tests of the native trace share: a temporary directory, a consumer and a sink that write down what they are
// given as lines of text, and a small program whose events are known.
//
// Threading: none.  Allocation: the heap.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "record/journal.h"
#include "record/stream.h"
#include "traces/event.h"
#include "traces/native_journal.h"
#include "traces/native_trace.h"

namespace native_test {

using namespace crossdep;

class Directory {
 public:
  Directory() {
    char name[] = "/tmp/crossdep-test-XXXXXX";
    if (::mkdtemp(name) == nullptr) std::abort();
    path_ = name;
  }
  ~Directory() { std::system(("rm -rf '" + path_ + "'").c_str()) == 0 ? void() : std::abort(); }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

inline std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

inline void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

/// Every event and definition as one line; the position is left out unless asked for.
class Log final : public traces::EventConsumer {
 public:
  std::vector<std::string> lines;
  std::vector<traces::Event> events;

  void on_class(const traces::ClassDefinition& d) override {
    add() << "class " << d.id << " key " << static_cast<int>(d.key_kind) << "/" << d.key << " kind "
          << static_cast<int>(d.kind) << " sub " << int{d.subclass} << " " << d.name;
    finish();
  }
  void on_lock(const traces::LockDefinition& d) override {
    add() << "lock " << d.id << " class " << d.class_id << " kind " << static_cast<int>(d.kind) << " flags "
          << int{d.flags} << " at " << d.address << " by " << d.context << " site " << d.site;
    finish();
  }
  void on_context(const traces::ContextDefinition& d) override {
    add() << "context " << d.id << " parent " << d.parent << " kind " << static_cast<int>(d.kind) << " tid " << d.tid
          << " end " << d.end << " middle " << d.middle << " " << d.name;
    finish();
  }
  void on_event(const traces::Event& e) override {
    events.push_back(e);
    add() << "event " << static_cast<int>(e.kind) << " mode " << static_cast<int>(e.mode) << " flags " << int{e.flags}
          << " nested " << static_cast<int>(e.nested) << " in " << e.context << " lock " << e.lock << " other " << e.other
          << " class " << e.class_id << " peer " << e.peer << " name " << e.name << " site " << e.site << " number "
          << e.number << "," << e.number2;
    if (e.kind == traces::EventKind::kSetStack)
      for (std::uint64_t i = 0; i < e.number; ++i) out_ << " " << e.frames[i];
    finish();
  }
  void on_name(traces::NameId id, std::string_view text) override { add() << "name " << id << " " << text, finish(); }
  void on_module(const traces::ModuleDefinition& d) override {
    add() << "module " << d.path << " " << d.begin << "-" << d.end << " +" << d.offset << " bias " << d.bias;
    finish();
  }
  void on_process(const traces::ProcessDefinition& d) override {
    add() << "process " << d.pid << " " << d.executable;
    finish();
  }

 private:
  std::ostream& add() {
    out_.str({});
    return out_;
  }
  void finish() { lines.push_back(out_.str()); }
  std::ostringstream out_;
};

/// Every Sink call as one line.
class SinkLog final : public engine::Sink {
 public:
  std::vector<std::string> lines;

  void on_class(const engine::ClassInfo& i) override {
    line("class", i.id, i.key_kind, i.kind, i.subclass, i.wait_outer, i.wait_inner, i.ordinal, i.key,
         std::string(i.name == nullptr ? "" : i.name, i.name_length));
  }
  void on_class_usage(engine::ClassId id, std::uint8_t usage) override { line("usage", id, usage); }
  void on_instance(const engine::InstanceInfo& i) override { line("instance", i.id, i.class_id, i.kind, i.flags, i.address); }
  void on_context(const engine::ContextInfo& i) override {
    line("context", i.id, i.parent, i.kind, i.tid, std::string(i.name == nullptr ? "" : i.name, i.name_length));
  }
  void on_stack(engine::StackId id, const engine::Site* frames, unsigned count) override {
    std::string text;
    for (unsigned i = 0; i < count; ++i) text += std::to_string(frames[i]) + ",";
    line("stack", id, text);
  }
  void on_dependency(const engine::DependencyInfo& i) override { line("dependency", i.id, i.from, i.to); }
  void on_witness(const engine::WitnessInfo& w) override {
    line("witness", w.dependency, w.origin, w.from_mode, w.to_mode, w.flags, w.context, w.from, w.to, w.from_site,
         w.to_site, w.to_stack, w.waiter, w.wait_site, w.wait_stack, w.release_stack, w.ordinal, held(w.held, w.held_count));
  }
  void on_finding(const engine::FindingInfo& f) override {
    std::string links;
    for (unsigned i = 0; i < f.link_count; ++i)
      links += std::to_string(f.links[i].dependency) + ":" + std::to_string(f.links[i].witness) + ",";
    line("finding", f.id, f.check, f.verdict, f.reason, f.reason_site[0], f.reason_site[1], f.reason_instance, f.context,
         f.instance, f.mode, f.site, f.stack, f.at_commit, f.other, f.range_begin, f.range_end, held(f.held, f.held_count),
         links);
  }

 private:
  static std::string held(const engine::HeldInfo* held, unsigned count) {
    std::ostringstream out;
    for (unsigned i = 0; i < count; ++i)
      out << "(" << held[i].instance << " " << held[i].class_id << " " << static_cast<int>(held[i].mode) << " "
          << int{held[i].flags} << " " << held[i].pseudo << " " << held[i].site << ")";
    return out.str();
  }
  template <class T>
  static void put(std::ostream& out, const T& value) {
    if constexpr (std::is_enum_v<T>) out << " " << static_cast<int>(value);
    else if constexpr (std::is_same_v<T, std::uint8_t>) out << " " << int{value};
    else out << " " << value;
  }
  template <class... T>
  void line(const char* what, const T&... fields) {
    std::ostringstream out;
    out << what;
    (put(out, fields), ...);
    lines.push_back(out.str());
  }
};

inline record::ProcessInfo process() {
  static const char arguments[] = "prog\0-x";
  return {42, 41, "/usr/bin/prog", arguments, sizeof arguments};
}

/// Where `tell` lines go.
inline std::string& told() {
  static std::string text;
  return text;
}
inline void tell(const char* line, std::size_t length) { told().append(line, length); }

}  // namespace native_test
