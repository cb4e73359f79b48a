// SPDX-License-Identifier: MIT
//
// See splat.h: titles -> kinds, and splats -> findings. A cycle becomes links as the engine writes them (X -> Y: whoever is
// to release X had to get Y first); an interrupt rule becomes the cycle over the interrupt's end that engine/interrupts.cpp
// would report, so that ids agree.
#include "traces/splat.h"

#include <algorithm>

#include "traces/splat_words.h"

namespace crossdep::traces {
namespace {

using engine::Check;
using engine::Kind;
using engine::Mode;
using engine::Verdict;

struct Title {
  std::string_view words;
  SplatKind kind;
};
// As the kernel has them, oldest forms included.
constexpr Title kTitles[] = {
    {"possible circular locking dependency detected", SplatKind::kCircular},
    {"possible circular locking deadlock detected", SplatKind::kCircular},
    {"possible recursive locking detected", SplatKind::kRecursive},
    {"inconsistent lock state", SplatKind::kInconsistent},
    {"possible irq lock inversion dependency detected", SplatKind::kInversion},
    {"possible signal lock inversion dependency detected", SplatKind::kInversion},
    {"unsafe lock order detected", SplatKind::kIrqOrder},
    {"bad unlock balance detected", SplatKind::kBadUnlock},
    {"bad contention detected", SplatKind::kBadContention},
    {"held lock freed!", SplatKind::kFreed},
    {"lock held when returning to user space", SplatKind::kReturnHeld},
    {"lock held at task exit time", SplatKind::kExitHeld},
    {"still has locks held!", SplatKind::kExitHeld},
    {"workqueue leaked lock or atomic: ", SplatKind::kExitHeld},
    {"Invalid wait context", SplatKind::kWaitContext},
    {"suspicious RCU usage", SplatKind::kRcu},
    {"suspicious rcu_dereference_check() usage", SplatKind::kRcu},
    {"Nested lock was not taken", SplatKind::kNestedNotTaken},
    {"sleeping function called from invalid context", SplatKind::kSleeping},
    {"looking up invalid subclass", SplatKind::kMisuse},
    {"trying to register non-static key", SplatKind::kMisuse},
    {"has not been registered!", SplatKind::kMisuse},
    {"not in .data!", SplatKind::kMisuse},
    {"is used against its rules", SplatKind::kMisuse},
    {"lock held by a thread that the fork left behind", SplatKind::kForkHeld},
};

std::string tool_of(const Splat& splat) {
  if (splat.ours) return "crossdep " + splat.release;
  if (splat.kind == SplatKind::kDept) return splat.release.empty() ? "DEPT" : "DEPT of Linux " + splat.release;
  return splat.release.empty() ? "the kernel's lockdep" : "lockdep of Linux " + splat.release;
}

Verdict verdict_of(const std::string& word, Verdict otherwise) {
  constexpr std::pair<std::string_view, Verdict> kWords[] = {
      {"refuted", Verdict::kRefuted},   {"latent", Verdict::kLatent},       {"possible", Verdict::kPossible},
      {"feasible", Verdict::kFeasible}, {"confirmed", Verdict::kConfirmed}, {"deadlock", Verdict::kDeadlock}};
  for (const auto& [text, verdict] : kWords)
    if (word == text) return verdict;
  return otherwise;
}

bool same_class(const PrintedLock& a, const PrintedLock& b) { return a.name == b.name && a.subclass == b.subclass; }

class Findings {
 public:
  explicit Findings(const Splat& splat) : s_(splat) {}

  std::vector<PrintedFinding> make() {
    switch (s_.kind) {
      case SplatKind::kCircular:
        if (s_.chain.empty() && s_.requested.known() && same_class(s_.requested, s_.held_lock)) recursive();
        else circular();
        break;
      case SplatKind::kRecursive: recursive(); break;
      case SplatKind::kInconsistent: inconsistent(); break;
      case SplatKind::kInversion: s_.chain.empty() ? inversion() : listed_cycle(Check::kSignalUnsafeLock); break;
      case SplatKind::kIrqOrder: irq_order(); break;
      case SplatKind::kBadUnlock: simple(Check::kBadUnlock, s_.requested); break;
      case SplatKind::kBadContention: simple(Check::kAssertHeld, s_.requested); break;
      case SplatKind::kFreed: simple(Check::kDestroyHeld, s_.requested); break;
      case SplatKind::kReturnHeld:
      case SplatKind::kExitHeld: leaked(); break;
      case SplatKind::kWaitContext: simple(Check::kWaitContext, s_.requested); break;
      case SplatKind::kNestedNotTaken:
        simple(Check::kAssertHeld, s_.requested);
        if (!out_.empty() && !s_.message.empty()) out_.back().said += ": " + s_.message + " is to be held there, and is not";
        break;
      case SplatKind::kSleeping: by_place(Check::kWaitContext, "sleep@", "a function that may sleep was called at " + s_.place); break;
      case SplatKind::kRcu: by_place(Check::kRcuUsage, "rcu@", s_.message + (s_.place.empty() ? "" : " (" + s_.place + ")")); break;
      case SplatKind::kWarning: assertion(); break;
      case SplatKind::kMisuse: misuse(); break;
      case SplatKind::kForkHeld: simple(Check::kForkHeldLock, s_.requested); break;
      case SplatKind::kDept: dept(); break;
      case SplatKind::kLimit:
      case SplatKind::kNone: break;
    }
    return std::move(out_);
  }

 private:
  PrintedFinding base(Check check, Verdict verdict) const {
    PrintedFinding f;
    f.check = check;
    f.tool = tool_of(s_);
    f.verdict = s_.ours ? verdict_of(s_.our_verdict, verdict) : verdict;
    f.said = s_.ours && !s_.our_reason.empty() ? s_.our_reason : "reported by " + f.tool;
    if (const std::string missing = missing_in(s_); !missing.empty()) f.said += "; the report is partial: " + missing;
    f.line = s_.line;
    f.context = s_.task;
    f.held = s_.held;
    if (f.held.empty() && s_.held_lock.known() && !s_.by_crosslock && !s_.ours) f.held.push_back(s_.held_lock);
    f.stack = s_.backtrace;
    f.range_begin = s_.range_begin;
    f.range_end = s_.range_end;
    return f;
  }

  // Our own trace begins at the place itself; that of a report of another tool as that tool printed it.
  bool own_site() const {
    const bool told = s_.our_reason.starts_with("reported ") && s_.requested.site.find("+0x") != std::string::npos;
    return s_.ours && !told && !s_.backtrace.empty() && !is_carrier(function_of(s_.backtrace.front()));
  }

  // Old kernels print the lock function itself; whoever called it stands in the trace.
  bool is_inner(const std::string& site) const { return !s_.ours && is_lock_function(function_of(site)) && !s_.backtrace.empty() && !is_carrier(function_of(own_place(s_.backtrace))); }

  // A finding without a cycle; its id is made of the function too.
  void simple(Check check, const PrintedLock& lock) {
    if (!lock.known()) return;
    PrintedFinding f = base(check, Verdict::kConfirmed);
    f.lock = lock;
    f.site = own_site() ? s_.backtrace.front() : lock.site;
    if (!own_site() && (check == Check::kDestroyHeld || f.site.empty() || is_inner(f.site))) f.site = own_place(s_.backtrace, check == Check::kDestroyHeld ? PassedOver::kFreeing : PassedOver::kNothing);
    out_.push_back(std::move(f));
  }

  void recursive() {
    if (!s_.requested.known()) return;
    PrintedFinding f = base(Check::kRecursiveLock, Verdict::kPossible);
    f.lock = s_.requested;
    f.other = s_.held_lock;
    f.site = own_site() ? s_.backtrace.front() : is_inner(s_.requested.site) ? own_place(s_.backtrace) : s_.requested.site;
    out_.push_back(std::move(f));
  }

  // One finding a lock; ours says of which it speaks.
  void leaked() {
    for (const PrintedLock& lock : s_.held) {
      const std::string name = lock.subclass == 0 ? lock.name : lock.name + "/" + std::to_string(lock.subclass);
      if (!s_.our_lock.empty() && s_.our_lock != name) continue;
      if (s_.ours && s_.our_lock.empty() && !s_.our_reason.ends_with(" " + name) && s_.our_reason.find(" " + name + " (") == std::string::npos) continue;
      simple(Check::kExitHeld, lock);
    }
  }

  // The class is the place, as the house names what has no name of its own.
  void by_place(Check check, const std::string& front, const std::string& message) {
    const std::string place = own_place(s_.backtrace, check == Check::kWaitContext ? PassedOver::kAllocating : PassedOver::kNothing);
    std::string name(function_of(place));
    name = name.substr(0, name.find('.'));
    if (name.empty()) name = s_.place.substr(0, s_.place.find(':'));
    if (name.empty()) return;
    PrintedFinding f = base(check, Verdict::kConfirmed);
    if (!message.empty()) f.said += ": " + message;
    f.lock.name = front + name;
    f.site = place.empty() ? s_.place : place;
    out_.push_back(std::move(f));
  }

  void misuse() {
    const std::size_t end = s_.title.find(" is used against its rules");
    if (!s_.ours || end == std::string::npos) return by_place(Check::kLockMisuse, "lock@", s_.message.empty() ? s_.place : s_.message);
    PrintedLock lock;
    set_printed_name(s_.title.substr(9, end - 9), lock);   // behind "WARNING: "
    simple(Check::kLockMisuse, lock);
  }

  // "WARNING: CPU: 0 PID: 12 at ...": ours is a failed assertion; the kernel's says so where it prints the condition.
  void assertion() {
    const bool told = s_.title.find("lock_is_held") != std::string::npos || s_.title.find("lockdep_is_held") != std::string::npos;
    if (told) return by_place(Check::kAssertHeld, "lock@", "");
    if (!s_.ours) return;
    // "T1/1 does not hold NAME, which this code requires"
    const std::size_t from = s_.our_reason.find(" does not hold "), to = s_.our_reason.find(", which this code requires");
    if (s_.our_lock.empty() && (from == std::string::npos || to == std::string::npos)) return;
    PrintedLock lock;
    set_printed_name(s_.our_lock.empty() ? s_.our_reason.substr(from + 15, to - from - 15) : s_.our_lock, lock);
    simple(Check::kAssertHeld, lock);
  }

  // --- cycles ------------------------------------------------------------------------------------------------------------

  void finish_cycle(PrintedFinding& f) {
    for (PrintedLink& link : f.links) {
      const bool inner = !link.stack.empty() && is_lock_function(function_of(link.to.site));
      if (link.to.site.empty() || inner) link.to.site = own_place(link.stack);
      if (engine::is_crosslock(link.from.kind)) {
        if (f.check == Check::kLockOrderCycle) f.check = Check::kCrossReleaseCycle;
        link.origin = engine::Origin::kOverlap;
      }
      const auto story = s_.stories.find(link.from.name);
      if (story == s_.stories.end()) continue;
      link.context = story->second.releaser;
      link.waiter = story->second.waiter;
      link.wait_stack = story->second.wait_stack;
      link.release_stack = story->second.release_stack;
      if (story->second.history) link.origin = engine::Origin::kHistory;
    }
    f.lock = f.links.front().to;
    f.site = f.lock.site;
    out_.push_back(std::move(f));
  }

  PrintedLock as_crosslock(PrintedLock lock) const {
    if (!engine::is_crosslock(lock.kind) && s_.crosslocks.count(lock.name) != 0) lock.kind = Kind::kCompletion;
    return lock;
  }

  // -> #n ... -> #0, each requested while the one before (of the lower number) was held; #0 while #n was.
  std::vector<PrintedLink> chain_links() const {
    std::vector<PrintedLink> links;
    const PrintedLock* before = &s_.chain.rbegin()->second.lock;
    for (const auto& [number, entry] : s_.chain) {
      PrintedLink& link = links.emplace_back();
      link.from = as_crosslock(*before);
      link.to = as_crosslock(entry.lock);
      link.stack = entry.stack;
      before = &entry.lock;
    }
    PrintedLink& closing = links.front();
    const auto refine = [](PrintedLock& lock, const PrintedLock& known) {
      if (!same_class(lock, known)) return;
      lock.address = known.address;
      lock.site = known.site;
    };
    refine(closing.from, s_.held_lock);
    refine(closing.to, s_.requested);
    closing.context = s_.task;
    if (s_.sync) closing.flags |= engine::kSync;
    if (!s_.by_crosslock && s_.scenario.size() >= 2) {
      closing.from.mode = s_.scenario.front().second;
      closing.to.mode = s_.scenario.back().second;
    }
    return links;
  }

  void listed_cycle(Check check) {
    PrintedFinding f = base(check, Verdict::kPossible);
    f.links = chain_links();
    f.at_commit = s_.by_crosslock;
    finish_cycle(f);
  }

  void circular() {
    if (missing_in(s_).empty() || whole_chain()) return listed_cycle(Check::kLockOrderCycle);
    part_of_cycle(Check::kLockOrderCycle);
  }

  // What is left of a cut report: the dependencies that are printed whole, and a finding that names no cycle.
  void part_of_cycle(Check check) {
    if (!s_.requested.known() && s_.chain.empty()) return;
    PrintedFinding f = base(check, Verdict::kPossible);
    f.lock = s_.requested.known() ? s_.requested : s_.chain.begin()->second.lock;
    f.site = f.lock.site;
    f.other = {};
    for (auto at = s_.chain.begin(); at != s_.chain.end(); ++at) {
      const auto next = std::next(at);
      if (next == s_.chain.end() || next->first != at->first + 1) continue;
      PrintedLink link;
      link.from = as_crosslock(at->second.lock);
      link.to = as_crosslock(next->second.lock);
      link.stack = next->second.stack;
      link.to.site = own_place(link.stack);
      f.more.push_back(std::move(link));
    }
    if (s_.requested.known() && s_.held_lock.known() && !s_.by_crosslock) {
      PrintedLink link;
      link.from = as_crosslock(s_.held_lock);
      link.to = as_crosslock(s_.requested);
      link.context = s_.task;
      f.more.push_back(std::move(link));
    }
    out_.push_back(std::move(f));
  }

  bool whole_chain() const {
    if (s_.chain.empty() || s_.chain.rbegin()->first + 1 != s_.chain.size()) return false;
    const PrintedLock& source = s_.chain.begin()->second.lock;
    const PrintedLock& target = s_.chain.rbegin()->second.lock;
    const bool begins = !s_.requested.known() || same_class(source, s_.requested);
    const bool ends = s_.held_lock.known() ? same_class(target, s_.held_lock)
                                           : !s_.scenario.empty() && s_.scenario.front().first == target.name;
    return begins && ends;
  }

  PrintedLink link(const PrintedLock& from, const PrintedLock& to, const PrintedStack& stack) const {
    PrintedLink out;
    out.from = from;
    out.to = to;
    out.stack = stack;
    return out;
  }

  // {HARDIRQ-ON-W} -> {IN-HARDIRQ-W}: the lock was held open to the interrupt, the interrupt took it.
  void inconsistent() {
    UsageWord first, second;
    if (!s_.requested.known() || !parse_usage_word(s_.first_state, first) || !parse_usage_word(s_.second_state, second) ||
        first.inside == second.inside || first.interrupt != second.interrupt)
      return;
    PrintedFinding f = base(Check::kSignalUnsafeLock, Verdict::kPossible);
    const PrintedLock interrupt = interrupt_lock(s_.interrupt.empty() ? first.interrupt : s_.interrupt);
    PrintedLock taken = s_.requested, open = s_.requested;
    taken.mode = first.inside ? first.mode : second.mode;
    open.mode = first.inside ? second.mode : first.mode;
    (second.inside ? open : taken).site.clear();   // the printed place is that of the second use
    f.links = {link(interrupt, taken, second.inside ? s_.backtrace : s_.first_stack),
               link(open, interrupt, second.inside ? s_.first_stack : s_.backtrace)};
    if (first.inside) std::rotate(f.links.begin(), f.links.begin() + 1, f.links.end());
    f.links.front().context = s_.task;
    finish_cycle(f);
    out_.back().lock = s_.requested;
    out_.back().site = s_.requested.site;
  }

  // interrupt -> safe -> ... -> unsafe -> interrupt, `way` being the middle; links[closing] came last.
  void interrupt_cycle(const std::string& name, std::vector<PrintedLink> way, const PrintedStack& taken, const PrintedStack& open,
                       std::size_t closing) {
    PrintedFinding f = base(Check::kSignalUnsafeLock, Verdict::kPossible);
    if (!s_.whole_paths) f.said += "; what leads from one lock to the other is listed as a whole, not as a path";
    const PrintedLock interrupt = interrupt_lock(name);
    f.links.push_back(link(interrupt, way.front().from, taken));
    f.links.insert(f.links.end(), way.begin(), way.end());
    f.links.push_back(link(way.back().to, interrupt, open));
    std::rotate(f.links.begin(), f.links.begin() + static_cast<std::ptrdiff_t>(closing), f.links.end());
    f.links.front().context = s_.task;
    // The printed places and objects are those of the last link; the others happened elsewhere.
    for (auto other = f.links.begin() + 1; other != f.links.end(); ++other)
      for (PrintedLock* const lock : {&other->from, &other->to}) lock->site.clear(), lock->address = 0;
    finish_cycle(f);
    out_.back().lock = s_.requested;
    out_.back().site = s_.requested.site;
  }

  void inversion() {
    if (s_.ours && s_.requested.known() && !s_.other.known()) return simple(Check::kSignalUnsafeLock, s_.requested);
    if (!s_.requested.known() || !s_.other.known() || s_.interrupt.empty()) return;
    const PrintedLock& safe = s_.other_is_safe ? s_.other : s_.requested;
    const PrintedLock& unsafe = s_.other_is_safe ? s_.requested : s_.other;
    std::vector<PrintedLink> way;
    const std::vector<Splat::Entry>& path = s_.first_path;   // from the other lock to the changed one
    if (path.size() >= 2 && same_class(path.front().lock, s_.other) && same_class(path.back().lock, s_.requested)) {
      if (s_.other_is_safe)
        for (std::size_t i = 0; i + 1 < path.size(); ++i) way.push_back(link(path[i].lock, path[i + 1].lock, path[i].stack));
      else
        for (std::size_t i = path.size() - 1; i-- > 0;) way.push_back(link(path[i + 1].lock, path[i].lock, path[i].stack));
    } else if (s_.chain_of.size() == 3 && named(s_.chain_of[0]).name == safe.name && named(s_.chain_of[2]).name == unsafe.name) {
      way = {link(safe, named(s_.chain_of[1]), {}), link(named(s_.chain_of[1]), unsafe, {})};
    } else {
      way.push_back(link(safe, unsafe, {}));
    }
    if (s_.other_is_safe) interrupt_cycle(s_.interrupt, way, s_.safe_stack, s_.backtrace, way.size() + 1);
    else interrupt_cycle(s_.interrupt, way, s_.backtrace, s_.unsafe_stack, 0);
  }

  static PrintedLock named(std::string_view name) {
    PrintedLock out;
    set_printed_name(name, out);
    return out;
  }

  void irq_order() {
    if (!s_.held_lock.known() || !s_.requested.known()) return;
    // The scenario names both ends too: the unsafe lock is held, the interrupt takes the safe one.
    const bool told = s_.safe.known() && s_.unsafe.known();
    if (!told && s_.scenario.size() < 2) return part_of_cycle(Check::kSignalUnsafeLock);
    const PrintedLock safe = told ? s_.safe : named(s_.scenario.back().first), unsafe = told ? s_.unsafe : named(s_.scenario.front().first);
    std::vector<PrintedLink> way;
    const std::vector<Splat::Entry>& before = s_.first_path;   // from the safe lock to the one held
    if (before.size() >= 2 && same_class(before.front().lock, safe) && same_class(before.back().lock, s_.held_lock)) {
      // Since 5.12 each stack stands below the lock it leads to, before below the one it comes from.
      const bool below_target = before.front().stack.empty();
      for (std::size_t i = 0; i + 1 < before.size(); ++i)
        way.push_back(link(before[i].lock, before[i + 1].lock, before[below_target ? i + 1 : i].stack));
    } else if (!same_class(safe, s_.held_lock)) {
      way.push_back(link(safe, s_.held_lock, {}));
    }
    const std::size_t closing = way.size() + 1;
    way.push_back(link(s_.held_lock, s_.requested, s_.backtrace));
    const std::vector<Splat::Entry>& after = s_.second_path;   // from the unsafe lock to the one requested
    if (after.size() >= 2 && same_class(after.front().lock, unsafe) && same_class(after.back().lock, s_.requested)) {
      for (std::size_t i = after.size() - 1; i-- > 0;) way.push_back(link(after[i + 1].lock, after[i].lock, after[i].stack));
    } else if (!same_class(unsafe, s_.requested)) {
      way.push_back(link(s_.requested, unsafe, {}));
    }
    interrupt_cycle(s_.interrupt.empty() ? interrupt_in(s_.title) : s_.interrupt, way, s_.safe_stack, s_.unsafe_stack, closing);
  }

  // Each context is to bring about its event E and waits for W first: E -> W.
  void dept() {
    PrintedFinding f = base(Check::kLockOrderCycle, Verdict::kPossible);
    char letter = 'A';
    for (const Splat::Side& side : s_.sides) {
      PrintedLink link;
      if (!dept_class(side.event, side, link.from) || !dept_class(side.wait, side, link.to)) return;
      link.to.kind = Kind::kOther;
      link.stack = side.wait_stack;
      link.release_stack = side.event_stack;
      link.context = {"context " + std::string(1, letter++), 0, engine::ContextKind::kTask};
      f.links.push_back(std::move(link));
    }
    if (f.links.empty()) return;
    // The order of the contexts is free: put them so that each wait is for the next one's event.
    for (std::size_t i = 0; i + 1 < f.links.size(); ++i)
      for (std::size_t j = i + 1; j < f.links.size(); ++j)
        if (same_class(f.links[j].from, f.links[i].to)) std::swap(f.links[i + 1], f.links[j]);
    for (std::size_t i = 0; i < f.links.size(); ++i) {
      const PrintedLink& next = f.links[(i + 1) % f.links.size()];
      if (!same_class(next.from, f.links[i].to)) return;
      f.links[i].to.kind = next.from.kind;
    }
    finish_cycle(f);
  }

  // "unlock(&ni->mrec_lock:0)"; what begins with an unknown [S] is no lock but an event.
  static bool dept_class(const std::string& text, const Splat::Side& side, PrintedLock& out) {
    const std::size_t open = text.find('('), close = text.rfind(')');
    if (open == std::string::npos || close == std::string::npos || close < open) return false;
    std::string name = text.substr(open + 1, close - open - 1);
    const std::size_t colon = name.rfind(':');
    if (colon != std::string::npos && colon + 2 == name.size()) {
      out.subclass = static_cast<std::uint8_t>(name[colon + 1] - '0');
      name.resize(colon);
    }
    out.name = name;
    out.kind = side.start.starts_with("(unknown)") ? Kind::kCompletion : Kind::kOther;
    return !name.empty();
  }

  const Splat& s_;
  std::vector<PrintedFinding> out_;
};

}  // namespace

SplatKind splat_kind(std::string_view line) {
  if (line.starts_with("[ ")) line.remove_prefix(2);
  if (line.ends_with(" ]")) line.remove_suffix(2);
  if (line.starts_with("DEPT: Circular dependency has been detected")) return SplatKind::kDept;
  std::string_view rest;
  for (const std::string_view front : {"WARNING: ", "INFO: ", "BUG: "})
    if (line.starts_with(front)) rest = line.substr(front.size());
  if (rest.empty()) return SplatKind::kNone;
  for (const Title& title : kTitles)
    if (rest.find(title.words) != std::string_view::npos) return title.kind;
  if (rest.starts_with("MAX_") && rest.ends_with(" too low!")) return SplatKind::kLimit;
  const bool warning = line.starts_with("WARNING: ") && rest.find(" at ") != std::string_view::npos &&
                       (rest.starts_with("CPU: ") || rest.starts_with("at ") || rest.find(", CPU#") != std::string_view::npos);
  if (!warning && !(line.starts_with("WARNING: at "))) return SplatKind::kNone;
  return rest.find("lockdep.c:") != std::string_view::npos ? SplatKind::kMisuse : SplatKind::kWarning;
}

std::string missing_in(const Splat& s) {
  std::vector<std::string> lost;
  if (s.beginless) lost.push_back("its beginning is missing");
  const bool has_trace = s.kind != SplatKind::kReturnHeld && s.kind != SplatKind::kLimit && s.kind != SplatKind::kDept;
  if (s.kind == SplatKind::kCircular && (s.chain.empty() || s.chain.rbegin()->first + 1 != s.chain.size()))
    lost.push_back("links of its chain are missing");
  if (has_trace && !s.reached_trace) lost.push_back("it is cut before its end");
  else if (s.held.size() < s.held_promised) lost.push_back("held locks are missing");
  std::string out;
  for (const std::string& what : lost) out += (out.empty() ? "" : ", ") + what;
  return out;
}

std::vector<PrintedFinding> findings_of(const Splat& splat) { return Findings(splat).make(); }

}  // namespace crossdep::traces
