// SPDX-License-Identifier: MIT
//
// See places.h. Names: crossdep.PID.cdgraph, and beside it crossdep.PID.cdjournal or, recorded, crossdep.PID.cdtrace. With
// merge=1 the graph is everybody's, crossdep.cdgraph, and only the other one has the number. A
// program that executes another one keeps its process id: the second image finds the first one's file and takes the
// name with -1.
//
// Threading and allocation: see places.h.
#include "core/places.h"

#include <sys/stat.h>
#include <unistd.h>

#include "core/modules.h"
#include "core/runtime.h"
#include "core/syscalls.h"

#ifndef CROSSDEP_BIN_FROM_LIB
#define CROSSDEP_BIN_FROM_LIB "../bin"
#endif

extern "C" char** environ;

namespace crossdep::runtime {
namespace {

void add_expanded(Path& to, const char* path, unsigned pid) noexcept {
  for (; *path != 0; ++path) {
    if (path[0] == '%' && path[1] == 'p') {
      to.number(pid);
      ++path;
    } else if (path[0] == '%' && path[1] == '%') {
      to.add('%');
      ++path;
    } else {
      to.add(*path);
    }
  }
}

bool is_folder(const char* path) noexcept {
  struct stat info;
  return system_stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

void find_helper(Places& places) noexcept {
  const char* const library = places.self.data();
  const std::size_t folder = static_cast<std::size_t>(base_name(library) - library);
  for (const char* where : {CROSSDEP_BIN_FROM_LIB "/crossdep", "../bin/crossdep", "../../bin/crossdep"}) {
    Path candidate;
    candidate.add(library, folder).add(where);
    if (folder == 0 || !system_exists(candidate.data(), X_OK)) continue;
    places.helper = candidate;
    return;
  }
  const char* path = nullptr;
  for (char** at = environ; at != nullptr && *at != nullptr; ++at)
    if (begins_with(*at, "PATH=")) path = *at + 5;
  while (path != nullptr && *path != 0) {
    std::size_t n = 0;
    while (path[n] != 0 && path[n] != ':') ++n;
    Path candidate;
    candidate.add(path, n).add("/crossdep");
    if (n != 0 && path[0] == '/' && system_exists(candidate.data(), X_OK)) {
      places.helper = candidate;
      return;
    }
    path += n;
    if (*path == ':') ++path;
  }
}

const char* journal_ending(const Options& options) noexcept { return options.record ? ".cdtrace" : ".cdjournal"; }

// The graph of all processes, and a journal beside it that nobody else has.
void set_shared_files(const Path& target, bool folder, unsigned pid, const Options& options, Places& places) noexcept {
  places.graph = target;
  if (folder) places.graph.add("crossdep.cdgraph");
  for (unsigned number = 0;; ++number) {
    places.journal = places.graph;
    places.journal.add('.').number(pid);
    if (number != 0) places.journal.add('-').number(number);
    places.journal.add(journal_ending(options));
    if (!system_exists(places.journal.data(), F_OK)) return;
  }
}

// The stem: folder and name without ending.
void set_files(const Path& stem, unsigned number, const Options& options, Places& places) noexcept {
  places.graph = stem;
  if (number != 0) places.graph.add('-').number(number);
  places.journal = places.graph;
  places.graph.add(".cdgraph");
  if (options.run != 0) places.journal.add(".r").number(options.run);   // until the run gives it the graph's name
  places.journal.add(journal_ending(options));
}

}  // namespace

void add_absolute(Path& to, const char* path) noexcept {
  if (path[0] != '/') {
    char here[4096];
    const long n = system_call(SYS_getcwd, word(here), sizeof here);
    if (n > 1) to.add(here, static_cast<std::size_t>(n) - 1).add('/');
    while (begins_with(path, "./")) path += 2;
  }
  to.add(path);
}

namespace {

// A file becomes absolute; what is none is a name that the analyzer knows.
void find_rule_files(const Options& options, Places& places) noexcept {
  places.rules.clear();
  places.rule_count = 0;
  for (const char* at = options.rules.data(); *at != 0 && places.rule_count < Places::kMostRules;) {
    Path name;
    for (; *at != 0 && *at != '\n'; ++at) name.add(*at);
    if (*at == '\n') ++at;
    places.rule_files[places.rule_count++] = places.rules.data() + places.rules.length();
    if (base_name(name.data()) != name.data() || system_exists(name.data(), F_OK)) add_absolute(places.rules, name.data());
    else places.rules.add(name.data());
    places.rules.add('\0');
  }
}

// The log that `ctest -T memcheck` wants a ThreadSanitizer to write: TSAN_OPTIONS=log_path='FILE':..., to which the
// sanitizer adds the process id.
void find_memcheck_log(Path& log) noexcept {
  const char* text = nullptr;
  for (char** at = environ; at != nullptr && *at != nullptr; ++at)
    if (begins_with(*at, "TSAN_OPTIONS=")) text = *at + 13;
  for (; text != nullptr && *text != 0; ++text) {
    if (!begins_with(text, "log_path=")) continue;
    text += 9;
    const char quote = *text == '\'' || *text == '"' ? *text++ : ':';
    Path path;
    for (; *text != 0 && *text != quote; ++text) path.add(*text);
    if (path.length() == 0) return;
    add_absolute(log, path.data());
    log.add('.').number(static_cast<unsigned>(system_getpid()));
    return;
  }
}

}  // namespace

void find_places(const Options& options, Places& places) noexcept {
  char executable[4096];
  const long n = system_readlink("/proc/self/exe", executable, sizeof executable);
  places.executable.clear();
  if (n > 0) places.executable.add(executable, static_cast<std::size_t>(n));
  places.self.clear();
  add_absolute(places.self, modules.path_of(reinterpret_cast<std::uint64_t>(&find_places)));
  places.helper.clear();
  if (options.helper.length() != 0) add_absolute(places.helper, options.helper.data());
  else find_helper(places);
  places.suppressions.clear();
  if (options.suppressions.length() != 0) add_absolute(places.suppressions, options.suppressions.data());
  find_rule_files(options, places);
  places.log.clear();
  if (options.log_path.length() != 0) {
    Path expanded;
    add_expanded(expanded, options.log_path.data(), static_cast<unsigned>(system_getpid()));
    add_absolute(places.log, expanded.data());
  }
  places.headings = false;
  if (options.memcheck && options.log_path.length() == 0) {
    find_memcheck_log(places.log);
    places.headings = places.log.length() != 0;
  }
  // Kept absolute and unexpanded until choose_files().
  places.graph.clear();
  add_absolute(places.graph, options.out.length() == 0 ? (options.merge ? "crossdep.cdgraph" : "crossdep.%p.cdgraph") : options.out.data());
}

void choose_files(const Options& options, unsigned pid, Places& places) noexcept {
  static Path pattern;   // as find_places() left it; a fork child chooses again
  if (pattern.length() == 0) pattern = places.graph;
  // A fork child of a process whose file has a fixed name writes one of its own beside it.
  static bool chosen = false;
  bool beside = chosen;
  chosen = true;
  for (std::size_t i = 0; i < pattern.length(); ++i) beside = beside && pattern.data()[i] != '%';
  Path target;
  add_expanded(target, pattern.data(), pid);
  const bool slash = target.length() != 0 && target.data()[target.length() - 1] == '/';
  const bool folder = slash || is_folder(target.data());
  if (folder) {
    if (!slash) target.add('/');
    if (options.merge) return set_shared_files(target, true, pid, options, places);
    target.add("crossdep.").number(pid);
  } else if (options.merge) {
    return set_shared_files(target, false, pid, options, places);
  } else {
    constexpr char kEnding[] = ".cdgraph";
    const std::size_t n = target.length(), ending = sizeof kEnding - 1;
    if (n > ending && equal(target.data() + n - ending, kEnding)) {
      target.cut(n - ending);
      if (beside) target.add('.').number(pid);
    } else {   // a name of the user's own: exactly that
      if (beside) target.add('.').number(pid);
      places.graph = places.journal = target;
      places.journal.add(journal_ending(options));
      return;
    }
  }
  const bool named = !folder && options.out.length() != 0;
  for (unsigned number = 0;; ++number) {
    set_files(target, number, options, places);
    if (named && number == 0) return;
    if (!system_exists(places.graph.data(), F_OK) && !system_exists(places.journal.data(), F_OK)) return;
  }
}

void choose_fallback(unsigned pid, Places& places) noexcept {
  places.graph.clear();
  const char* folder = "/tmp";
  for (char** at = environ; at != nullptr && *at != nullptr; ++at)
    if (begins_with(*at, "TMPDIR=/")) folder = *at + 7;
  for (unsigned number = 0;; ++number) {
    places.journal.clear();
    places.journal.add(folder).add("/crossdep-").number(pid).add('-').number(number).add(".cdjournal");
    if (!system_exists(places.journal.data(), F_OK)) return;
  }
}

}  // namespace crossdep::runtime
