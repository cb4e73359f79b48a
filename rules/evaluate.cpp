// SPDX-License-Identifier: MIT
//
// See evaluate.h. One function per kind of rule; orders are in declared_order.cpp, what an operation is in occurrences.cpp.
//
// Threading: pure functions.  Allocation: the heap.
#include "rules/evaluate.h"

#include <algorithm>
#include <map>

#include "reports/canonical.h"
#include "reports/finding_id.h"
#include "reports/format.h"
#include "rules/declared_order.h"
#include "rules/needs.h"
#include "rules/pattern.h"

namespace crossdep::rules {

using engine::Check;
using engine::Verdict;
using reports::Dependency;
using reports::Finding;
using reports::Graph;
using reports::Held;
using reports::Index;
using reports::kNoIndex;
using reports::Witness;

Index acquisition_of(const Graph& graph, Index class_index, const Witness& w) {
  Index any = kNoIndex;
  for (const Dependency& d : graph.dependencies) {
    if (d.to != class_index) continue;
    for (const Witness& other : d.witnesses) {
      if (other.to_site != w.from_site || other.to_stack == kNoIndex) continue;
      if (other.context == w.context) return other.to_stack;
      any = other.to_stack;
    }
  }
  return any != kNoIndex ? any : w.from_site;
}

bool fits_any(const Patterns& patterns, const std::string& name) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) { return fits(pattern, name); });
}

std::string_view meant_name(std::string_view name) {
  // ":2" at the end, set by reports/names.cpp
  if (const std::size_t colon = name.rfind(':'); colon != std::string_view::npos && colon != 0 && name[colon - 1] != ':' && colon + 1 < name.size() &&
      name.find_first_not_of("0123456789", colon + 1) == std::string_view::npos)
    name = name.substr(0, colon);
  // "file.c:" at the begin, of a static object in a source graph
  const std::size_t colon = name.find(':'), dot = name.rfind('.', colon);
  if (colon != std::string_view::npos && dot != std::string_view::npos && dot + 1 < colon && colon + 1 < name.size() && name[colon + 1] != ':' &&
      name.find_first_of(" (<@") > colon)
    name = name.substr(colon + 1);
  return name;
}

bool fits_class(const Patterns& patterns, const std::string& name) {
  const std::string meant(meant_name(name));
  return fits_any(patterns, name) || (meant != name && fits_any(patterns, meant));
}

namespace {

constexpr char kObserved[] = "observed";
constexpr char kDeclaredNesting[] = "declared-nesting";

std::string by(const Source& rule) { return " (" + rule.place + (rule.reason.empty() ? "" : ": " + rule.reason) + ")"; }

bool seen_held(const Dependency& d) {
  return std::any_of(d.modes.begin(), d.modes.end(), [](const auto& mode) { return mode.origin == engine::Origin::kHeld; });
}

// In the source: a request with the lock held, not what a signal or an end depends on.
bool held_in_source(const Witness& w) { return w.origin == engine::Origin::kStatic && w.release_stack == kNoIndex && w.from_site != kNoIndex; }

constexpr char kSourceOnly[] = "source only: ";

class Evaluation {
 public:
  Evaluation(const RuleSet& rules, Graph& graph) : rules_(rules), graph_(graph) {}

  void run() {
    for (const NestingRule& rule : rules_.nestings) nesting(rule);
    if (!rules_.waits.empty()) wait_types();
    for (const LeafRule& rule : rules_.leaves) leaf(rule);
    for (const ForbidRule& rule : rules_.forbids) forbid(rule);
    for (const RequireRule& rule : rules_.requires_lock) require(rule);
    for (const NoLockRule& rule : rules_.no_lock) no_lock(rule);
    if (!rules_.max_holds.empty()) max_hold();
  }

 private:
  std::string name(Index class_index) const { return graph_.classes[class_index].name; }
  std::string who(Index context) const {
    return context == kNoIndex ? std::string("a context") : reports::context_name(graph_, context);
  }

  // --- findings --------------------------------------------------------------------------------------------------------

  void add(Finding f) {
    f.id = reports::make_finding_id(graph_, f);
    graph_.findings.push_back(std::move(f));
  }

  // Something requested while something was held: classes are what was requested and what was held.
  void add_request(Check check, const Dependency& d, const Witness& w, std::string reason) {
    Finding f;
    f.check = check;
    const bool source = w.origin == engine::Origin::kStatic;
    f.verdict = source ? Verdict::kPossible : Verdict::kConfirmed;
    f.reason_code = source ? "source-only" : kObserved;
    f.reason = (source ? kSourceOnly : "") + std::move(reason);
    f.classes = {d.to, d.from};
    f.run = w.run;
    f.context = w.context;
    f.instance = w.to;
    f.mode = w.to_mode;
    f.site = w.to_site;
    f.stack = w.to_stack;
    f.other = w.from;
    f.other_stack = w.wait_stack != kNoIndex && w.waiter == kNoIndex ? w.wait_stack : acquisition_of(graph_, d.from, w);
    f.held = w.held;
    add(std::move(f));
  }

  Index operation_class(const std::string& operation) {
    const std::string base = "(op)" + operation;
    for (Index i = 0; i < graph_.classes.size(); ++i)
      if (graph_.classes[i].kind == engine::Kind::kOperation && graph_.classes[i].base == base) return i;
    reports::Class made;
    made.base = made.name = base;
    made.kind = engine::Kind::kOperation;
    graph_.classes.push_back(std::move(made));
    return static_cast<Index>(graph_.classes.size() - 1);
  }

  // `locks` are positions in o.held: those that the finding is about.
  void add_occurrence(Check check, const Occurrence& o, const std::vector<std::size_t>& locks, std::string reason) {
    Finding f;
    f.check = check;
    f.verdict = o.certain && !o.source ? Verdict::kConfirmed : Verdict::kPossible;
    f.reason_code = o.source ? "source-only" : kObserved;
    f.reason = (o.source ? kSourceOnly : "") + std::move(reason);
    if (!o.certain) f.reason += "; whether the lock was taken before the call or in it is not known";
    f.classes = {operation_class(o.operation)};
    for (const std::size_t i : locks)
      if (std::find(f.classes.begin(), f.classes.end(), o.held[i].class_index) == f.classes.end()) f.classes.push_back(o.held[i].class_index);
    f.run = o.run;
    f.context = o.context;
    f.site = o.site;
    f.stack = o.stack;
    if (!locks.empty()) {
      f.other = o.held[locks.back()].instance;
      f.other_stack = o.held_stacks[locks.back()];
    }
    f.held = o.held;
    add(std::move(f));
  }

  std::string locks_text(const Occurrence& o, const std::vector<std::size_t>& locks) const {
    std::string out;
    for (const std::size_t i : locks) out += (out.empty() ? "" : ", ") + name(o.held[i].class_index);
    return out;
  }

  // --- rules -----------------------------------------------------------------------------------------------------------

  void leaf(const LeafRule& rule) {
    for (const Dependency& d : std::vector<Dependency>(graph_.dependencies)) {
      const reports::Class& to = graph_.classes[d.to];
      if (to.kind == engine::Kind::kOperation || to.kind == engine::Kind::kInterrupt) continue;
      const bool observed = seen_held(d);
      if (!observed && std::none_of(d.witnesses.begin(), d.witnesses.end(), held_in_source)) continue;
      if (!fits_class(rule.classes, name(d.from)) || fits_class(rule.except, to.name)) continue;
      const auto w = std::find_if(d.witnesses.begin(), d.witnesses.end(), [&](const Witness& x) {
        return observed ? x.origin == engine::Origin::kHeld : held_in_source(x);
      });
      const Witness witness = w == d.witnesses.end() ? Witness() : *w;
      add_request(Check::kLeafLock, d, witness,
                  who(witness.context) + (engine::is_crosslock(to.kind) ? " waited for " : " requested ") + to.name + " while it held " +
                      name(d.from) + ", which is a leaf" + by(rule));
    }
  }

  void forbid(const ForbidRule& rule) {
    for (const Occurrence& o : occurrences_of(rule.performed, graph_)) {
      std::vector<std::size_t> locks;
      for (std::size_t i = 0; i < o.held.size(); ++i) {
        const Held& held = o.held[i];
        if (rule.writers_only && held.mode != engine::Mode::kWrite) continue;
        if (fits_class(rule.under, name(held.class_index)) && !fits_class(rule.except, name(held.class_index))) locks.push_back(i);
      }
      if (locks.empty()) continue;
      add_occurrence(Check::kForbiddenOperation, o, locks,
                     who(o.context) + " performed " + o.operation + " while it held " + locks_text(o, locks) + ", which is forbidden" + by(rule));
    }
  }

  void require(const RequireRule& rule) {
    for (const Occurrence& o : occurrences_of(rule.performed, graph_)) {
      const bool held = std::any_of(o.held.begin(), o.held.end(), [&](const Held& h) {
        return (!rule.for_writing || h.mode == engine::Mode::kWrite) && fits_class(rule.locks, name(h.class_index));
      });
      if (held) continue;
      std::string wanted;
      for (const std::string& lock : rule.locks) wanted += (wanted.empty() ? "" : " or ") + lock;
      add_occurrence(Check::kLockRequired, o, {},
                     who(o.context) + " performed " + o.operation + " without holding " + wanted + (rule.for_writing ? " for writing" : "") + by(rule));
    }
  }

  void no_lock(const NoLockRule& rule) {
    for (const Occurrence& o : occurrences_of(rule.performed, graph_)) {
      std::vector<std::size_t> locks;
      for (std::size_t i = 0; i < o.held.size(); ++i)
        if (!fits_class(rule.except, name(o.held[i].class_index))) locks.push_back(i);
      if (locks.empty()) continue;
      add_occurrence(Check::kNoLockAllowed, o, locks,
                     who(o.context) + " performed " + o.operation + " while it held " + locks_text(o, locks) + ", where no lock is allowed" + by(rule));
    }
  }

  // Whoever measures tells of a long time by an operation "held-MSms@N" just before the release, N locks having been
  // taken after this one (runtime/core/hold_time.h). One finding for each lock class and place of release, with the longest.
  void max_hold() {
    std::map<std::pair<Index, Index>, std::pair<std::uint64_t, Occurrence>> longest;
    for (Occurrence& o : occurrences_of({{std::string(kHeldOperation) + "*"}, {}}, graph_)) {
      std::uint64_t milliseconds = 0;
      std::size_t later = 0;
      if (!parse_held_operation(o.operation, milliseconds, later) || later >= o.held.size()) continue;
      const std::size_t i = o.held.size() - 1 - later;
      o.held.erase(o.held.begin() + static_cast<std::ptrdiff_t>(i) + 1, o.held.end());
      auto& known = longest[{o.held[i].class_index, o.site}];
      if (known.first < milliseconds) known = {milliseconds, std::move(o)};
    }
    for (auto& [key, entry] : longest) {
      auto& [milliseconds, o] = entry;
      o.operation = "hold for long";
      const std::string lock = name(key.first);
      for (const MaxHoldRule& rule : rules_.max_holds) {
        if (milliseconds <= rule.milliseconds || !fits_class(rule.classes, lock) || fits_class(rule.except, lock)) continue;
        add_occurrence(Check::kForbiddenOperation, o, {o.held.size() - 1},
                       who(o.context) + " held " + lock + " for " + std::to_string(milliseconds) + " ms; " +
                           std::to_string(rule.milliseconds) + " ms are allowed" + by(rule));
        break;
      }
    }
  }

  void nesting(const NestingRule& rule) {
    for (Finding& f : graph_.findings) {
      if (f.check != Check::kRecursiveLock || f.classes.empty() || f.instance == f.other || f.other == kNoIndex) continue;
      if (!fits_class(rule.classes, name(f.classes.front()))) continue;
      if (f.verdict == Verdict::kDeadlock || f.instance == kNoIndex) continue;
      const bool up = graph_.instances[f.instance].address > graph_.instances[f.other].address;
      // What was inferred otherwise - parents, levels - says nothing of addresses.
      const bool ascends = up && f.reason_code == "nested-ordered";
      const bool breaks = f.reason_code == "nested-unordered" || f.reason_code == "nested-cycle" || (!up && f.reason_code == "nested-ordered");
      if (rule.by_address && !ascends && !breaks) continue;
      f.reason_code = kDeclaredNesting;
      if (!rule.by_address || ascends) {
        f.verdict = Verdict::kRefuted;
        f.reason = "a rule allows this nesting" + by(rule);
      } else {
        f.verdict = Verdict::kPossible;
        f.reason = "locks of " + name(f.classes.front()) + " were nested against the ascending addresses that a rule declares" + by(rule);
      }
    }
  }

  // Types first, then every pair of held and requested as the engine does it (engine/locks.cpp).
  void wait_types() {
    std::vector<const WaitRule*> by_rule(graph_.classes.size(), nullptr);
    for (const WaitRule& rule : rules_.waits)
      for (Index i = 0; i < graph_.classes.size(); ++i) {
        reports::Class& c = graph_.classes[i];
        if (by_rule[i] != nullptr || c.kind == engine::Kind::kOperation || !fits_class(rule.classes, c.name)) continue;
        by_rule[i] = &rule;
        c.wait_outer = rule.outer;
        c.wait_inner = rule.inner;
      }
    for (const Dependency& d : std::vector<Dependency>(graph_.dependencies)) {
      const WaitRule* rule = by_rule[d.to] != nullptr ? by_rule[d.to] : by_rule[d.from];
      if (rule == nullptr) continue;
      const unsigned limit = graph_.classes[d.from].wait_inner, inner = graph_.classes[d.to].wait_inner;
      const unsigned outer = graph_.classes[d.to].wait_outer != 0 ? graph_.classes[d.to].wait_outer : inner;
      if (limit == 0 || inner == 0 || outer <= limit) continue;
      for (const Witness& w : d.witnesses) {
        if (w.origin != engine::Origin::kHeld) continue;
        add_request(Check::kWaitContext, d, w,
                    who(w.context) + " requested " + name(d.to) + " while it held " + name(d.from) + ", under which it may not wait for such a lock" + by(*rule));
        graph_.findings.back().classes.pop_back();   // as the engine's own: the class requested
        graph_.findings.back().id = reports::make_finding_id(graph_, graph_.findings.back());
        break;
      }
    }
  }

  const RuleSet& rules_;
  Graph& graph_;
};

}  // namespace

void evaluate(const RuleSet& rules, Graph& graph) {
  std::vector<OrderRule> orders = orders_of_source(graph);
  forget_declared(graph);
  Evaluation(rules, graph).run();
  orders.insert(orders.begin(), rules.orders.begin(), rules.orders.end());
  judge_orders(orders, graph);
  reports::canonicalise(graph);
}

}  // namespace crossdep::rules
