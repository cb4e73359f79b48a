// SPDX-License-Identifier: MIT
//
// See suggest.h.
//
// Threading: pure functions.  Allocation: the heap.
#include "cli/suggest.h"

#include <algorithm>

namespace crossdep::cli {

std::string nearest_option(const CLI::App& command, int argc, char** argv) {
  std::vector<std::string> known;
  for (const CLI::Option* option : command.get_options())
    for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    if (word == "--") break;
    word = word.substr(0, word.find('='));
    if (word.rfind("--", 0) == 0 && std::find(known.begin(), known.end(), word) == known.end())
      return nearest(word, known);
  }
  return {};
}

}  // namespace crossdep::cli
