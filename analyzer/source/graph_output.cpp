// SPDX-License-Identifier: MIT
//
// See graph_output.h. Cycles are those the engine finds in the dependencies; each is judged by its occurrences: is there
// one for every link such that no two exclude each other by a common lock, and their contexts can be there at one time?
//
// Threading: none.  Allocation: the heap.
#include "source/graph_output.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "reports/canonical.h"
#include "reports/digest.h"
#include "reports/finding_id.h"
#include "reports/reason.h"
#include "reports/source_join.h"
#include "reports/union_search.h"
#include "reports/version.h"
#include "source/declared_orders.h"

namespace crossdep::source {
namespace {

using reports::Graph;
using reports::Index;
using reports::kNoIndex;

constexpr unsigned kCombinations = 4096;   // tried per cycle

class Output {
 public:
  Output(Program& program, const Found& found) : p_(program), found_(found) {}

  Graph make(const std::string& key, const std::vector<std::string>& files) {
    graph_.tool = reports::tool_version();
    reports::Run run;
    run.id = reports::Digest().add("source").add(key).hex(16);
    run.tool = graph_.tool;
    run.source = "source";
    run.arguments = files;
    run.ended = true;
    run.requests = found_.requests;
    run.contexts = found_.contexts.size();
    graph_.runs.push_back(run);
    for (const LockClassInfo& c : found_.classes) {
      reports::Class out;
      out.base = out.name = c.name;
      out.kind = c.kind;
      out.key_kind = c.single ? engine::ClassKey::kStatic : engine::ClassKey::kNamed;
      graph_.classes.push_back(out);
    }
    for (std::size_t i = 0; i < found_.contexts.size(); ++i) {
      reports::Context out;
      out.run = 0;
      out.name = found_.contexts[i].name;
      out.number = static_cast<std::uint32_t>(i);
      graph_.contexts.push_back(out);
    }
    add_dependencies();
    add_nestings();
    add_left_held();
    add_sites();
    reports::canonicalise(graph_);
    judge();
    declare_orders(p_, graph_);
    reports::canonicalise(graph_);
    return std::move(graph_);
  }

 private:
  Index frame(FunctionId function, const Site& site) {
    reports::Frame out;
    if (function >= 0) out.function = p_.function(function).name;
    if (site.line != 0) {
      out.file = p_.files()[site.file];
      out.line = site.line;
      out.column = site.column;
    }
    const auto [at, fresh] = frame_ids_.try_emplace({function, site.line == 0 ? 0 : site.file, site.line, site.column}, static_cast<Index>(graph_.frames.size()));
    if (fresh) graph_.frames.push_back(std::move(out));
    return at->second;
  }

  // The whole chain, innermost first. One that begins in the middle of a way comes after what of the way leads there.
  Index stack(ChainId chain, ChainId way = -1) {
    if (chain < 0) return kNoIndex;
    ChainId meets = way;
    while (meets >= 0 && p_.chain(meets).function != p_.chain(chain).function) meets = p_.chain(meets).inner;
    if (meets == way || meets < 0) meets = way = -1;
    const auto [at, fresh] = stack_ids_.try_emplace({chain, way}, static_cast<Index>(graph_.stacks.size()));
    if (!fresh) return at->second;
    reports::Stack frames;
    for (ChainId id = way; id != meets; id = p_.chain(id).inner) frames.push_back(frame(p_.chain(id).function, p_.chain(id).site));
    for (ChainId id = chain; id >= 0; id = p_.chain(id).inner) frames.push_back(frame(p_.chain(id).function, p_.chain(id).site));
    std::reverse(frames.begin(), frames.end());
    graph_.stacks.push_back(std::move(frames));
    return at->second;
  }

  void add_dependencies() {
    // Of a dependency's many occurrences the graph keeps a few: those with the fewest other locks held and the shortest
    // way, one for each context first.
    std::map<std::pair<ClassIndex, ClassIndex>, std::vector<std::size_t>> by_ends;
    for (std::size_t i = 0; i < found_.occurrences.size(); ++i) by_ends[{found_.occurrences[i].from, found_.occurrences[i].to}].push_back(i);
    for (auto& [ends, all] : by_ends) {
      reports::Dependency d;
      d.from = static_cast<Index>(ends.first);
      d.to = static_cast<Index>(ends.second);
      d.runs.push_back(0);
      std::vector<std::size_t> order = all;
      const auto rank = [&](std::size_t i) {
        const Occurrence& o = found_.occurrences[i];
        return std::tuple{!o.threads, o.may, o.held.size(), p_.length(o.to_chain), o.context, i};
      };
      std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return rank(a) < rank(b); });
      std::map<std::pair<std::size_t, std::vector<ClassIndex>>, bool> seen;
      for (const std::size_t i : order) {
        const Occurrence& o = found_.occurrences[i];
        d.modes.push_back({engine::Origin::kStatic, o.from_mode, o.to_mode, o.timed});
        std::vector<ClassIndex> gates;
        for (const HeldClass& h : o.held) gates.push_back(h.lock);
        const bool operation = found_.classes[static_cast<std::size_t>(o.to)].kind == engine::Kind::kOperation;
        if (operation) gates.push_back(-1 - o.to_chain);   // rules ask for each place
        if (d.witnesses.size() >= (operation ? reports::kOperationWitnessesKept : reports::kWitnessesKept) || !seen.try_emplace({o.context, gates}, true).second) continue;
        d.witnesses.push_back(witness(i));
      }
      graph_.dependencies.push_back(std::move(d));
    }
  }

  reports::Witness witness(std::size_t i) {
    const Occurrence& o = found_.occurrences[i];
    reports::Witness w;
    w.run = 0;
    w.origin = engine::Origin::kStatic;
    w.from_mode = o.from_mode;
    w.to_mode = o.to_mode;
    w.flags = static_cast<std::uint8_t>((o.timed ? unsigned{engine::kTimed} : 0u) | (o.may ? unsigned{reports::kMay} : 0u));
    w.context = static_cast<Index>(o.context);
    w.ordinal = i + 1;
    w.to_stack = stack(o.to_chain);
    w.to_site = w.to_stack;
    if (o.event) w.release_stack = stack(o.from_chain);
    else w.from_site = stack(o.from_chain, o.to_chain);
    for (const HeldClass& h : o.held) w.held.push_back({kNoIndex, static_cast<Index>(h.lock), h.mode, 0, false, stack(h.chain, o.to_chain)});
    return w;
  }

  void add_nestings() {
    std::map<ClassIndex, std::size_t> best;   // the surest, then the shortest
    const auto rank = [&](std::size_t i) {
      const Nesting& n = found_.nestings[i];
      return std::tuple{!n.same_object, n.ordered || n.address != 0, n.address != 0, p_.length(n.inner), i};
    };
    std::map<ClassIndex, std::set<std::int8_t>> directions;
    std::map<ClassIndex, std::vector<const Nesting*>> all;
    for (std::size_t i = 0; i < found_.nestings.size(); ++i) {
      const auto [at, fresh] = best.try_emplace(found_.nestings[i].lock, i);
      if (!fresh && rank(i) < rank(at->second)) at->second = i;
      directions[found_.nestings[i].lock].insert(found_.nestings[i].address);
      all[found_.nestings[i].lock].push_back(&found_.nestings[i]);
    }
    for (const auto& [lock, i] : best) {
      const Nesting& n = found_.nestings[i];
      reports::Finding f;
      f.check = engine::Check::kRecursiveLock;
      const bool both = directions[lock].count(1) != 0 && directions[lock].count(-1) != 0;
      const bool by_place = one_order(all[lock]);
      const bool ordered = !n.same_object && !both && (n.ordered || n.address != 0 || by_place);
      f.verdict = ordered ? engine::Verdict::kLatent : engine::Verdict::kPossible;
      f.reason_code = n.same_object ? "source-relock" : ordered ? "source-nested-ordered" : "source-nested";
      f.reason = n.same_object          ? "source only: the lock is requested again on a path that holds it"
                 : both                 ? "source only: two locks of one class are nested, compared before, but in both orders"
                 : ordered && n.ordered ? "source only: two locks of one class are nested, the second found through the first's object"
                 : by_place             ? "source only: locks of one class are nested, known by where they are, and always in one order"
                 : ordered              ? "source only: two locks of one class are nested in the order in which they compare"
                                        : "source only: two locks of one class are nested, and nothing in the source orders them";
      f.classes.push_back(static_cast<Index>(lock));
      f.run = 0;
      f.context = static_cast<Index>(n.context);
      f.mode = n.mode;
      f.site = f.stack = stack(n.inner);
      f.held.push_back({kNoIndex, static_cast<Index>(lock), engine::Mode::kWrite, 0, false, stack(n.outer, n.inner)});
      f.id = reports::make_finding_id(graph_, f);
      graph_.findings.push_back(std::move(f));
    }
  }

  // Whether these locks, known by where they are, are always nested in one order.
  static bool one_order(const std::vector<const Nesting*>& nestings) {
    std::map<PlaceId, std::set<PlaceId>> inside;
    for (const Nesting* n : nestings) {
      if (n->outer_place == kNoPlace || n->outer_place == n->inner_place) return false;
      inside[n->outer_place].insert(n->inner_place);
    }
    std::map<PlaceId, int> state;   // 1: on the way, 2: done
    for (const auto& [begin, unused] : inside) {
      std::vector<std::pair<PlaceId, bool>> todo{{begin, false}};
      while (!todo.empty()) {
        const auto [at, done] = todo.back();
        todo.pop_back();
        if (done) state[at] = 2;
        else if (state[at] == 0) {
          state[at] = 1;
          todo.emplace_back(at, true);
          for (const PlaceId next : inside[at]) {
            if (state[next] == 1) return false;
            if (state[next] == 0) todo.emplace_back(next, false);
          }
        }
      }
    }
    return true;
  }

  void add_left_held() {
    std::set<ClassIndex> told;
    for (const LeftHeld& left : found_.left) {
      if (!told.insert(left.lock).second) continue;
      reports::Finding f;
      f.check = engine::Check::kExitHeld;
      f.verdict = engine::Verdict::kPossible;
      f.reason_code = "source-left-held";
      f.reason = "source only: every path through this thread ends with the lock held, and it is requested elsewhere";
      f.classes.push_back(static_cast<Index>(left.lock));
      f.run = 0;
      f.context = static_cast<Index>(left.context);
      f.mode = left.mode;
      f.site = f.stack = stack(left.chain);
      f.held.push_back({kNoIndex, static_cast<Index>(left.lock), left.mode, 0, false, stack(left.chain)});
      f.id = reports::make_finding_id(graph_, f);
      graph_.findings.push_back(std::move(f));
    }
  }

  void add_sites() {
    for (const LockSite& s : found_.sites)
      graph_.lock_sites.push_back({p_.files()[s.site.file], s.site.line, s.site.column, p_.function(s.function).name, static_cast<Index>(s.lock), s.mode, s.operation});
  }

  // --- cycles -----------------------------------------------------------------------------------------------------------

  const Occurrence& occurrence(const reports::Witness& w) const { return found_.occurrences[w.ordinal - 1]; }

  bool may_meet(const Occurrence& a, const Occurrence& b) const {
    if (a.context == b.context) return found_.contexts[a.context].many;
    if (!a.threads || !b.threads) return false;
    for (const auto& [one, other] : {std::pair{&a, &b}, std::pair{&b, &a}}) {
      const ContextInfo& mine = found_.contexts[one->context];
      if (mine.name == "main" && !mine.thread && found_.contexts[other->context].thread)
        return std::find(one->live.begin(), one->live.end(), other->context) != one->live.end();
    }
    return found_.apart.count(std::minmax(a.context, b.context)) == 0;
  }

  void judge() {
    std::vector<reports::Finding> out;
    for (const reports::Cycle& cycle : reports::cycles_of(graph_)) judge(cycle, out);
    for (reports::Finding& f : out) graph_.findings.push_back(std::move(f));
  }

  void judge(const reports::Cycle& cycle, std::vector<reports::Finding>& out) {
    std::vector<std::vector<const reports::Witness*>> choices;
    for (const reports::CycleStep& step : cycle) {
      std::vector<const reports::Witness*>& fitting = choices.emplace_back();
      for (const reports::Witness& w : graph_.dependencies[step.dependency].witnesses)
        if (step.fits(w)) fitting.push_back(&w);
      if (fitting.empty()) return;
    }
    std::vector<const reports::Witness*> meeting, ungated, any;
    std::vector<std::size_t> at(cycle.size(), 0);
    bool same_context = false, compared = false;
    for (unsigned tried = 0; tried < kCombinations && meeting.empty(); ++tried) {
      std::vector<const reports::Witness*> now;
      for (std::size_t i = 0; i < at.size(); ++i) now.push_back(choices[i][at[i]]);
      // Around a circle the objects cannot all ascend.
      const auto all_ordered = [&](std::int8_t way) {
        return std::all_of(now.begin(), now.end(), [&](const reports::Witness* w) { return occurrence(*w).ordered == way; });
      };
      const bool sorted = all_ordered(1) || all_ordered(-1);
      compared |= sorted;
      bool gated = sorted, meet = true, one = false;
      for (std::size_t i = 0; i < now.size(); ++i)
        for (std::size_t j = i + 1; j < now.size(); ++j) {
          gated |= reports::exclude_each_other(graph_, *now[i], *now[j]);
          if (may_meet(occurrence(*now[i]), occurrence(*now[j]))) continue;
          meet = false;
          one |= occurrence(*now[i]).context == occurrence(*now[j]).context;
        }
      if (any.empty()) any = now;
      if (!gated && ungated.empty()) {
        ungated = now;
        same_context = one;
      }
      if (!gated && meet) meeting = now;
      std::size_t digit = 0;
      while (digit < at.size() && ++at[digit] == choices[digit].size()) at[digit++] = 0;
      if (digit == at.size()) break;
    }
    reports::Finding f = reports::cycle_finding(graph_, cycle, !meeting.empty() ? meeting : !ungated.empty() ? ungated : any);
    if (!meeting.empty()) {
      f.verdict = engine::Verdict::kPossible;
      std::string weak;
      for (const reports::Link& link : f.links)
        if (occurrence(link.witness).may) weak += (weak.empty() ? "" : ", ") + graph_.classes[link.from].name + " -> " + graph_.classes[link.to].name;
      f.reason_code = weak.empty() ? "source-only" : reports::kSourceMay;
      f.reason = weak.empty() ? "source only: the code can take these orders in contexts that may meet; no run has shown it"
                              : "source only, and weak: a virtual call or a pointer may lead to several places, of which one has " + weak;
    } else if (!ungated.empty()) {
      f.verdict = engine::Verdict::kLatent;
      f.reason_code = same_context ? "source-one-context" : "source-ordered";
      f.reason = same_context ? "source only: one context that is there once takes both orders"
                              : "source only: the contexts are not there at the same time (created late, or joined before)";
    } else {
      f.verdict = engine::Verdict::kRefuted;
      f.reason_code = compared ? "source-compared" : "gate-lock";
      f.reason = compared ? "source only: the locks are compared first, and taken in that order"
                          : "source only: wherever these orders are taken, a common lock is held";
    }
    out.push_back(std::move(f));
  }

  Program& p_;
  const Found& found_;
  Graph graph_;
  std::map<std::tuple<FunctionId, std::uint32_t, std::uint32_t, std::uint32_t>, Index> frame_ids_;
  std::map<std::pair<ChainId, ChainId>, Index> stack_ids_;   // with the way
};

}  // namespace

Graph make_graph(Program& program, const Found& found, const std::string& key, const std::vector<std::string>& files) {
  return Output(program, found).make(key, files);
}

}  // namespace crossdep::source
