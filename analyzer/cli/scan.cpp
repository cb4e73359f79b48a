// SPDX-License-Identifier: MIT
//
// `crossdep scan -p BUILD_DIR`: lock orders from the source. The work is done by crossdep-scan, a program of its own beside
// this one, because only that needs libclang; here its graph is shown and judged as any other.
//
// Threading: one thread; a child.  Allocation: the heap.
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <set>

#include "cli/command.h"
#include "cli/environment.h"
#include "cli/output.h"
#include "cli/policy.h"
#include "cli/rule_options.h"
#include "cli/show.h"
#include "reports/json.h"

namespace crossdep::cli {
namespace {

namespace fs = std::filesystem;

/// What crossdep-scan says by its status beyond ours: some files could not be read.
constexpr int kPartial = 4;

struct Request {
  std::string database, graph, cache;
  unsigned jobs = 0;
  std::vector<std::string> files, flags, rules;
  Show show;
};

std::string scanner() {
  std::error_code ignored;
  const fs::path path = fs::path(own_program()).parent_path() / "crossdep-scan";
  return access(path.c_str(), X_OK) == 0 ? path.string() : std::string();
}

/// A file of ours that goes away with this object.
struct TemporaryFile {
  std::string path;
  TemporaryFile() {
    std::error_code ignored;
    std::string name = (fs::temp_directory_path(ignored) / "crossdep-scan.XXXXXX").string();
    const int fd = mkstemp(name.data());
    if (fd < 0) return;
    close(fd);
    path = name;
  }
  ~TemporaryFile() {
    if (!path.empty()) unlink(path.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
};

/// What the rules speak of: the scanner looks for calls of functions so named.
std::set<std::string> operations_of(const rules::RuleSet& rules) {
  std::set<std::string> out;
  rules.each_performed([&](const rules::Performed& performed) {
    out.insert(performed.operations.begin(), performed.operations.end());
    out.insert(performed.calls.begin(), performed.calls.end());
  });
  return out;
}

int run_scanner(const std::vector<std::string>& words) {
  const pid_t child = fork();
  if (child < 0) return -1;
  if (child == 0) {
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    execv(arguments[0], arguments.data());
    _exit(127);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int scan(const Request& request) {
  Show show = request.show;
  rules::RuleSet rules;
  if (!load_suppressions(show) || !load_rules(request.rules, rules)) return kUnusable;
  const std::string program = scanner();
  if (program.empty()) {
    error("crossdep-scan is not there: this crossdep was built without libclang");
    hint("install libclang-dev and build crossdep again");
    return kUnusable;
  }
  const TemporaryFile made;
  if (made.path.empty()) {
    error("no temporary file can be made: " + std::string(std::strerror(errno)));
    return kUnusable;
  }
  std::vector<std::string> words{program, "-o", made.path};
  if (!request.database.empty()) words.insert(words.end(), {"-p", request.database});
  if (!request.cache.empty()) words.insert(words.end(), {"--cache", request.cache});
  if (request.jobs != 0) words.insert(words.end(), {"-j", std::to_string(request.jobs)});
  for (const std::string& name : operations_of(rules)) words.push_back("--operation=" + name);
  words.insert(words.end(), request.files.begin(), request.files.end());
  if (!request.flags.empty()) {
    words.push_back("--");
    words.insert(words.end(), request.flags.begin(), request.flags.end());
  }
  const int status = run_scanner(words);
  if (status >= 128) error("crossdep-scan ended by signal " + std::to_string(status - 128));
  if (status != kQuiet && status != kNothing && status != kPartial) return kUnusable;

  reports::Graph graph;
  std::string cause;
  if (!reports::read_graph_file(made.path, graph, cause)) {
    error(cause);
    return kUnusable;
  }
  if (!rules.empty()) rules::evaluate(rules, graph);
  show.to_stderr = request.graph == "-";
  show.graph_path = request.graph == "-" ? "" : request.graph;
  if (status != kNothing && !show_graph(graph, "", show)) return kUnusable;
  if (!request.graph.empty() && !write_graph(request.graph, graph)) return kUnusable;
  if (status == kPartial) return kUnusable;
  if (status == kNothing) return kNothing;
  return failing(graph, show.policy, show.suppressions).empty() ? kQuiet : kFindings;
}

}  // namespace

void add_scan(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("scan", "Find the lock orders the source can take");
  auto request = std::make_shared<Request>();
  command->add_option("-p", request->database, "Folder of compile_commands.json, or the file")->type_name("BUILD_DIR");
  command->add_option("-o,--output", request->graph, "Write the graph there; - is standard output")->type_name("GRAPH");
  command->add_option("-j,--jobs", request->jobs, "Files read at a time; default one per processor")->type_name("N");
  command->add_option("--cache", request->cache, "Folder for what was read: unchanged files are not read again")->type_name("DIR");
  add_rules_option(*command, request->rules);
  add_show_options(*command, request->show, {"splat", "text", "json", "dot"});
  command->add_option("files", request->files, "Only these files; without -p, the compiler's flags follow after --")->type_name("FILE");
  command->footer(
      "Without -p the files need no database: crossdep scan a.c b.c -- -Iinclude -DX=1\n"
      "Exit status: 0 nothing at or above the policy; 1 findings; 2 usage, or a file that cannot be read (the others are\n"
      "judged); 3 no lock operation found.");
  command->add_option("--flag", request->flags, "A compiler's flag; main() makes one of each word after --")->group("")->allow_extra_args(false);
  command->callback([request, &action] {
    action = [request] { return scan(*request); };
  });
}

}  // namespace crossdep::cli
