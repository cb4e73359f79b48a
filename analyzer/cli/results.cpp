// SPDX-License-Identifier: MIT
//
// See results.h. Files of other runs in the same folder, earlier or at the same time (`ctest -j`), are left alone and not
// counted: the exit status speaks of this run, whose processes have its number in the names of their journals. `crossdep
// merge` unites what one wants united.
//
// Threading: one thread.  Allocation: the heap.
#include "cli/results.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "cli/command.h"
#include "cli/native.h"
#include "cli/output.h"
#include "reports/merge.h"
#include "reports/source_join.h"
#include "rules/evaluate.h"
#include "rules/rule_names.h"

namespace crossdep::cli {
namespace {

namespace fs = std::filesystem;

/// What stands in the names of journals and traces of this run's processes until it has collected them.
std::string mark() { return ".r" + std::to_string(getpid()); }

/// The files this run's processes leave, sorted; nothing else of the folder.
std::vector<fs::path> process_files(const std::string& folder) {
  std::vector<fs::path> out;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    const fs::path extension = entry.path().extension();
    if ((extension == ".cdjournal" || extension == ".cdtrace") && entry.path().stem().string().ends_with(mark())) out.push_back(entry.path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

/// Zombies count as ended: nothing in them runs any more.
bool alive(int pid) { return pid > 0 && kill(pid, 0) == 0; }

bool make_fresh(std::string& folder, std::string& cause) {
  for (unsigned n = 1; n < 100'000; ++n) {
    folder = "crossdep-results." + std::to_string(n);
    if (mkdir(folder.c_str(), 0777) == 0) return true;
    if (errno != EEXIST) break;
  }
  cause = folder + ": " + std::strerror(errno);
  return false;
}

}  // namespace

bool Results::prepare(const std::string& folder, std::string& cause) {
  folder_ = folder;
  std::error_code error;
  if (folder_.empty()) {
    if (!make_fresh(folder_, cause)) return false;
  } else {
    fs::create_directories(folder_, error);
    if (std::error_code other; !fs::is_directory(folder_, other)) {
      if (!error) error = other;
      cause = folder_ + ": " + (error ? error.message() : "not a directory");
      return false;
    }
    if (access(folder_.c_str(), W_OK | X_OK) != 0) {
      cause = folder_ + ": " + std::strerror(errno);
      return false;
    }
  }
  folder_ = fs::absolute(folder_, error).lexically_normal().string();   // children may change their directory
  while (folder_.size() > 1 && folder_.back() == '/') folder_.pop_back();
  return true;
}

void Results::collect(int main_pid, int main_status, const rules::RuleSet& rules, const reports::Graph* source) {
  const rules::RuleNames names(rules);
  std::vector<reports::Graph> graphs;
  for (const fs::path& path : process_files(folder_)) {
    NativeResult result = read_journal_graph(path.string(), engine::kNone, &names);
    if (result.status.failed()) {
      error(result.status.text());
      trouble_ = true;
      continue;
    }
    // A process that was killed has no last words; what it committed is whole.
    const bool running = !result.finished && static_cast<int>(result.pid) != main_pid && alive(static_cast<int>(result.pid));
    for (reports::Run& run : result.graph.runs)
      if (static_cast<int>(run.pid) == main_pid) run.exit_status = main_status;
    std::map<std::string, std::string> ids;
    if (source != nullptr)
      for (const std::string& note : reports::name_by_source(result.graph, *source, ids)) notes_.insert(note);
    renamed_.insert(ids.begin(), ids.end());
    for (const reports::Finding& finding : result.graph.findings) seen_alone_.insert(finding.id);

    const std::string told = path.string() + ".told";
    for (const std::string& id : read_told(told)) {
      const auto at = ids.find(id);
      seen_alone_.insert(at == ids.end() ? id : at->second);
    }
    if (!running) unlink(told.c_str());
    const std::string name = path.stem().string();
    const fs::path graph = path.parent_path() / (name.substr(0, name.size() - mark().size()) + ".cdgraph");
    const bool written = write_graph(graph.string(), result.graph);
    trouble_ |= !written;
    if (path.extension() == ".cdtrace") {
      const fs::path trace = fs::path(graph).replace_extension(".cdtrace");
      const bool renamed = !running && rename(path.c_str(), trace.c_str()) == 0;
      traces_.push_back((renamed ? trace : path).string());
    } else if (written && !running) {
      unlink(path.c_str());
    }
    running_ += running;
    graphs.push_back(std::move(result.graph));
  }
  graph_ = reports::merge(graphs);
  if (!rules.empty()) rules::evaluate(rules, graph_);
  trouble_ |= !write_graph(graph_path(), graph_);
}

std::vector<const reports::Finding*> Results::union_findings() const {
  std::vector<const reports::Finding*> out;
  for (const reports::Finding& finding : graph_.findings)
    if (seen_alone_.count(finding.id) == 0) out.push_back(&finding);
  return out;
}

}  // namespace crossdep::cli
