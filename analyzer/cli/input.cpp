// SPDX-License-Identifier: MIT
//
// See input.h. traces/open.h says what a file is; from there one function per kind.
//
// Threading: one thread, and those of read_ahead.h.  Allocation: the heap.
#include "cli/input.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "cli/command.h"
#include "cli/contradictions.h"
#include "cli/log.h"
#include "cli/native.h"
#include "cli/progress.h"
#include "cli/read_ahead.h"
#include "reports/canonical.h"
#include "reports/contradiction.h"
#include "reports/json.h"
#include "reports/merge.h"
#include "reports/site_text.h"
#include "rules/declared_order.h"
#include "traces/replay.h"
#include "traces/text_writer.h"
#include "traces/validator.h"

namespace crossdep::cli {
namespace {

/// Names a text by what it holds, so that reading it twice is one run and two files of one name are two. What cannot be
/// read twice is named by the hour.
std::uint64_t content_key(const traces::TraceFile& file) {
  std::uint64_t hash = 14695981039346656037u;
  auto mix = [&hash](std::uint64_t word) { hash = (hash ^ word) * 1099511628211u; };
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(file.path(), ignored)) {
    mix(static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count()));
    mix(static_cast<std::uint64_t>(getpid()));
    return hash;
  }
  std::ifstream in(file.path(), std::ios::binary);
  std::vector<std::uint64_t> block(1 << 13);
  for (;;) {
    in.read(reinterpret_cast<char*>(block.data()), static_cast<std::streamsize>(block.size() * sizeof block[0]));
    const std::size_t got = static_cast<std::size_t>(in.gcount());
    if (got == 0) return hash;
    const std::size_t words = (got + sizeof block[0] - 1) / sizeof block[0];
    if (got % sizeof block[0] != 0)   // the end of the last word is not of this file
      block[words - 1] &= (std::uint64_t{1} << 8 * (got % sizeof block[0])) - 1;
    for (std::size_t i = 0; i < words; ++i) mix(block[i]);
    mix(got);
  }
}

/// A text trace as it is judged: a builder per case.
class CaseJudge {
 public:
  CaseJudge(const traces::TraceFile& file, const Reading& reading)
      : names_(reading.names), source_(std::filesystem::path(file.name()).filename().string()), key_(content_key(file)) {
    start();
    replay_ = std::make_unique<traces::Replay>(builder_->sink());
    replay_->on_case_begin = [this](std::string_view) -> engine::Sink& {
      start();
      return builder_->sink();
    };
    replay_->on_case_end = [this](std::string_view name, const engine::Engine& engine) { end(name, engine); };
    validator_ = make_validator(*replay_, file, reading.strict);
    validator_->set_hold_limit(reading.hold_limit * 1'000'000);
  }

  std::vector<Part> judge(traces::TraceFile& file, traces::Status& status) {
    file.stop_when(&validator_->stopped());
    status = file.read_events(*validator_);
    replay_->finish();
    tell_contradictions(*validator_, status);
    for (const std::string& note : replay_->notes()) say(source_ + ": " + note);
    return std::move(parts_);
  }

 private:
  struct Builder {
    explicit Builder(CaseJudge& judge)
        : resolver([&judge](engine::Site site) { return judge.replay_->site_text(site); }), graph(resolver) {
      graph.set_name_rules(judge.names_);
    }
    engine::Sink& sink() { return graph; }
    reports::SiteTextResolver resolver;
    reports::GraphBuilder graph;
  };

  void start() { builder_ = std::make_unique<Builder>(*this); }

  void end(std::string_view name, const engine::Engine& engine) {
    reports::Run run;
    run.source = source_;
    run.id = fmt::format("{:016x}", (key_ ^ parts_.size()) * 0x9e3779b97f4a7c15u);
    run.ended = true;
    run.losses = engine.losses();
    run.losses.events += replay_->undefined_count();
    run.losses.contradictions = validator_->count();
    run.requests = engine.request_count();
    builder_->graph.set_run(std::move(run));
    parts_.push_back({builder_->graph.build(), std::string(name)});
  }

  const reports::NameRules* names_;
  std::string source_;
  std::uint64_t key_;
  std::unique_ptr<Builder> builder_;
  std::unique_ptr<traces::Replay> replay_;
  std::unique_ptr<traces::Validator> validator_;
  std::vector<Part> parts_;
};

void tell(const traces::Status& status) {
  if (!status.ok()) error(status.text());
}

}  // namespace

Input read_input(const std::string& path, const Reading& reading) {
  Input input{path, {}, true};
  traces::TraceFile file;
  traces::Status status = file.open(path, reading.format);
  if (status.ok()) {
    const Progress progress(file);
    switch (file.format()) {
      case traces::Format::kLockdep: {
        Part part{read_lockdep_graph(file, content_key(file), status), ""};
        if (!status.failed()) input.parts.push_back(std::move(part));
        break;
      }
      case traces::Format::kLog: {
        Part part{read_log(file, content_key(file), status), ""};
        if (!status.failed()) input.parts.push_back(std::move(part));
        break;
      }
      case traces::Format::kGraph: {
        std::string text;
        status = file.read_all(text);
        Part part;
        reports::ReadError wrong;
        if (status.ok() && !reports::from_json(text, part.graph, wrong))
          status = traces::Status::fail(file.name() + ": " + wrong.position, wrong.cause);
        if (status.ok()) input.parts.push_back(std::move(part));
        break;
      }
      case traces::Format::kNative: {
        NativeResult result = judge_native(file, reading.strict, reading.names);
        status = result.status;
        if (!status.failed()) input.parts.push_back({std::move(result.graph), ""});
        break;
      }
      default: {
        std::vector<Part> parts = CaseJudge(file, reading).judge(file, status);
        if (!status.failed()) input.parts = std::move(parts);
      }
    }
  }
  tell(status);
  input.whole = status.ok();
  return input;
}

namespace {

std::vector<std::string> without_folders(const std::vector<std::string>& paths) {
  namespace fs = std::filesystem;
  std::vector<std::string> out;
  for (const std::string& path : paths) {
    std::error_code failure;
    if (path == "-" || !fs::is_directory(path, failure)) {
      out.push_back(path);
      continue;
    }
    std::vector<std::string> inside;
    for (const fs::directory_entry& entry : fs::directory_iterator(path, failure))
      if (entry.path().extension() == ".cdgraph") inside.push_back(entry.path().string());
    if (inside.empty()) say(path + ": no graphs in this folder");
    std::sort(inside.begin(), inside.end());
    out.insert(out.end(), inside.begin(), inside.end());
  }
  return out;
}

}  // namespace

Union read_union(const std::vector<std::string>& paths, const Reading& reading, unsigned jobs) {
  Union all;
  reports::Merger merger;
  reports::ContradictionCheck check;
  std::optional<reports::Graph> only;   // kept as it is as long as there is no other
  std::size_t graphs = 0, repeats = 0;
  const auto unite = [&] {
    if (graphs + repeats < 2 || !only) return;
    merger.add(std::move(*only));
    only.reset();
  };
  ReadAhead ahead(without_folders(paths), jobs, merger.sieve());
  for (std::size_t i = 0; i < ahead.paths().size(); ++i) {
    const std::string& path = ahead.paths()[i];
    ReadAhead::Item item = ahead.take(i);
    if (item.kind == ReadAhead::Kind::kRepeat) {
      ++repeats;
      unite();
      continue;
    }
    Input input{path, {}, true};
    if (item.kind == ReadAhead::Kind::kOther) input = read_input(path, reading);
    if (item.kind == ReadAhead::Kind::kGraph) input.parts.push_back({std::move(item.graph), ""});
    if (item.kind == ReadAhead::Kind::kFailed) {
      tell(item.status);
      input.whole = false;
    }
    all.whole &= input.whole;
    all.missing |= input.parts.empty();
    const bool cases = input.parts.size() > 1;   // each of them a program of its own
    for (Part& part : input.parts) {
      std::string cause;
      if (!cases && !check.add(part.graph, path == "-" ? "standard input" : path, cause)) {
        error(cause);
        return {{}, 0, false, true, {}};
      }
      ++graphs;
      unite();
      if (graphs + repeats == 1) only = std::move(part.graph);
      else merger.add(std::move(part.graph));
    }
  }
  all.parts = graphs == 0 ? 0 : graphs + repeats;   // repeats of what could not be read are nothing
  all.graph = only ? std::move(*only) : merger.take();
  all.notes = merger.notes();
  // What the source declares is judged by what the runs did, too.
  if (const std::vector<rules::OrderRule> orders = rules::orders_of_source(all.graph); !orders.empty() && all.parts > 1) {
    rules::judge_orders(orders, all.graph);
    reports::canonicalise(all.graph);
  }
  return all;
}

bool trace_as_text(const std::string& path, const std::function<bool(std::string_view)>& put) {
  traces::TraceFile file;
  traces::Status status = file.open(path);
  if (status.ok()) {
    traces::TextWriter writer(put);
    status = file.read_events(writer);
    if (!status.failed()) writer.finish();
  }
  tell(status);
  return status.ok();
}

}  // namespace crossdep::cli
