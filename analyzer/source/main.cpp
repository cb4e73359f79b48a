// SPDX-License-Identifier: MIT
//
// The program `crossdep-scan`, which `crossdep scan` runs: source files -> a graph file. It is a program of its own so
// that nothing else needs libclang.
//
// Threading: one thread; children read the files.  Errors: exceptions of libraries end here, as one line.
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>

#include "reports/json.h"
#include "source/graph_output.h"
#include "source/jobs.h"

namespace crossdep::source {
namespace {

enum Exit : int { kDone = 0, kUnusable = 2, kNothing = 3, kPartial = 4 };

void tell(const char* what, const std::string& text) { std::fprintf(stderr, "crossdep: %s%s\n", what, text.c_str()); }

struct Request {
  std::string database, output = "-", cache;
  unsigned jobs = 0;
  bool verbose = false;
  std::vector<std::string> files, flags, operations;
};

bool collect(const Request& request, CompileCommands& commands) {
  if (request.database.empty()) {
    if (request.files.empty()) {
      tell("error: ", "nothing to scan");
      tell("hint: ", "-p BUILD_DIR names the folder of a compile_commands.json; or name the files, and their flags after --");
      return false;
    }
    commands = plain_commands(request.files, request.flags);
    for (const std::string& file : commands.stale) tell("error: ", file + ": no such file");
    return commands.stale.empty();
  }
  std::string cause, cure;
  if (!read_compile_commands(request.database, commands, cause, cure)) {
    tell("error: ", cause);
    if (!cure.empty()) tell("hint: ", cure);
    return false;
  }
  if (!request.files.empty()) {
    const std::vector<std::string> missing = keep_only(commands, request.files);
    for (const std::string& file : missing) tell("error: ", file + ": not in the compilation database");
    return missing.empty();
  }
  for (const std::string& file : commands.stale) tell("", "warning: " + file + ": in the compilation database, but not there; skipped");
  return true;
}

int scan(const Request& request) {
  const auto began = std::chrono::steady_clock::now();
  CompileCommands commands;
  if (!collect(request, commands)) return kUnusable;
  if (commands.list.empty()) {
    tell("error: ", (request.database.empty() ? std::string("the list") : request.database) + ": no C or C++ file to scan");
    return kUnusable;
  }
  JobOptions options;
  options.jobs = request.jobs != 0 ? request.jobs : static_cast<unsigned>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)));
  options.cache = request.cache;
  const bool terminal = isatty(STDERR_FILENO) != 0;
  if (terminal)
    options.progress = [](std::size_t done, std::size_t all) {
      std::fprintf(stderr, "\rcrossdep: read %zu of %zu files%s", done, all, done == all ? "\n" : "");
    };
  Program program;
  std::vector<std::string> failures;   // told when no line of progress is under way
  std::string key;
  std::vector<std::string> names;
  read_units(commands.list, options, [&](std::size_t i, Unit&& unit) {
    key += commands.list[i].file + "\n";
    for (const std::string& flag : commands.list[i].flags) key += flag + " ";
    names.push_back(commands.list[i].file);
    if (unit.failure.empty()) program.add(std::move(unit));
    else failures.push_back(std::move(unit.failure));
  });
  for (const std::string& failure : failures) tell("error: ", failure + "; skipped");
  const std::size_t failed = failures.size();
  const std::size_t files = commands.list.size();
  program.watch(request.operations);
  program.analyse();
  const Found found = find_dependencies(program);
  for (const Unmodelled& u : program.unmodelled())
    tell("", "warning: " + std::to_string(u.calls) + (u.calls == 1 ? " call site of " : " call sites of ") + u.name +
                 " (first: " + program.files()[u.first.file] + ":" + std::to_string(u.first.line) + ") " + (u.calls == 1 ? "is" : "are") +
                 " not modelled: it has no body here; add the file that defines it");
  const reports::Graph graph = make_graph(program, found, key, names);
  std::string cause;
  if (!reports::write_graph_file(request.output, graph, cause)) {
    tell("error: ", cause);
    return kUnusable;
  }
  rusage self{}, child{};
  getrusage(RUSAGE_SELF, &self);
  getrusage(RUSAGE_CHILDREN, &child);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  char line[256];
  std::snprintf(line, sizeof line, "scanned %zu of %zu files: %zu functions, %zu lock classes, %zu dependencies; %.1f s, %ld MB", files - failed,
                files, program.functions().size(), graph.classes.size(), graph.dependencies.size(), seconds,
                std::max(self.ru_maxrss, child.ru_maxrss) / 1024);
  tell("", line);
  if (failed == files) return kUnusable;
  if (found.requests == 0) {
    tell("", "nothing recorded: no lock operation in these files");
    return kNothing;
  }
  return failed != 0 ? kPartial : kDone;
}

int dispatch(int argc, char** argv) {
  CLI::App app("Reads C and C++ sources and writes the lock orders they can take as a graph. Called by `crossdep scan`.", "crossdep-scan");
  Request request;
  app.add_option("-p", request.database, "Folder of compile_commands.json")->type_name("BUILD_DIR");
  app.add_option("-o,--output", request.output, "The graph to write; - is standard output")->type_name("GRAPH");
  app.add_option("-j,--jobs", request.jobs, "Files read at a time; default one per processor")->type_name("N");
  app.add_option("--cache", request.cache, "Folder for what was read, so that unchanged files are not read again")->type_name("DIR");
  app.add_option("--operation", request.operations, "Calls of these functions are operations that rules speak of")->type_name("NAME")->allow_extra_args(false);
  app.add_option("files", request.files, "Only these files; without -p, their flags follow after --")->type_name("FILE");
  // CLI11 takes what follows -- for further files.
  int end = argc;
  for (int i = 1; i < argc; ++i)
    if (std::string(argv[i]) == "--") {
      end = i;
      break;
    }
  for (int i = end + 1; i < argc; ++i) request.flags.push_back(argv[i]);
  try {
    app.parse(end, argv);
  } catch (const CLI::ParseError& wrong) {
    if (wrong.get_exit_code() == 0) return app.exit(wrong);
    tell("error: ", wrong.what());
    return kUnusable;
  }
  return scan(request);
}

}  // namespace
}  // namespace crossdep::source

int main(int argc, char** argv) {
  try {
    return crossdep::source::dispatch(argc, argv);
  } catch (const std::exception& wrong) {
    std::fprintf(stderr, "crossdep: error: %s\n", wrong.what());
    return 2;
  }
}
