// SPDX-License-Identifier: MIT
//
// See reason.h. Every sentence completes "possible: …", "refuted: …".
//
// Threading: pure functions.  Allocation: the heap.
#include "reports/reason.h"

#include <algorithm>
#include <set>

#include "reports/format.h"

namespace crossdep::reports {
namespace {

using engine::Check;
using engine::Reason;

// The contexts that take more than one step of the cycle; all of them if that is not seen in its links.
std::string busy_contexts_of(const Graph& graph, const Finding& finding) {
  std::vector<Index> seen, out;
  for (const Link& link : finding.links) {
    const Index context = link.witness.context;
    if (context == kNoIndex) continue;
    const bool again = std::find(seen.begin(), seen.end(), context) != seen.end();
    if (again && std::find(out.begin(), out.end(), context) == out.end()) out.push_back(context);
    seen.push_back(context);
  }
  std::string text;
  for (const Index context : out.empty() ? seen : out) text += (text.empty() ? "" : ", ") + context_name(graph, context);
  return text;
}

// "T1/1, T2/2", each once, in the order of the cycle; `from_least`: begun at the least, whichever link came last.
std::string contexts_of(const Graph& graph, const Finding& finding, bool from_least = false) {
  std::vector<std::string> names;
  for (const Link& link : finding.links) {
    const Index context = link.witness.context;
    if (context == kNoIndex) continue;
    std::string name = context_name(graph, context);
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
  }
  if (from_least) std::rotate(names.begin(), std::min_element(names.begin(), names.end()), names.end());
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

std::string class_of_instance(const Graph& graph, Index instance) {
  return instance < graph.instances.size() ? graph.classes[graph.instances[instance].class_index].name : std::string();
}

std::string subject_class(const Graph& graph, const Finding& finding) {
  return finding.classes.empty() ? std::string("this class") : graph.classes[finding.classes.front()].name;
}

// " (a.c:1, b.c:2)" from the places that are known.
std::string in_brackets(const Graph& graph, const Index (&sites)[2]) {
  std::string out;
  for (const Index site : sites) {
    if (site == kNoIndex) continue;
    const std::string place = short_place(graph, site);
    if (out.find(place) == std::string::npos) out += (out.empty() ? "" : ", ") + place;
  }
  return out.empty() ? out : " (" + out + ")";
}

// Non-cycle checks are simply observed; say what was.
std::string observed(const Graph& graph, const Finding& finding) {
  const std::string who = context_name(graph, finding.context);
  const std::string name = subject_class(graph, finding);
  switch (finding.check) {
    case Check::kBadUnlock: return who + " released " + name + ", which it does not hold";
    case Check::kDestroyHeld: return name + " came to its end, or was initialised again, while it was held";
    case Check::kExitHeld: return who + " ended while it held " + name;
    case Check::kAssertHeld: return who + " does not hold " + name + ", which this code requires";
    case Check::kWaitContext: return who + " requested " + name + " where it may not wait for such a lock";
    case Check::kRcuUsage:
    case Check::kLockMisuse: return who + " used " + name + " against its rules";
    case Check::kRecursiveLock: return who + " requested " + name + " while it held it";
    default: return "it happened in this run";
  }
}

std::string none_excluded(const Graph& graph, const Finding& finding) {
  const std::string who = contexts_of(graph, finding);
  if (finding.links.empty() || who.empty()) return "nothing seen excludes it";
  if (finding.check == Check::kSignalUnsafeLock) {
    for (const Link& link : finding.links)
      if (graph.classes[link.to].kind == engine::Kind::kInterrupt)
        return "while " + graph.classes[link.from].name + " is held, " + graph.classes[link.to].name +
               " can strike, and leads back to it";
  }
  if (who.find(", ") == std::string::npos) return "the locks are taken in both orders (by " + who + "), and nothing seen excludes that they meet";
  return who + " can each hold what the next one requests, and nothing seen keeps them apart";
}

}  // namespace

const char* code(Reason reason) {
  switch (reason) {
    case Reason::kNoneExcluded: return "none-excluded";
    case Reason::kInstancesDiffer: return "instances-differ";
    case Reason::kTimed: return "timed";
    case Reason::kHistoryOnly: return "history-only";
    case Reason::kBudgetSpent: return "budget-spent";
    case Reason::kNestedUnordered: return "nested-unordered";
    case Reason::kOneContext: return "one-context";
    case Reason::kOrderedByForkJoin: return "ordered-by-fork-join";
    case Reason::kOrderedBySignal: return "ordered-by-signal";
    case Reason::kNestedOrdered: return "nested-ordered";
    case Reason::kGateLock: return "gate-lock";
    case Reason::kErrorReturned: return "error-returned";
    case Reason::kObserved: return "observed";
    case Reason::kBlockedNow: return "blocked-now";
    case Reason::kSelfBlocked: return "self-blocked";
    case Reason::kNestedCycle: return "nested-cycle";
    case Reason::kNestedParentFirst: return "nested-parent-first";
    case Reason::kNestedByLevel: return "nested-by-level";
    case Reason::kHolderLeft: return "holder-left";
    case Reason::kReported: return "reported";
    case Reason::kOtherReleasers: return "other-releasers";
    case Reason::kGuardedChild: return "guarded-child";
    case Reason::kHistoriesExclude: return "histories-exclude";
    case Reason::kHandedOn: return "handed-on";
  }
  return "unknown";
}

std::string reason_sentence(const Graph& graph, const Finding& finding, Reason reason, const Index (&sites)[2],
                            Index subject, Index other) {
  const std::string places = in_brackets(graph, sites);
  switch (reason) {
    case Reason::kNoneExcluded: return none_excluded(graph, finding);
    case Reason::kInstancesDiffer:
      return "the classes form a cycle, but the locks seen were different ones of them (instances differ)" + places;
    case Reason::kTimed: return "a timed request is part of it and would end by itself" + places;
    case Reason::kHistoryOnly:
      return "a request that closes it was made before the matched wait began (history only)" + places;
    case Reason::kBudgetSpent: return "there are too many occurrences to try every combination" + places;
    case Reason::kNestedUnordered:
      return "locks of " + subject_class(graph, finding) + " were nested in both address orders" + places;
    case Reason::kOneContext:
      return "one context (" + busy_contexts_of(graph, finding) + ") did both, so in this run the sides could not meet" + places;
    case Reason::kOrderedByForkJoin:
      return "in this run create or join put one side before the other" + places;
    case Reason::kOrderedBySignal:
      return "in this run a signal and the wait it ended put one side before the other" + places;
    case Reason::kNestedOrdered:
      return "locks of " + subject_class(graph, finding) + " were always nested in one order of their addresses" + places;
    case Reason::kGateLock: {
      const std::string gate = class_of_instance(graph, subject);
      return std::string(finding.links.size() > 2 ? "all" : "both") + " orders run under " +
             (gate.empty() ? "one lock" : gate) + places;
    }
    case Reason::kErrorReturned: return "the lock checks for this and answers EDEADLK instead of blocking" + places;
    case Reason::kObserved: return observed(graph, finding) + places;
    case Reason::kBlockedNow: return "these contexts are blocked on each other now: " + contexts_of(graph, finding, true) + places;
    case Reason::kSelfBlocked:
      return context_name(graph, finding.context) + " waits for a lock it holds itself" + places;
    case Reason::kNestedCycle:
      return "the same locks of " + subject_class(graph, finding) + " are nested in contrary orders, and nothing seen keeps the sides apart" + places;
    case Reason::kNestedParentFirst:
      return "locks of " + subject_class(graph, finding) + " were always nested parent before child: none directly under two others" + places;
    case Reason::kNestedByLevel:
      return "locks of " + subject_class(graph, finding) + " were always nested level by level: no two of the pairs seen contradict" + places;
    case Reason::kHolderLeft:
      return "at the fork another thread of the parent process held " + subject_class(graph, finding) + places +
             ", and this process does not have that thread";
    case Reason::kOtherReleasers:
      return class_of_instance(graph, subject) + " was also released by " +
             (other == kNoIndex ? "others" : context_name(graph, other)) +
             ", which is not in the cycle: a deadlock only if it does not come" + places;
    case Reason::kGuardedChild:
      return "one side holds " + class_of_instance(graph, subject) +
             ", which the other one's creator holds until it has joined it" + places;
    case Reason::kHistoriesExclude:
      return "to get there, each side takes what the other one holds by then (" + class_of_instance(graph, subject) +
             " and its counterpart): they would block each other before" + places;
    case Reason::kHandedOn:
      return "the token of " + class_of_instance(graph, subject) +
             " is given back by others than took it: what its taker asks for keeps nobody waiting";
    case Reason::kReported: return "another tool reported it";   // FindingInfo::said knows better
  }
  return "for an unknown reason";
}

std::string half_observed_sentence(const Graph& graph, const Finding& finding) {
  std::size_t seen = 0;
  std::string missing;
  for (const Link& link : finding.links) {
    if (link.witness.origin != engine::Origin::kStatic) {
      ++seen;
      continue;
    }
    missing += (missing.empty() ? "" : ", ") + graph.classes[link.from].name + " -> " + graph.classes[link.to].name;
    if (link.witness.to_site != kNoIndex) missing += " (" + short_place(graph, link.witness.to_site) + ")";
  }
  return "half observed: " + std::to_string(seen) + " of its " + std::to_string(finding.links.size()) +
         " dependencies were seen in runs; only in the source: " + missing;
}

std::string runs_differ_sentence(const Graph& graph, const Finding& finding) {
  std::set<Index> runs;
  for (const Link& link : finding.links)
    if (link.witness.run != kNoIndex) runs.insert(link.witness.run);
  std::string out = "its dependencies were seen in different runs";
  std::string who;
  for (const Index run : runs) {
    const Run& r = graph.runs[run];
    who += (who.empty() ? "" : ", ") + (r.executable.empty() ? r.source : base_name(r.executable));
    if (r.pid != 0) who += "/" + std::to_string(r.pid);
  }
  return who.empty() ? out : out + " (" + who + ")";
}

}  // namespace crossdep::reports
