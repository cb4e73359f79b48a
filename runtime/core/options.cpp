// SPDX-License-Identifier: MIT
//
// See options.h. One table: name, kind, help; reading and listing both walk it.
//
// Threading: see options.h.  Allocation: none.
#include "core/options.h"

namespace crossdep::runtime {
namespace {

struct Entry {
  const char* name;
  bool (*set)(Options&, const char* value, std::size_t n);
  const char* help;
};

bool is_word(const char* value, std::size_t n, const char* word) {
  std::size_t i = 0;
  for (; i < n && word[i] != 0 && value[i] == word[i]; ++i) {}
  return i == n && word[i] == 0;
}

template <bool Options::*kMember>
bool flag(Options& options, const char* value, std::size_t n) {
  const bool yes = is_word(value, n, "1") || is_word(value, n, "true") || is_word(value, n, "yes");
  if (!yes && !is_word(value, n, "0") && !is_word(value, n, "false") && !is_word(value, n, "no")) return false;
  options.*kMember = yes;
  return true;
}

template <unsigned Options::*kMember, unsigned kMost>
bool count(Options& options, const char* value, std::size_t n) {
  if (n == 0 || n > 9) return false;
  unsigned result = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (value[i] < '0' || value[i] > '9') return false;
    result = result * 10 + static_cast<unsigned>(value[i] - '0');
  }
  if (result > kMost) return false;
  options.*kMember = result;
  return true;
}

// The sanitizers' verbosity=N: 0 is quiet, anything more is verbose.
bool verbosity(Options& options, const char* value, std::size_t n) {
  if (n == 0 || n > 9) return false;
  bool more = false;
  for (std::size_t i = 0; i < n; ++i) {
    if (value[i] < '0' || value[i] > '9') return false;
    more = more || value[i] != '0';
  }
  options.verbose = more;
  return true;
}

template <Path Options::*kMember>
bool path(Options& options, const char* value, std::size_t n) {
  (options.*kMember).clear();
  (options.*kMember).add(value, n);
  return n != 0 && !(options.*kMember).full();
}

// Given more than once it adds to what was given before.
bool rule_file(Options& options, const char* value, std::size_t n) {
  if (options.rules.length() != 0) options.rules.add('\n');
  options.rules.add(value, n);
  return n != 0 && !options.rules.full();
}

bool verdict(Options& options, const char* value, std::size_t n) {
  using engine::Verdict;
  constexpr struct { const char* name; Verdict verdict; } kNames[] = {
      {"latent", Verdict::kLatent},       {"possible", Verdict::kPossible},  {"feasible", Verdict::kFeasible},
      {"confirmed", Verdict::kConfirmed}, {"deadlock", Verdict::kDeadlock},
  };
  for (const auto& entry : kNames) {
    if (!is_word(value, n, entry.name)) continue;
    options.fail_on = entry.verdict;
    return true;
  }
  return false;
}

bool waits(Options& options, const char* value, std::size_t n) {
  options.waits_io = is_word(value, n, "io");
  return options.waits_io || is_word(value, n, "none");
}

bool class_by(Options& options, const char* value, std::size_t n) {
  constexpr struct { const char* name; ClassBy rule; } kNames[] = {
      {"origin", ClassBy::kOrigin}, {"use", ClassBy::kUse}, {"object", ClassBy::kObject}};
  for (const auto& entry : kNames) {
    if (!is_word(value, n, entry.name)) continue;
    options.class_by = entry.rule;
    return true;
  }
  return false;
}

constexpr Entry kEntries[] = {
    {"out", path<&Options::out>, "graph file or folder, %p is the process id (./crossdep.%p.cdgraph)"},
    {"merge", flag<&Options::merge>, "unite with the graph that is at `out`, under a lock: one file for all processes of a test suite (0)"},
    {"record", flag<&Options::record>, "also record a trace, beside the graph file (0)"},
    {"fail_on", verdict, "findings from this verdict on are printed and fail: latent, possible, feasible, confirmed, deadlock (possible)"},
    {"exitcode", count<&Options::exitcode, 255>, "exit status if the program's own is 0 and there are such findings, 0 leaves it alone (66)"},
    {"halt_on_finding", flag<&Options::halt_on_finding>, "the process ends, with that exit status, once the first such finding is printed (0)"},
    {"hang_timeout", count<&Options::hang_timeout, 86400>, "print who waits for whom once nothing has happened for so many seconds while threads are blocked, 0 never (0)"},
    {"log_path", path<&Options::log_path>, "file that findings are appended to, %p is the process id (standard error)"},
    {"memcheck", flag<&Options::memcheck>, "write the log where `ctest -T memcheck` looks for ThreadSanitizer's, with headings that it counts (0)"},
    {"suppressions", path<&Options::suppressions>, "file of findings not to print, as ThreadSanitizer's: deadlock:pattern, mutex:pattern, check-id:pattern"},
    {"rules", rule_file, "rule file, or the name of one that comes with crossdep (kernel, posix ...); may be given several times, or as a list F,F"},
    {"verbose", flag<&Options::verbose>, "show library frames, and a line at start and end (0)"},
    {"history", count<&Options::history, 1000>, "requests of a releaser from before the wait that count, 0 none (8)"},
    {"verbosity", verbosity, "the same, as the sanitizers call it: 0 is quiet, 1 and more verbose (0)"},
    {"waits", waits, "io: reads and writes that block on a pipe, eventfd or socket are waits for its other end in this process (none)"},
    {"class_by", class_by, "what makes unnamed objects one class: origin (allocation, frame, init call), use (init call or first use), object (nothing does) (origin)"},
    {"init_frames", count<&Options::init_frames, 8>, "callers that tell apart objects made by one pthread_*_init call (3)"},
    {"helper", path<&Options::helper>, "the crossdep program that prints findings (looked for beside the library, then in PATH)"},
    {"strict", flag<&Options::strict>, "under `crossdep run`, an error in these options ends the run with status 125 (1)"},
    {"enabled", flag<&Options::enabled>, "0: the program runs unobserved (1)"},
    {"supervised", flag<&Options::supervised>, "set by `crossdep run`, which then writes graphs and decides the exit status (0)"},
    {"run", count<&Options::run, 999'999'999>, "set by `crossdep run`: its process id, by which it knows the files of its own processes (0)"},
    {"help", flag<&Options::help>, "print this list (0)"},
};

bool is_gap(char c) { return c == ':' || c == ',' || c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

}  // namespace

OptionError parse_options(const char* text, Options& options, Text<128>& where) noexcept {
  OptionError result = OptionError::kNone;
  const char* const start = text;
  const Entry* listing = nullptr;   // the option of the last entry, if it takes a list
  while (true) {
    while (is_gap(*text)) ++text;
    if (*text == 0) return result;
    // `rules=F,G`: what follows the comma and has no value of its own goes on with the list.
    const bool goes_on = listing && text != start && text[-1] == ',';
    const char* const begin = text;
    while (*text != 0 && *text != '=' && !is_gap(*text)) ++text;
    const std::size_t name_length = static_cast<std::size_t>(text - begin);
    const char* value = text;
    std::size_t value_length = 0;
    if (*text == '=') {
      value = ++text;
      if (*text == '\'' || *text == '"') {
        const char quote = *text;
        value = ++text;
        while (*text != 0 && *text != quote) ++text;
        value_length = static_cast<std::size_t>(text - value);
        if (*text != 0) ++text;
      } else {
        while (*text != 0 && !is_gap(*text)) ++text;
        value_length = static_cast<std::size_t>(text - value);
      }
    }
    const Entry* found = nullptr;
    for (const Entry& entry : kEntries)
      if (is_word(begin, name_length, entry.name)) found = &entry;
    if (goes_on && found == nullptr && value == begin + name_length && value_length == 0) {
      found = listing;
      value = begin;
      value_length = name_length;
    }
    listing = found != nullptr && found->set == rule_file ? found : nullptr;
    if (found != nullptr && found->set(options, value, value_length)) continue;
    if (result != OptionError::kNone) continue;
    result = found == nullptr ? OptionError::kUnknown : OptionError::kValue;
    where.clear();
    where.add(begin, static_cast<std::size_t>(text - begin));
  }
}

void list_options(void (*print)(const char* line, std::size_t length)) noexcept {
  constexpr char kTitle[] = "crossdep: CROSSDEP_OPTIONS=\"key=value:key=value\"\n";
  print(kTitle, sizeof kTitle - 1);
  for (const Entry& entry : kEntries) {
    Line line;
    line.add("  ").add(entry.name);
    while (line.length() < 18) line.add(' ');
    line.add(entry.help).add('\n');
    print(line.data(), line.length());
  }
}

}  // namespace crossdep::runtime
