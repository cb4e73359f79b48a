// SPDX-License-Identifier: MIT
//
// The program `crossdep`: reads the command line, calls one subcommand, returns its status. The table of contents is
// main(); each add_NAME lives in NAME.cpp.
//
// Threading: one thread.  Errors: exceptions of libraries end here, as one line.
#include <exception>
#include <new>

#include "cli/command.h"
#include "cli/suggest.h"

namespace crossdep::cli {
namespace {

constexpr const char* kFooter =
    "Exit status: 0 nothing at or above the policy; 1 findings; 2 usage or unreadable input; 3 nothing recorded.\n"
    "`crossdep COMMAND --help` says more.";

/// A word where a command belongs that is none: says so and what is nearest. True if there was one.
bool unknown_command(const CLI::App& app, int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') return false;
  std::vector<std::string> known;
  for (const CLI::App* command : app.get_subcommands(nullptr)) {
    if (command->get_name() == argv[1]) return false;
    known.push_back(command->get_name());
  }
  error("unknown command '" + std::string(argv[1]) + "'");
  const std::string near = nearest(argv[1], known);
  hint(near.empty() ? "crossdep --help lists the commands" : "did you mean 'crossdep " + near + "'?");
  return true;
}

int usage(const CLI::App& app, const CLI::ParseError& wrong, int argc, char** argv) {
  if (wrong.get_exit_code() == 0) return app.exit(wrong);   // --help, --version
  std::string text = wrong.what();
  if (const std::size_t end = text.find('\n'); end != std::string::npos) text.resize(end);
  error(text);
  const CLI::App* at = &app;
  for (const CLI::App* command : app.get_subcommands()) at = command;
  const std::string near = nearest_option(*at, argc, argv);
  if (!near.empty()) hint("did you mean " + near + "?");
  else hint("crossdep " + (at == &app ? std::string() : at->get_name() + " ") + "--help says how it is called");
  return kUnusable;
}

/// The words of `scan FILE... -- FLAG...`, last first as the parser wants them: it would take flags for options of ours.
/// Empty: nothing of that kind.
std::vector<std::string> scan_flags(int argc, char** argv) {
  if (argc < 2 || std::string(argv[1]) != "scan") return {};
  std::vector<std::string> words;
  bool behind = false;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (!behind && word == "--") behind = true;
    else words.push_back((behind ? "--flag=" : "") + word);
  }
  if (!behind) return {};
  return {words.rbegin(), words.rend()};
}

int dispatch(int argc, char** argv) {
  CLI::App app("Finds lock orders that can deadlock, in running programs and in recorded traces.", "crossdep");
  app.set_version_flag("--version", std::string("crossdep ") + CROSSDEP_VERSION, "Print the version");
  app.footer(kFooter);
  app.require_subcommand(1);

  Action action;
  add_run(app, action);      // run a program under the runtime
  add_check(app, action);    // judge recorded traces
  add_report(app, action);   // look at a graph
  add_merge(app, action);    // union of graphs
  add_explain(app, action);  // findings other tools printed
  add_scan(app, action);     // read the source
  add_coverage(app, action); // the source's lock order, and what of it was seen
  add_gate(app, action);     // fail on what is new against a baseline
  add_accept(app, action);   // put something into the baseline
  add_rules(app, action);    // the catalogue of checks
  add_kernel_probes(app, action);   // what to record a kernel with
  add_render(app, action);   // what the runtime calls to print; not listed

  if (unknown_command(app, argc, argv)) return kUnusable;
  try {
    std::vector<std::string> words = scan_flags(argc, argv);
    if (words.empty()) app.parse(argc, argv);
    else app.parse(std::move(words));
  } catch (const CLI::ParseError& wrong) {
    return usage(app, wrong, argc, argv);
  }
  return action();
}

}  // namespace
}  // namespace crossdep::cli

int main(int argc, char** argv) {
  try {
    return crossdep::cli::dispatch(argc, argv);
  } catch (const std::bad_alloc&) {
    crossdep::cli::error("out of memory");
    return crossdep::cli::kUnusable;
  } catch (const std::exception& wrong) {
    crossdep::cli::error(wrong.what());
    return crossdep::cli::kUnusable;
  }
}
