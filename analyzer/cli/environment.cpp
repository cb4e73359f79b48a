// SPDX-License-Identifier: MIT
//
// LD_PRELOAD is separated by blanks and colons and knows no quoting: a library in such a path is preloaded through a
// symbolic link in a folder of ours below /tmp. The link stays, because a child that outlives the run still needs it.
//
// AddressSanitizer insists on being the first library. Where the program itself names it, it is put before ours; for
// children that bring it along, its check is turned off: nothing of ours takes the place of what it intercepts.
//
// Threading: one thread.  Allocation: the heap.
#include "cli/environment.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "reports/graph.h"

extern char** environ;

namespace crossdep::cli {
namespace {

namespace fs = std::filesystem;
constexpr const char* kLibraryName = "libcrossdep.so";

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

void set(std::vector<std::string>& environment, const std::string& name, const std::string& value) {
  const std::string start = name + "=";
  std::erase_if(environment, [&](const std::string& entry) { return entry.rfind(start, 0) == 0; });
  environment.push_back(start + value);
}

/// A folder that only we can write to, made if need be. Others may have put something of that name there: not ours.
bool own_folder(const std::string& path, std::string& cause) {
  if (mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) {
    cause = path + ": " + std::strerror(errno);
    return false;
  }
  struct stat info;
  if (lstat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode) || info.st_uid != geteuid() ||
      (info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    cause = path + ": not a folder of ours alone";
    return false;
  }
  chmod(path.c_str(), 0755);   // readable, whatever the umask: a child may run as another user
  return true;
}

/// `library`, or a link to it whose path the loader can take.
std::string preloadable(const std::string& library, std::string& cause) {
  if (library.find_first_of(" \t\n:$") == std::string::npos) return library;
  const std::string base = fmt::format("/tmp/crossdep-{}", geteuid());
  const std::string folder = fmt::format("{}/{:016x}", base, std::hash<std::string>{}(library));
  if (!own_folder(base, cause) || !own_folder(folder, cause)) return {};
  const std::string link = folder + "/" + kLibraryName;
  if (symlink(library.c_str(), link.c_str()) != 0 && errno != EEXIST) {
    cause = link + ": " + std::strerror(errno);
    return {};
  }
  std::error_code ignored;
  if (fs::read_symlink(link, ignored) != library) {
    cause = link + ": leads elsewhere";
    return {};
  }
  return link;
}

/// Quoted for CROSSDEP_OPTIONS; empty if no quote is left that does not occur in it.
std::string quoted(const std::string& value) {
  for (const char quote : {'\'', '"'})
    if (value.find(quote) == std::string::npos) return quote + value + quote;
  return {};
}

}  // namespace

std::string own_program() {
  std::error_code error;
  const fs::path path = fs::read_symlink("/proc/self/exe", error);
  return error ? std::string() : path.string();
}

std::string own_library() {
  const fs::path folder = fs::path(own_program()).parent_path();
  for (const char* where : {CROSSDEP_LIB_FROM_BIN, "../lib"}) {
    std::error_code error;
    const fs::path path = fs::weakly_canonical(folder / where / kLibraryName, error);
    if (!error && fs::is_regular_file(path, error)) return path.string();
  }
  return {};
}

std::vector<std::string> inherited_list(const std::string& name) {
  constexpr const char* kGaps = ":, \t\n\r";
  const std::string text = from_environment("CROSSDEP_OPTIONS");
  std::vector<std::string> found;
  bool listing = false;
  for (std::size_t at = text.find_first_not_of(kGaps); at < text.size(); at = text.find_first_not_of(kGaps, at)) {
    const std::size_t equals = text.find('=', at), gap = text.find_first_of(kGaps, at);
    if (equals == std::string::npos || gap < equals) {   // a word without a value: after a comma it goes on with a list
      if (listing && text[at - 1] == ',') found.push_back(text.substr(at, gap == std::string::npos ? gap : gap - at));
      at = gap;
      continue;
    }
    const std::string key = text.substr(at, equals - at);
    std::size_t begin = equals + 1, end;
    if (begin < text.size() && (text[begin] == '\'' || text[begin] == '"')) {
      end = text.find(text[begin], begin + 1);
      ++begin;
      at = end == std::string::npos ? end : end + 1;
    } else {
      at = end = text.find_first_of(kGaps, begin);
    }
    listing = key == name;
    if (listing) found.push_back(text.substr(begin, end == std::string::npos ? end : end - begin));
  }
  return found;
}

std::string inherited_option(const std::string& name) {
  const std::vector<std::string> all = inherited_list(name);
  return all.empty() ? std::string() : all.back();
}

bool make_environment(const RuntimeSettings& settings, const std::string& library,
                      const std::vector<std::string>& sanitizers, std::vector<std::string>& environment,
                      std::string& cause) {
  const std::string link = preloadable(library, cause);
  if (link.empty()) return false;
  const std::string folder = quoted(settings.folder), helper = quoted(own_program());
  if (folder.empty() || helper.empty()) {
    cause = (folder.empty() ? settings.folder : own_program()) + ": a path with both kinds of quotes";
    return false;
  }

  environment.clear();
  for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);

  std::string preload;
  for (const std::string& first : sanitizers) preload += first + ":";
  preload += link;
  if (const std::string theirs = from_environment("LD_PRELOAD"); !theirs.empty()) preload += ":" + theirs;
  set(environment, "LD_PRELOAD", preload);

  // Ours last: of an option given twice the last one counts.
  std::string options = from_environment("CROSSDEP_OPTIONS");
  if (!options.empty()) options += ":";
  options += fmt::format("supervised=1:merge=0:run={}:out={}:helper={}:fail_on={}:exitcode={}", getpid(), folder, helper,
                         reports::word(settings.policy), settings.exitcode);
  if (!settings.suppressions.empty()) {
    const std::string file = quoted(settings.suppressions);
    if (file.empty()) {
      cause = settings.suppressions + ": a path with both kinds of quotes";
      return false;
    }
    options += ":suppressions=" + file;
  }
  if (!settings.rules.empty()) set(environment, "CROSSDEP_RULE_NEEDS", settings.rule_needs);
  for (const std::string& rules : settings.rules) {
    const std::string file = quoted(rules);
    if (file.empty()) {
      cause = rules + ": a path with both kinds of quotes";
      return false;
    }
    options += ":rules=" + file;
  }
  if (settings.record) options += ":record=1";
  if (settings.verbose) options += ":verbose=1";
  set(environment, "CROSSDEP_OPTIONS", options);

  const std::string asan = from_environment("ASAN_OPTIONS");
  if (asan.find("verify_asan_link_order") == std::string::npos)
    set(environment, "ASAN_OPTIONS", "verify_asan_link_order=0" + (asan.empty() ? "" : ":" + asan));
  return true;
}

}  // namespace crossdep::cli
