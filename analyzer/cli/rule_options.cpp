// SPDX-License-Identifier: MIT
//
// See rule_options.h.
//
// Threading and allocation: see rule_options.h.
#include "cli/rule_options.h"

#include <filesystem>

#include "cli/command.h"
#include "cli/environment.h"
#include "rules/rule_file.h"

namespace crossdep::cli {

void add_rules_option(CLI::App& command, std::vector<std::string>& names) {
  command.add_option("--rules", names, "A rule file, or the name of one that comes with crossdep (kernel, posix ...); may be given again")
      ->type_name("FILE")
      ->allow_extra_args(false);
}

std::string rules_folder() {
  namespace fs = std::filesystem;
  const fs::path folder = fs::path(own_program()).parent_path();
  for (const char* where : {CROSSDEP_DATA_FROM_BIN, "../share/crossdep"}) {
    std::error_code error;
    const fs::path path = fs::weakly_canonical(folder / where / "rules", error);
    if (!error && fs::is_directory(path, error)) return path.string();
  }
  return {};
}

bool load_rules(std::vector<std::string>& names, rules::RuleSet& out, std::string& cause, std::string& cure) {
  const std::string folder = names.empty() ? std::string() : rules_folder();
  for (std::string& name : names) {
    std::string near;
    const std::string path = rules::find_rules(name, folder, near);
    if (path.empty()) {
      cause = name + ": no such rule file, and none of that name comes with crossdep";
      cure = near.empty() ? "" : "did you mean '" + near + "'?";
      return false;
    }
    name = path;
    if (!rules::read_rules(path, out, cause)) return false;
  }
  return true;
}

bool load_rules(std::vector<std::string> names, rules::RuleSet& out) {
  std::string cause, cure;
  if (load_rules(names, out, cause, cure)) return true;
  error(cause);
  if (!cure.empty()) hint(cure);
  return false;
}

}  // namespace crossdep::cli
