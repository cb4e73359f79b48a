// SPDX-License-Identifier: MIT
//
// See input.h. traces/open.h says what a file is; from there one function per kind.
//
// Threading: one thread.  Allocation: the heap.
#include "cli/input.h"

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>

#include <fmt/format.h>

#include "cli/command.h"
#include "cli/contradictions.h"
#include "cli/native.h"
#include "cli/progress.h"
#include "reports/json.h"
#include "reports/merge.h"
#include "reports/site_text.h"
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
  CaseJudge(const traces::TraceFile& file, bool strict)
      : source_(std::filesystem::path(file.name()).filename().string()), key_(content_key(file)) {
    start();
    replay_ = std::make_unique<traces::Replay>(builder_->sink());
    replay_->on_case_begin = [this](std::string_view) -> engine::Sink& {
      start();
      return builder_->sink();
    };
    replay_->on_case_end = [this](std::string_view name, const engine::Engine& engine) { end(name, engine); };
    validator_ = make_validator(*replay_, file, strict);
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
        : resolver([&judge](engine::Site site) { return judge.replay_->site_text(site); }), graph(resolver) {}
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

Input read_input(const std::string& path, bool strict, traces::Format format) {
  Input input{path, {}, true};
  traces::TraceFile file;
  traces::Status status = file.open(path, format);
  if (status.ok()) {
    const Progress progress(file);
    switch (file.format()) {
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
        NativeResult result = judge_native(file, strict);
        status = result.status;
        if (!status.failed()) input.parts.push_back({std::move(result.graph), ""});
        break;
      }
      default: {
        std::vector<Part> parts = CaseJudge(file, strict).judge(file, status);
        if (!status.failed()) input.parts = std::move(parts);
      }
    }
  }
  tell(status);
  input.whole = status.ok();
  return input;
}

Union read_union(const std::vector<std::string>& paths) {
  Union all;
  std::vector<reports::Graph> graphs;
  for (const std::string& path : paths) {
    Input input = read_input(path);
    all.whole &= input.whole;
    for (Part& part : input.parts) graphs.push_back(std::move(part.graph));
  }
  all.parts = graphs.size();
  if (graphs.size() == 1) all.graph = std::move(graphs.front());
  else if (!graphs.empty()) all.graph = reports::merge(graphs);
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
