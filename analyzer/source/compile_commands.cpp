// SPDX-License-Identifier: MIT
//
// See compile_commands.h. Flags are kept by a list of what is known to matter: GCC has more flags than clang accepts, and
// warnings, optimisation and output do not change what the text means.
//
// Threading: pure functions.  Allocation: the heap.
#include "source/compile_commands.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace crossdep::source {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

bool starts(const std::string& text, const char* with) { return text.rfind(with, 0) == 0; }

/// Flags with a word of their own after them.
constexpr const char* kWithWord[] = {"-I", "-D", "-U", "-isystem", "-iquote", "-idirafter", "-include", "-imacros",
                                     "-isysroot", "--sysroot", "-x", "-target", "-arch", "-iprefix", "-iwithprefix"};
constexpr const char* kJoined[] = {"-I", "-D", "-U", "-isystem", "-iquote", "-idirafter", "-std=", "--std=", "--sysroot=",
                                   "-stdlib=", "--target=", "-march=", "-mavx", "-msse"};
constexpr const char* kWhole[] = {"-m32", "-m64", "-pthread", "-nostdinc", "-nostdinc++", "-ansi", "-fms-extensions",
                                  "-fno-rtti", "-fno-exceptions", "-fexceptions", "-funsigned-char", "-fsigned-char",
                                  "-fshort-enums", "-fshort-wchar", "-ffreestanding", "-fblocks", "-fopenmp", "-fPIC", "-fPIE",
                                  "-fpic", "-fpie", "-undef", "-fplan9-extensions", "-fchar8_t", "-fcoroutines", "-maes", "-mpclmul"};

bool source_suffix(const std::string& file, bool& cxx) {
  const std::string suffix = fs::path(file).extension().string();
  for (const char* known : {".c", ".i", ".cc", ".cpp", ".cxx", ".c++", ".C", ".cp", ".ii", ".CPP"})
    if (suffix == known) {
      cxx = suffix != ".c" && suffix != ".i";
      return true;
    }
  return false;
}

bool language_of(const std::string& file, const std::string& compiler, const std::vector<std::string>& flags, bool& cxx) {
  for (std::size_t i = 0; i + 1 < flags.size(); ++i) {
    if (flags[i] != "-x") continue;
    cxx = flags[i + 1] == "c++";
    return flags[i + 1] == "c" || cxx;   // assembler and the like are not ours
  }
  const bool known = source_suffix(file, cxx);
  if (!known) cxx = compiler.find("++") != std::string::npos;
  if (fs::path(compiler).filename().string().find("++") != std::string::npos) cxx = true;
  return known;
}

/// GCC's default is newer than clang's.
void add_default_standard(CompileCommand& command) {
  if (!command.cxx || command.compiler.find("clang") != std::string::npos) return;
  const bool given = std::any_of(command.flags.begin(), command.flags.end(), [](const std::string& flag) {
    return starts(flag, "-std=") || starts(flag, "--std=") || flag == "-ansi";
  });
  if (!given) command.flags.push_back("-std=gnu++17");
}

void finish(CompileCommands& commands) {
  for (CompileCommand& command : commands.list) add_default_standard(command);
  // A file built for several programs is read once, with the flags of its first entry in order of flags.
  std::stable_sort(commands.list.begin(), commands.list.end(), [](const CompileCommand& a, const CompileCommand& b) {
    return a.file != b.file ? a.file < b.file : a.flags < b.flags;
  });
  commands.list.erase(std::unique(commands.list.begin(), commands.list.end(),
                                  [](const CompileCommand& a, const CompileCommand& b) { return a.file == b.file; }),
                      commands.list.end());
  std::sort(commands.stale.begin(), commands.stale.end());
  commands.stale.erase(std::unique(commands.stale.begin(), commands.stale.end()), commands.stale.end());
}

std::string absolute(const std::string& directory, const std::string& file) {
  return (fs::path(directory) / file).lexically_normal().string();
}

/// One entry; false: `cause` says what is wrong with it.
bool read_entry(const Json& entry, const std::string& base, CompileCommands& out, std::string& cause) {
  if (!entry.is_object()) return cause = "is not an object", false;
  const auto text = [&](const char* key, std::string& to) {
    const auto at = entry.find(key);
    if (at == entry.end() || !at->is_string()) return false;
    to = at->get<std::string>();
    return true;
  };
  CompileCommand command;
  std::string file, line;
  if (!text("file", file)) return cause = "has no text \"file\"", false;
  if (!text("directory", command.directory)) command.directory = base;
  command.directory = absolute(base, command.directory);
  std::vector<std::string> words;
  if (const auto at = entry.find("arguments"); at != entry.end()) {
    if (!at->is_array()) return cause = "\"arguments\" is not an array", false;
    for (const Json& word : *at) {
      if (!word.is_string()) return cause = "\"arguments\" holds something that is not a text", false;
      words.push_back(word.get<std::string>());
    }
  } else if (text("command", line)) {
    words = split_command(line);
  } else {
    return cause = "has neither \"arguments\" nor \"command\"", false;
  }
  if (words.empty()) return cause = "has an empty command", false;
  // A launcher stands before the compiler.
  std::size_t first = 0;
  while (first + 1 < words.size() && (words[first].find("ccache") != std::string::npos || words[first].find("distcc") != std::string::npos ||
                                      words[first].find("sccache") != std::string::npos))
    ++first;
  command.compiler = words[first];
  words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(first) + 1);
  command.file = absolute(command.directory, file);
  command.flags = meaningful_flags(words);
  if (!language_of(file, command.compiler, command.flags, command.cxx)) return true;
  std::error_code ignored;
  if (!fs::is_regular_file(command.file, ignored)) out.stale.push_back(command.file);
  else out.list.push_back(std::move(command));
  return true;
}

}  // namespace

std::vector<std::string> split_command(const std::string& line) {
  std::vector<std::string> words;
  std::string word;
  bool open = false;
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote == '\'') {
      if (c == '\'') quote = 0;
      else word += c;
    } else if (c == '\\' && i + 1 < line.size() && (quote == 0 || std::string("\"\\$`").find(line[i + 1]) != std::string::npos)) {
      word += line[++i];
      open = true;
    } else if (quote == '"') {
      if (c == '"') quote = 0;
      else word += c;
    } else if (c == '"' || c == '\'') {
      quote = c;
      open = true;
    } else if (c == ' ' || c == '\t' || c == '\n') {
      if (open) words.push_back(word);
      word.clear();
      open = false;
    } else {
      word += c;
      open = true;
    }
  }
  if (open) words.push_back(word);
  return words;
}

std::vector<std::string> meaningful_flags(const std::vector<std::string>& arguments) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    const auto is = [&](const char* flag) { return word == flag; };
    if (std::any_of(std::begin(kWithWord), std::end(kWithWord), is)) {
      if (i + 1 >= arguments.size()) break;
      out.push_back(word);
      out.push_back(arguments[++i]);
    } else if (word == "-o" || word == "-MF" || word == "-MT" || word == "-MQ" || word == "-Xclang" || word == "-Xlinker" || word == "-Xassembler") {
      ++i;
    } else if (std::any_of(std::begin(kWhole), std::end(kWhole), is) ||
               std::any_of(std::begin(kJoined), std::end(kJoined), [&](const char* flag) { return starts(word, flag); })) {
      out.push_back(word);
    }
  }
  return out;
}

bool read_compile_commands(const std::string& path, CompileCommands& out, std::string& cause, std::string& cure) {
  std::error_code ignored;
  std::string file = path;
  if (fs::is_directory(file, ignored)) file = (fs::path(path) / "compile_commands.json").string();
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    cause = file + ": cannot be read";
    cure = "cmake -DCMAKE_EXPORT_COMPILE_COMMANDS=ON, meson, or `bear -- make` write one; or name the files, and the flags after --";
    return false;
  }
  std::stringstream text;
  text << in.rdbuf();
  Json json;
  try {
    json = Json::parse(text.str());
  } catch (const Json::parse_error& wrong) {
    const std::string before = text.str().substr(0, wrong.byte);
    cause = file + ":" + std::to_string(1 + std::count(before.begin(), before.end(), '\n')) + ": not JSON (offset " +
            std::to_string(wrong.byte) + ")";
    return false;
  } catch (const Json::exception&) {
    cause = file + ": not JSON that can be read";
    return false;
  }
  if (!json.is_array()) {
    cause = file + ":1: is not an array of compile commands";
    return false;
  }
  const std::string base = fs::absolute(file, ignored).parent_path().string();
  for (std::size_t i = 0; i < json.size(); ++i) {
    std::string wrong;
    if (read_entry(json[i], base, out, wrong)) continue;
    cause = file + ": entry " + std::to_string(i) + ": " + wrong;
    return false;
  }
  finish(out);
  return true;
}

CompileCommands plain_commands(const std::vector<std::string>& files, const std::vector<std::string>& flags) {
  CompileCommands out;
  const std::string here = fs::current_path().string();
  for (const std::string& file : files) {
    CompileCommand command;
    command.directory = here;
    command.file = absolute(here, file);
    command.flags = meaningful_flags(flags);
    if (!language_of(file, "cc", command.flags, command.cxx)) command.cxx = false;
    command.compiler = command.cxx ? "c++" : "cc";
    std::error_code ignored;
    if (!fs::is_regular_file(command.file, ignored)) out.stale.push_back(command.file);
    else out.list.push_back(std::move(command));
  }
  finish(out);
  return out;
}

std::vector<std::string> keep_only(CompileCommands& commands, const std::vector<std::string>& files) {
  std::vector<std::string> missing;
  std::vector<CompileCommand> kept;
  const std::string here = fs::current_path().string();
  for (const std::string& file : files) {
    const std::string wanted = absolute(here, file);
    const auto at = std::find_if(commands.list.begin(), commands.list.end(), [&](const CompileCommand& c) { return c.file == wanted; });
    if (at == commands.list.end()) missing.push_back(file);
    else kept.push_back(*at);
  }
  commands.list = std::move(kept);
  commands.stale.clear();
  finish(commands);
  return missing;
}

}  // namespace crossdep::source
