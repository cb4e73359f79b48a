// SPDX-License-Identifier: MIT
//
// `crossdep rules [ID]`: the catalogue of checks, or one of them with its description and the smallest trace that shows it.
//
// Threading: one thread.  Allocation: the heap.
#include "rules/catalogue.h"

#include <fmt/format.h>

#include <memory>
#include <vector>

#include "cli/command.h"
#include "cli/suggest.h"

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
  if (id.empty()) {
    for (unsigned i = 0; i < engine::kCheckCount; ++i) fmt::print("{:<22}{:<9}{}\n", all[i].id, rules::word(all[i].level), all[i].title);
    return kQuiet;
  }
  engine::Check check;
  if (rules::parse_check(id, check)) {
    const rules::CheckText& text = rules::catalogue(check);
    const bool log = text.example_is == rules::Example::kLog;
    fmt::print("{} ({}): {}\n\n{}\nThe smallest {} that shows it (crossdep {} FILE):\n\n{}", text.id, rules::word(text.level),
               text.title, wrapped(text.description, 100), log ? "log" : "trace", log ? "explain" : "check", text.example);
    return kQuiet;
  }
  std::vector<std::string> known;
  for (unsigned i = 0; i < engine::kCheckCount; ++i) known.push_back(all[i].id);
  error("unknown check '" + id + "'");
  const std::string near = nearest(id, known);
  hint(near.empty() ? "crossdep rules lists the checks" : "did you mean '" + near + "'?");
  return kUnusable;
}

}  // namespace

void add_rules(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("rules", "List the checks, or explain one");
  auto id = std::make_shared<std::string>();
  command->add_option("id", *id, "A check's id, as findings show it")->type_name("ID");
  command->footer("Exit status: 0 printed; 2 usage, or no such check.");
  command->callback([id, &action] { action = [id] { return rules_of(*id); }; });
}

}  // namespace crossdep::cli
