// SPDX-License-Identifier: MIT
//
// See native.h. The modules of a process are known only when its journal has been read, the builder wants its resolver
// before: LateResolver stands between.
//
// Threading: one thread.  Allocation: the heap.
#include "cli/native.h"

#include <memory>
#include <optional>

#include "cli/command.h"
#include "cli/contradictions.h"
#include "reports/graph_builder.h"
#include "reports/names.h"
#include "symbols/symbolizer.h"
#include "traces/container.h"
#include "traces/native_journal.h"
#include "traces/native_trace.h"
#include "traces/replay.h"

namespace crossdep::cli {
namespace {

std::vector<symbols::Module> modules_of(const traces::ModuleTable& table) {
  std::vector<symbols::Module> out;
  for (const traces::Module& module : table.all()) {
    symbols::Module& made = out.emplace_back();
    made.path = module.path;
    made.build_id = module.build_id;
    made.bias = module.bias;
    for (const traces::Module::Range& range : module.ranges) made.ranges.push_back({range.begin, range.end});
  }
  return out;
}

class LateResolver final : public reports::FrameResolver {
 public:
  void load(const traces::JournalFacts& facts) {
    symbols_.emplace(modules_of(facts.modules), facts.executable, [](const std::string& line) { say(line); });
  }
  void frames(engine::Site site, std::vector<reports::Frame>& out) override {
    for (const symbols::Frame& frame : symbols_->frames(site))
      out.push_back({frame.function, frame.offset, frame.size, frame.module, frame.file, frame.line, frame.column,
                     frame.inlined, frame.library});
  }
  std::string object_name(std::uint64_t address) override { return symbols_->object_name(address); }
  std::string object_file(std::uint64_t address) override { return symbols_->object_file(address); }
  std::string function_name(std::uint64_t address) override { return symbols_->function_name(address); }

 private:
  std::optional<symbols::Symbolizer> symbols_;
};

std::vector<std::string> words_of(const std::string& terminated) {
  std::vector<std::string> out;
  for (std::size_t begin = 0; begin < terminated.size();) {
    std::size_t end = terminated.find('\0', begin);
    if (end == std::string::npos) end = terminated.size();
    out.push_back(terminated.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

reports::Run run_of(const traces::JournalFacts& facts) {
  reports::Run run;
  run.source = "live";
  run.pid = facts.pid;
  run.parent_pid = facts.parent_pid;
  run.executable = facts.executable;
  run.arguments = words_of(facts.arguments);
  run.started_ns = facts.start_time;
  run.ended = facts.finished;
  run.losses = facts.losses;
  run.losses.memory += facts.unwritten;
  run.requests = facts.requests;
  return run;
}

NativeResult result_of(reports::GraphBuilder& builder, LateResolver& resolver, const traces::JournalFacts& facts,
                       reports::Run run, traces::Status status, engine::FindingId finding) {
  resolver.load(facts);
  builder.set_run(std::move(run));
  NativeResult result;
  result.graph = builder.build();
  if (finding != engine::kNone) {
    result.finding_id = builder.finding_id(finding);
    result.finding_repeats = builder.repeats(finding);
  }
  result.status = std::move(status);
  result.pid = facts.pid;
  result.finished = facts.finished;
  return result;
}

/// Takes classes and contexts down, nothing else.
class NameSink final : public engine::Sink {
 public:
  void on_class(const engine::ClassInfo& info) override {
    const auto [at, fresh] = places_.emplace(info.id, classes.size());
    if (!fresh) return;
    ids.push_back(info.id);
    classes.push_back({info, std::string(info.name == nullptr ? "" : info.name, info.name_length),
                       {info.callers, info.callers + info.caller_count}});
  }
  void on_context(const engine::ContextInfo& info) override {
    contexts[info.id] = std::string(info.name == nullptr ? "" : info.name, info.name_length) + "/" + std::to_string(info.tid);
  }
  void on_class_usage(engine::ClassId, std::uint8_t) override {}
  void on_instance(const engine::InstanceInfo&) override {}
  void on_stack(engine::StackId, const engine::Site*, unsigned) override {}
  void on_dependency(const engine::DependencyInfo&) override {}
  void on_witness(const engine::WitnessInfo&) override {}
  void on_finding(const engine::FindingInfo&) override {}

  std::vector<engine::ClassId> ids;
  std::vector<reports::NamedClass> classes;
  std::map<engine::ContextId, std::string> contexts;

 private:
  std::map<engine::ClassId, std::size_t> places_;
};

}  // namespace

JournalNames read_journal_names(const std::string& path, const reports::NameRules* rules) {
  JournalNames out;
  traces::Container container;
  out.status = container.open(path);
  if (out.status.failed()) return out;
  NameSink sink;
  traces::JournalFacts facts;
  traces::note_trouble(out.status, traces::read_journal(container, sink, facts));
  if (out.status.failed()) return out;
  LateResolver resolver;
  resolver.load(facts);
  const std::vector<std::string> names = reports::name_classes(sink.classes, resolver, rules);
  for (std::size_t i = 0; i < names.size(); ++i)
    out.classes[sink.ids[i]] = reports::display_name(names[i], sink.classes[i].info.subclass);
  out.contexts = std::move(sink.contexts);
  return out;
}

std::vector<std::string> read_told(const std::string& path) {
  std::vector<std::string> out;
  std::ifstream in(path);
  for (std::string id; std::getline(in, id);) out.push_back(id);
  return out;
}

NativeResult read_journal_graph(const std::string& path, engine::FindingId finding, const reports::NameRules* names) {
  traces::Container container;
  traces::Status status = container.open(path);
  if (status.failed()) return {{}, std::move(status), {}, 0, false};
  LateResolver resolver;
  reports::GraphBuilder builder(resolver);
  builder.set_name_rules(names);
  traces::JournalFacts facts;
  traces::note_trouble(status, traces::read_journal(container, builder, facts));
  if (status.failed()) return {{}, std::move(status), {}, false, facts.pid, false};
  reports::Run run = run_of(facts);
  return result_of(builder, resolver, facts, std::move(run), std::move(status), finding);
}

NativeResult judge_native(traces::TraceFile& file, bool strict, const reports::NameRules* names) {
  traces::Container container;
  traces::Status status = container.open(file.path());
  status.file = file.name();
  if (status.failed()) return {{}, std::move(status), {}, 0, false};
  if (!container.has_events()) {
    NativeResult result = read_journal_graph(file.path(), engine::kNone, names);
    result.status.file = file.name();
    return result;
  }
  LateResolver resolver;
  reports::GraphBuilder builder(resolver);
  builder.set_name_rules(names);
  traces::Replay replay(builder);
  traces::TraceFacts facts;
  const auto validator = make_validator(replay, file, strict);
  traces::note_trouble(status, traces::read_native_trace(container, *validator, facts));
  status.file = file.name();
  replay.finish();
  tell_contradictions(*validator, status);
  reports::Run run = run_of(facts.journal);
  run.losses = replay.engine().losses();
  run.losses.events += facts.missing_numbers + replay.undefined_count();
  run.losses.contradictions = validator->count();
  run.requests = replay.engine().request_count();
  return result_of(builder, resolver, facts.journal, std::move(run), std::move(status), engine::kNone);
}

}  // namespace crossdep::cli
