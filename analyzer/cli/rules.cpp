// SPDX-License-Identifier: MIT
//
// `crossdep rules [ID]`: the catalogue of checks, or one of them with its description and the smallest trace that shows it.
// `crossdep rules --learn GRAPH`: the order that a graph's locks were taken in, as a rule file to review.
//
// Threading: one thread.  Allocation: the heap.
#include "rules/catalogue.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <vector>

#include "cli/command.h"
#include "cli/input.h"
#include "cli/output.h"
#include "cli/rule_options.h"
#include "cli/suggest.h"
#include "rules/learn.h"
#include "rules/needs.h"

namespace crossdep::cli {
namespace {

// Words broken into lines of at most `width`.
std::string wrapped(const std::string& text, std::size_t width) {
  std::string out, line;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = text.find(' ', at);
    if (end == std::string::npos) end = text.size();
    if (!line.empty() && line.size() + 1 + end - at > width) {
      out += line + "\n";
      line.clear();
    }
    line += (line.empty() ? "" : " ") + text.substr(at, end - at);
    at = end + 1;
  }
  return out + line + "\n";
}

int rules_of(const std::string& id) {
  const rules::CheckText* const all = rules::catalogue();
  std::string out;
  if (id.empty()) {
    for (unsigned i = 0; i < engine::kCheckCount; ++i) out += fmt::format("{:<22}{:<9}{}\n", all[i].id, rules::word(all[i].level), all[i].title);
    return write_text("", out) ? kQuiet : kUnusable;
  }
  engine::Check check;
  if (rules::parse_check(id, check)) {
    const rules::CheckText& text = rules::catalogue(check);
    const bool log = text.example_is == rules::Example::kLog;
    out += fmt::format("{} ({}): {}\n\n{}\n", text.id, rules::word(text.level), text.title, wrapped(text.description, 100));
    if (text.rules != nullptr) out += fmt::format("A rule file that asks for it (--rules FILE):\n\n{}\n\n", text.rules);
    out += fmt::format("The smallest {} that shows it (crossdep {}{} FILE):\n\n{}", log ? "log" : "trace", log ? "explain" : "check",
                       text.rules == nullptr ? "" : " --rules FILE", text.example);
    return write_text("", out) ? kQuiet : kUnusable;
  }
  std::vector<std::string> known;
  for (unsigned i = 0; i < engine::kCheckCount; ++i) known.push_back(all[i].id);
  error("unknown check '" + id + "'");
  const std::string near = nearest(id, known);
  hint(near.empty() ? "crossdep rules lists the checks" : "did you mean '" + near + "'?");
  return kUnusable;
}

struct Request {
  std::string id;
  std::vector<std::string> needs;
  std::vector<std::string> learn;
  std::string output;
};

int learn_order(const Request& request) {
  const Union all = read_union(request.learn);
  if (all.parts == 0 || !all.whole) return kUnusable;
  std::string source;
  for (const std::string& path : request.learn) source += (source.empty() ? "" : ", ") + std::filesystem::path(path).filename().string();
  return write_text(request.output, rules::learn(all.graph, source)) ? kQuiet : kUnusable;
}

// For the runtime, at the start of a program.
int print_needs(std::vector<std::string> files) {
  rules::RuleSet set;
  if (!load_rules(std::move(files), set)) return kUnusable;
  return write_text("", rules::need_lines(set)) ? kQuiet : kUnusable;
}

}  // namespace

void add_rules(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("rules", "List the checks, explain one, or learn an order");
  auto request = std::make_shared<Request>();
  auto* id = command->add_option("id", request->id, "A check's id, as findings show it")->type_name("ID");
  auto* learn = command->add_option("--learn", request->learn, "Write the order that was seen there as a rule file to review")->type_name("GRAPH...");
  command->add_option("-o,--output", request->output, "With --learn: the rule file; default standard output")->type_name("FILE")->needs(learn);
  auto* needs = command->add_option("--needs", request->needs, "Print what these rule files need to be observed, for the runtime")->type_name("FILE...");
  id->excludes(learn);
  needs->excludes(learn)->excludes(id);
  command->footer("Exit status: 0 printed or written; 2 usage, no such check, or unreadable input.");
  command->callback([request, &action] {
    action = [request] {
      if (!request->needs.empty()) return print_needs(request->needs);
      return request->learn.empty() ? rules_of(request->id) : learn_order(*request);
    };
  });
}

}  // namespace crossdep::cli
