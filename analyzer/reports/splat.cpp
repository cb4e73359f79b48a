// SPDX-License-Identifier: MIT
//
// See splat.h. One function per layout, after lockdep.c's print_circular_bug, print_deadlock_bug,
// print_unlock_imbalance_bug, print_freed_lock_bug, print_held_locks_bug (a task that exits with locks held) and, for an
// assertion, the kernel's __warn(). The text by crosslock is that of 4.14's cross-release, the rest that of 6.1.
// A thread in user space has no CPU of its own: "CPU: 0" only keeps that line readable for parsers.
//
// Threading: pure function.  Allocation: the heap.
#include "reports/splat.h"

#include <algorithm>

#include "reports/format.h"
#include "reports/reason.h"
#include "reports/source_story.h"
#include "reports/version.h"
#include "rules/catalogue.h"

namespace crossdep::reports {
namespace {

using engine::Check;
using engine::Mode;

class Splat {
 public:
  Splat(const Graph& graph, const Finding& finding, const SplatOptions& options) : g_(graph), f_(finding), options_(options) {}

  std::string render() {
    switch (f_.check) {
      case Check::kRecursiveLock: recursive(); break;
      case Check::kBadUnlock: bad_unlock(); break;
      case Check::kDestroyHeld: freed(); break;
      case Check::kExitHeld: exit_held(); break;
      case Check::kForkHeldLock: fork_held(); break;
      case Check::kAssertHeld: assert_held(); break;
      case Check::kSignalUnsafeLock: interrupt(); break;
      case Check::kWaitContext: wait_context(); break;
      case Check::kRcuUsage: rcu(); break;
      case Check::kLockMisuse: misuse(); break;
      case Check::kDeclaredOrder: declared_order(); break;
      case Check::kLeafLock: leaf(); break;
      case Check::kForbiddenOperation:
      case Check::kNoLockAllowed: operation_under_lock(); break;
      case Check::kLockRequired: lock_required(); break;
      case Check::kLockOrderCycle:
      case Check::kCrossReleaseCycle: circular(); break;
    }
    our_lines();
    return std::move(out_);
  }

 private:
  // --- the kernel's layouts ------------------------------------------------------------------------------------------

  void circular() {
    if (f_.links.empty()) return cut_circular();
    const Link& closing = f_.links.front();
    const Witness& w = closing.witness;
    const bool by_crosslock = f_.at_commit && engine::is_crosslock(g_.classes[closing.from].kind);
    banner("possible circular locking dependency detected", 54);
    line(task() + " is trying to acquire lock:");
    line(lock(w.to, closing.to, w.to_site != kNoIndex ? w.to_site : f_.site));
    line("");
    line(by_crosslock ? "but now in release context of a crosslock acquired at the following:" : "but task is already holding lock:");
    line(by_crosslock ? lock(w.from, closing.from, w.wait_site) : held_or(closing.from, w.from, w.from_site));
    line("\nwhich lock already depends on the new lock.\n");
    line("\nthe existing dependency chain (in reverse order) is:");
    for (std::size_t i = f_.links.size(); i-- > 0;) {
      if (!options_.verbose && i + kShownEnds < f_.links.size() && i >= kShownEnds) {
        line("\n ... " + std::to_string(f_.links.size() - 2 * kShownEnds) + " more, left out here (--verbose shows them) ...");
        i = kShownEnds;
        continue;
      }
      line("\n-> #" + std::to_string(i) + class_text(f_.links[i].to) + ":");
      if (f_.links[i].witness.origin == engine::Origin::kDeclared) line("       declared by a rule");
      stack(f_.links[i].witness.to_stack, "       ");
    }
    line("\nother info that might help us debug this:\n");
    scenario(closing, by_crosslock);
    held_locks();
    backtrace();
  }

  // A report of another tool of which the chain is lost.
  void cut_circular() {
    banner("possible circular locking dependency detected", 54);
    line(task() + " is trying to acquire lock:");
    line(lock(f_.instance, first_class(), f_.site));
    line("\nother info that might help us debug this:\n");
    held_locks();
    backtrace();
  }

  // source -> parent -> ... -> target is the chain; source is requested, target held.
  void scenario(const Link& closing, bool by_crosslock) {
    const std::string source = name(closing.to), target = name(closing.from);
    const std::string parent = name(f_.links.back().from);
    if (f_.links.size() > 2) line("Chain exists of:\n  " + source + " --> " + parent + " --> " + target + "\n");
    line(std::string(" Possible unsafe locking scenario") + (by_crosslock ? " by crosslock" : "") + ":\n");
    line("       CPU0                    CPU1");
    line("       ----                    ----");
    const std::string second_column(31, ' ');
    if (by_crosslock) {
      line("  lock(" + parent + ");");
      line("  lock(" + target + ");");
      line(second_column + "lock(" + source + ");");
      line(second_column + "unlock(" + target + ");");
    } else {
      line("  " + verb(closing.witness.from_mode) + target + ");");
      line(second_column + "lock(" + parent + ");");
      line(second_column + "lock(" + target + ");");
      line("  " + ((closing.witness.flags & engine::kSync) ? std::string("sync(") : verb(closing.witness.to_mode)) + source + ");");
    }
    line("\n *** DEADLOCK ***\n");
  }

  void recursive() {
    const Index requested = f_.classes.empty() ? kNoIndex : f_.classes.front();
    banner("possible recursive locking detected", 44);
    line(task() + " is trying to acquire lock:");
    line(lock(f_.instance, requested, f_.site));
    line("\nbut task is already holding lock:");
    line(held_or(requested, f_.other, kNoIndex));
    line("\nother info that might help us debug this:");
    line(" Possible unsafe locking scenario:\n");
    line("       CPU0");
    line("       ----");
    line("  lock(" + name(requested) + ");");
    line("  lock(" + name(requested) + ");");
    line("\n *** DEADLOCK ***\n");
    line(" May be due to missing lock nesting notation\n");
    held_locks();
    backtrace();
  }

  // print_usage_bug() where the handler takes the interrupted lock itself, else print_irq_inversion_bug().
  void interrupt() {
    const Link *into = nullptr, *inside = nullptr;   // unsafe -> handler -> safe
    for (const Link& link : f_.links) {
      if (g_.classes[link.to].kind == engine::Kind::kInterrupt) into = &link;
      if (g_.classes[link.from].kind == engine::Kind::kInterrupt) inside = &link;
    }
    if (into == nullptr || inside == nullptr) return unsafe_call();
    const std::string handler = name(into->to);
    const bool signal = handler.compare(0, 7, "(signal") == 0;
    const std::string word = handler == "(softirq)" ? "SOFTIRQ" : signal ? "SIGNAL" : "HARDIRQ";
    const std::string strikes = signal ? "  <Signal>" : "  <Interrupt>";
    const std::string safe = name(inside->to), unsafe = name(into->from), second_column(31, ' ');
    if (safe == unsafe) {
      const std::string on = "{" + word + "-ON-" + letter(into->witness.from_mode) + "}";
      const std::string in = "{IN-" + word + "-" + letter(inside->witness.to_mode) + "}";
      const bool in_is_new = &f_.links.front() == inside;
      const Link& first = in_is_new ? *into : *inside;
      banner("inconsistent lock state", 32);
      line("inconsistent " + (in_is_new ? on + " -> " + in : in + " -> " + on) + " usage.");
      line(task() + " takes:");
      line(lock(f_.instance, inside->to, f_.site));
      line((in_is_new ? on : in) + " state was registered at:");
      stack(first.witness.to_stack, "  ");
      line("\nother info that might help us debug this:");
      line(" Possible unsafe locking scenario:\n");
      line("       CPU0");
      line("       ----");
      line("  lock(" + safe + ");");
      line(strikes);
      line("    lock(" + safe + ");");
    } else {
      banner("possible " + std::string(signal ? "signal" : "irq") + " lock inversion dependency detected", 56);
      // The closing link tells which of the three came last: the handler's use, the open use, or the order of the two.
      const Link& closing = f_.links.front();
      const bool ordered = &closing != into && &closing != inside;
      line(task() + (ordered ? " is trying to acquire lock:" : " just changed the state of lock:"));
      line(lock(f_.instance, &closing == into ? into->from : closing.to, f_.site));
      if (ordered) line("but " + safe + ", which is " + word + "-safe, leads to a " + word + "-unsafe lock by it:");
      else if (&closing == into) line("but this lock was taken by another, " + word + "-safe lock in the past:");
      else line("but this lock took another, " + word + "-unsafe lock in the past:");
      line(class_text(&closing == into ? inside->to : into->from));
      line("\nand " + std::string(signal ? "the signal" : "interrupts") + " could create inverse lock ordering between them.\n");
      line("\nthe dependencies (in reverse order) are:");
      for (std::size_t i = f_.links.size(); i-- > 0;) {
        line("\n-> #" + std::to_string(i) + class_text(f_.links[i].to) + ":");
        stack(f_.links[i].witness.to_stack, "       ");
      }
      line("\nother info that might help us debug this:\n");
      line(" Possible interrupt unsafe locking scenario:\n");
      line("       CPU0                    CPU1");
      line("       ----                    ----");
      line("  lock(" + unsafe + ");");
      if (!signal) line(second_column + "local_irq_disable();");
      line(second_column + "lock(" + safe + ");");
      line(second_column + "lock(" + unsafe + ");");
      line(strikes);
      line("    lock(" + safe + ");");
    }
    line("\n *** DEADLOCK ***\n");
    held_locks();
    backtrace();
  }

  // Another tool's report of a call that may take a lock, in a handler.
  void unsafe_call() {
    banner("possible signal lock inversion dependency detected", 56);
    line(task() + " just changed the state of lock:");
    line(lock(f_.instance, first_class(), f_.site));
    line("\nother info that might help us debug this:");
    held_locks();
    backtrace();
  }

  // print_lock_invalid_wait_context()
  void wait_context() {
    line("\n=============================");
    line("[ BUG: Invalid wait context ]");
    line(ident());
    line("-----------------------------");
    line(task() + " is trying to lock:");
    line(lock(f_.instance, first_class(), f_.site));
    line("other info that might help us debug this:");
    held_locks();
    backtrace();
  }

  // lockdep_rcu_suspicious(); what it said is in the reason.
  void rcu() {
    banner("suspicious RCU usage", 29);
    line(place(f_.site) + " suspicious RCU usage!");
    line("\nother info that might help us debug this:");
    held_locks();
    backtrace();
  }

  void misuse() {
    line("\nWARNING: " + name(first_class()) + " is used against its rules at " + place(f_.site));
    line(ident());
    held_locks();
    backtrace();
  }

  void bad_unlock() {
    banner("bad unlock balance detected!", 37);
    line(task() + " is trying to release lock (" + name(first_class()) + ") at:");
    line("[<" + address(f_.address) + ">] " + place(f_.site));
    line("but there are no more locks to release!");
    line("\nother info that might help us debug this:");
    held_locks();
    backtrace();
  }

  void freed() {
    std::uint64_t begin = f_.range_begin, end = f_.range_end;
    if (begin == 0 && end == 0 && f_.instance != kNoIndex) {
      begin = g_.instances[f_.instance].address;
      end = begin + 1;
    }
    banner("held lock freed!", 25);
    line(task() + " is freeing memory " + address(begin) + "-" + address(end > begin ? end - 1 : begin) +
         ", with a lock still held there!");
    line(held_or(first_class(), f_.instance, f_.site));
    held_locks();
    backtrace();
  }

  void exit_held() {
    banner(task() + " still has locks held!", 36);
    held_locks();
    backtrace();
  }

  // No kernel prints this; the layout follows print_deadlock_bug().
  void fork_held() {
    banner("lock held by a thread that the fork left behind", 50);
    line(task() + " is trying to acquire lock:");
    line(lock(f_.instance, first_class(), f_.site));
    line("\nwhich another thread of the parent process held at the fork" +
         (f_.other_stack == kNoIndex ? "." : ", acquired at: " + place(f_.other_stack)));
    line("\nother info that might help us debug this:");
    held_locks();
    backtrace();
  }

  void assert_held() {
    line("------------[ cut here ]------------");
    const Index frame = own_frame(g_, f_.site);
    std::string where = frame == kNoIndex ? hex(f_.address) : symbol(g_.frames[frame]);
    if (frame != kNoIndex && !g_.frames[frame].file.empty() && !g_.frames[frame].function.empty())
      where = short_place(g_.frames[frame]) + " " + where;
    line("WARNING: CPU: 0 PID: " + pid() + " at " + where);
    line(ident());
    line(cpu_line());
    call_trace();
    line("---[ end trace 0000000000000000 ]---");
    held_locks();
  }

  // --- what rules ask for: no kernel prints these; the layouts follow those above ---------------------------------------

  // At once against the order: the two stacks. By way of other locks: the chain, like any other circle.
  void declared_order() {
    if (f_.links.size() != 2) return circular();
    banner("declared lock order violated", 44);
    line(task() + " is trying to acquire lock:");
    line(lock(f_.instance, f_.links.front().to, f_.site));
    line("\nbut task is already holding lock:");
    line(held_or(f_.links.front().from, f_.other, kNoIndex));
    line("\nwhich comes after it in the declared order.");
    where_acquired(f_.links.front().from);
    held_locks();
    backtrace();
  }

  void leaf() {
    const Index leaf_class = f_.classes.empty() ? kNoIndex : f_.classes.back();
    banner("lock acquired under a leaf lock", 44);
    line(task() + " is trying to acquire lock:");
    line(lock(f_.instance, first_class(), f_.site));
    line("\nbut task is already holding the leaf lock:");
    line(held_or(leaf_class, f_.other, kNoIndex));
    where_acquired(leaf_class);
    held_locks();
    backtrace();
  }

  void operation_under_lock() {
    const Index lock_class = f_.classes.empty() ? kNoIndex : f_.classes.back();
    banner(f_.check == Check::kNoLockAllowed ? "operation performed with a lock held" : "forbidden operation under a lock", 44);
    line(task() + " performs " + operation_name() + ", at: " + place(f_.site));
    line("\nbut task is already holding lock:");
    line(held_or(lock_class, f_.other, kNoIndex));
    where_acquired(lock_class);
    held_locks();
    backtrace();
  }

  void lock_required() {
    banner("operation performed without a required lock", 44);
    line(task() + " performs " + operation_name() + ", at: " + place(f_.site));
    line("");
    held_locks();
    backtrace();
  }

  // The name without the "(op)" that marks its class.
  std::string operation_name() const {
    const std::string text = name(first_class());
    return text.starts_with("(op)") ? text.substr(4) : text;
  }

  void where_acquired(Index class_index) {
    if (f_.other_stack != kNoIndex) {
      line("\n" + name(class_index) + " was acquired at:");
      stack(f_.other_stack, " ");
    }
    line("");
  }

  static constexpr std::size_t kShownEnds = 20;   // links of a very long chain that are shown at each end

  // --- parts ---------------------------------------------------------------------------------------------------------

  void banner(const std::string& title, unsigned width) {
    line("");
    line(std::string(width, '='));
    line("WARNING: " + title);
    line(ident());
    line(std::string(width, '-'));
  }

  // Where the kernel says which kernel it is and whether to trust it.
  std::string ident() const { return tool_version() + " " + verdict(); }
  std::string verdict() const { return std::string(word(f_.verdict)) + ": " + f_.reason; }

  std::string task() const { return context_name(g_, f_.context); }
  std::string pid() const { return std::to_string(f_.context < g_.contexts.size() ? g_.contexts[f_.context].tid : 0); }
  Index first_class() const { return f_.classes.empty() ? kNoIndex : f_.classes.front(); }
  std::string name(Index c) const { return c < g_.classes.size() ? g_.classes[c].name : "unknown"; }

  // " (name){usage}-{outer:inner}"; a class whose wait type is unchecked has 0, as in the kernel.
  std::string class_text(Index index) const {
    if (index >= g_.classes.size()) return " (unknown){....}-{0:0}";
    const Class& c = g_.classes[index];
    const unsigned outer = c.wait_outer != 0 ? c.wait_outer : c.wait_inner;
    return " (" + c.name + "){" + usage_characters(c.usage) + "}-{" + std::to_string(outer) + ":" + std::to_string(c.wait_inner) + "}";
  }

  std::string place(Index site) const {
    const Index frame = own_function(g_, site);
    return frame == kNoIndex ? std::string("0x0") : symbol_and_place(g_.frames[frame], options_.verbose);
  }

  std::string lock(Index instance, Index class_index, const std::string& where) const {
    const std::uint64_t lies_at = instance < g_.instances.size() ? g_.instances[instance].address : 0;
    return address(lies_at) + class_text(class_index) + ", at: " + where;
  }
  std::string lock(Index instance, Index class_index, Index site) const { return lock(instance, class_index, place(site)); }
  std::string lock(const Held& held) const {
    if (held.site != kNoIndex || !held.pseudo) return lock(held.instance, held.class_index, held.site);
    // What a context runs for (its own end, its work item) is held from its start on: its outermost frame.
    const std::vector<Index> frames = shown_frames(g_, f_.stack, false);
    return lock(held.instance, held.class_index, frames.empty() ? "0x0" : symbol_and_place(g_.frames[frames.back()], options_.verbose));
  }

  // The held lock that is this instance, else of this class; else what is known without it.
  std::string held_or(Index class_index, Index instance, Index site) const {
    const Held* found = nullptr;
    for (const Held& held : f_.held) {
      if (held.class_index == class_index && found == nullptr) found = &held;
      if (instance != kNoIndex && held.instance == instance) {
        found = &held;
        break;
      }
    }
    return found == nullptr ? lock(instance, class_index, site) : lock(*found);
  }

  static const char* letter(Mode mode) { return mode == Mode::kWrite ? "W" : "R"; }
  static std::string verb(Mode mode) { return mode == Mode::kWrite ? "lock(" : "rlock("; }

  void held_locks() {
    const std::vector<Held> held = shown_locks(f_);
    if (held.empty()) return line("no locks held by " + task() + ".");
    line(count_of(held.size(), "lock") + " held by " + task() + ":");
    for (std::size_t i = 0; i < held.size(); ++i) line(" #" + std::to_string(i) + ": " + lock(held[i]));
  }

  void backtrace() {
    line("\nstack backtrace:");
    line(cpu_line());
    call_trace();
  }

  std::string cpu_line() const {
    const std::string comm = f_.context < g_.contexts.size() ? g_.contexts[f_.context].name : std::string();
    return "CPU: 0 PID: " + pid() + " Comm: " + (comm.empty() ? "task" : comm) + " Not tainted " + tool_version();
  }

  void call_trace() {
    line("Call Trace:");
    line(" <TASK>");
    stack(f_.stack != kNoIndex ? f_.stack : f_.site, " ");
    line(" </TASK>");
  }

  void stack(Index index, const char* indent) {
    for (const Index frame : shown_frames(g_, index, options_.verbose))
      line(indent + symbol_and_place(g_.frames[frame], options_.verbose));
  }

  // --- what the kernel does not say ----------------------------------------------------------------------------------

  void our_lines() {
    line("");
    line("crossdep: " + verdict());
    line("crossdep: finding " + f_.id + " (" + rules::check_id(f_.check) + ")");
    // The layouts of these two do not say which lock it is; another tool's reason need not either.
    if (f_.reason_code == code(engine::Reason::kReported) && (f_.check == Check::kExitHeld || f_.check == Check::kAssertHeld))
      line("crossdep: lock " + name(first_class()));
    for (const Link& link : f_.links)
      if (g_.classes[link.to].kind == engine::Kind::kInterrupt) line("crossdep: the handler is that of " + name(link.to));
    for (const std::string& only : only_in_source(g_, f_)) line("crossdep: only in the source: " + only);
    if (f_.run_verdict != f_.verdict && !f_.run_reason_code.empty())
      line(std::string("crossdep: in each run alone it is ") + word(f_.run_verdict) + ": " + f_.run_reason);
    for (std::size_t i = 0; i < f_.links.size(); ++i)
      if (engine::is_crosslock(g_.classes[f_.links[i].from].kind))
        who_waits_and_who_releases(f_.links[i], f_.links[(i + f_.links.size() - 1) % f_.links.size()]);
    if (!options_.graph_path.empty()) line("crossdep: next: crossdep report --verbose " + shell_word(options_.graph_path));
  }

  // DEPT's letters: [W] the wait, [S] where the way to the event starts, [E] the event. Where the dependency does not
  // name the wait, the one before it in the cycle, which ends at the same crosslock, does.
  void who_waits_and_who_releases(const Link& link, const Link& before) {
    const Witness& w = link.witness;
    const std::string what = name(link.from);
    line("crossdep: " + what + " is released only after " + name(link.to) + " was got" +
         (w.origin == engine::Origin::kHistory ? " (history: the request came before the wait):" : ":"));
    const bool matched = w.waiter != kNoIndex;
    line("  [W] " + context_name(g_, matched ? w.waiter : before.witness.context) + " waits for " + what + ":");
    stack(matched ? w.wait_stack : before.witness.to_stack, "       ");
    line("  [S] " + context_name(g_, w.context) + ", which is to release it, requests " + name(link.to) + ":");
    stack(w.to_stack, "       ");
    const bool at_end = w.release_stack == kNoIndex;
    line("  [E] " + context_name(g_, w.context) + " releases " + what + (at_end ? " when it is done" : ":"));
    stack(w.release_stack, "       ");
  }

  void line(const std::string& text) {
    out_ += text;
    out_ += '\n';
  }

  const Graph& g_;
  const Finding& f_;
  const SplatOptions& options_;
  std::string out_;
};

}  // namespace

std::string render_splat(const Graph& graph, const Finding& finding, const SplatOptions& options) {
  return Splat(graph, finding, options).render();
}

}  // namespace crossdep::reports
