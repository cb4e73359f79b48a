// SPDX-License-Identifier: MIT
//
// Words of the graph file, totals over runs and run ids.
//
// Threading: pure functions.  Allocation: the heap.
#include "reports/graph.h"

#include <array>

#include "reports/digest.h"

namespace crossdep::reports {
namespace {

// In the order of the enumerations.
constexpr std::array<const char*, 3> kModes = {"write", "read", "rread"};
constexpr std::array<const char*, engine::kKindCount> kKinds = {
    "mutex",   "spin",  "rwlock", "rwsem", "completion", "cond",    "sem",  "future",    "barrier",
    "latch",   "once",  "guard",  "thread", "process",   "work",    "workqueue", "futex", "other", "interrupt",
    "operation"};
constexpr std::array<const char*, 5> kOrigins = {"held", "overlap", "history", "declared", "static"};
constexpr std::array<const char*, 6> kVerdicts = {"refuted", "latent", "possible", "feasible", "confirmed", "deadlock"};
constexpr std::array<const char*, 9> kContextKinds = {"thread",  "task", "process",  "signal", "hardirq",
                                                      "softirq", "nmi",  "workitem", "loader"};
constexpr std::array<const char*, 8> kClassKeys = {"named",    "static",   "init-site", "first-site",
                                                   "function", "instance", "heap",      "stack"};

template <typename Enum, std::size_t N>
const char* word_of(const std::array<const char*, N>& words, Enum value) {
  const auto at = static_cast<std::size_t>(value);
  return at < N ? words[at] : "unknown";
}

template <typename Enum, std::size_t N>
bool parse_in(const std::array<const char*, N>& words, std::string_view text, Enum& out) {
  for (std::size_t i = 0; i < N; ++i) {
    if (text != words[i]) continue;
    out = static_cast<Enum>(i);
    return true;
  }
  return false;
}

}  // namespace

const char* word(engine::Mode mode) { return word_of(kModes, mode); }
const char* word(engine::Kind kind) { return word_of(kKinds, kind); }
const char* word(engine::Origin origin) { return word_of(kOrigins, origin); }
const char* word(engine::Verdict verdict) { return word_of(kVerdicts, verdict); }
const char* word(engine::ContextKind kind) { return word_of(kContextKinds, kind); }
const char* word(engine::ClassKey key) { return word_of(kClassKeys, key); }

bool parse(std::string_view text, engine::Mode& out) { return parse_in(kModes, text, out); }
bool parse(std::string_view text, engine::Kind& out) { return parse_in(kKinds, text, out); }
bool parse(std::string_view text, engine::Origin& out) { return parse_in(kOrigins, text, out); }
bool parse(std::string_view text, engine::Verdict& out) { return parse_in(kVerdicts, text, out); }
bool parse(std::string_view text, engine::ContextKind& out) { return parse_in(kContextKinds, text, out); }
bool parse(std::string_view text, engine::ClassKey& out) { return parse_in(kClassKeys, text, out); }

engine::Losses Graph::losses() const {
  engine::Losses sum{};
  for (const Run& run : runs) {
    sum.memory += run.losses.memory;
    sum.events += run.losses.events;
    sum.unmatched += run.losses.unmatched;
    sum.budget += run.losses.budget;
    sum.contradictions += run.losses.contradictions;
  }
  return sum;
}

std::uint64_t Graph::requests() const {
  std::uint64_t sum = 0;
  for (const Run& run : runs) sum += run.requests;
  return sum;
}

const Finding* Graph::find(const std::string& id) const {
  for (const Finding& finding : findings)
    if (finding.id == id) return &finding;
  return nullptr;
}

std::string make_run_id(const Run& run) {
  Digest digest;
  digest.add(run.source).add(run.executable).add(run.pid).add(run.parent_pid).add(run.started_ns);
  for (const std::string& argument : run.arguments) digest.add(argument);
  return digest.hex(16);
}

}  // namespace crossdep::reports
