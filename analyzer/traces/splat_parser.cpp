// SPDX-License-Identifier: MIT
//
// See splat_parser.h. whole_line() is the table of contents; each function below takes one family of lines; those of the interrupt
// rules are in splat_parser_interrupts.cpp, those of DEPT and of our own splats in splat_parser_others.cpp.
#include "traces/splat_parser.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <utility>

#include "traces/splat_words.h"

namespace crossdep::traces {
namespace {

using engine::Mode;

// So many lines in a row that say nothing of a lock, and the call trace is over.
constexpr unsigned kForeign = 40;
// So many, and what was to come is lost.
constexpr unsigned kFar = 1000;

bool is_rule(std::string_view text, char of) {
  return text.size() >= 8 && text.find_first_not_of(of) == std::string_view::npos;
}

unsigned leading_number(std::string_view text) {
  unsigned out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

}  // namespace

void SplatParser::begin(SplatKind kind, std::string_view text, std::uint64_t number, bool beginless) {
  end(true);
  splat_.kind = kind;
  splat_.line = number;
  splat_.title = text;
  splat_.beginless = beginless;
  next_ = beginless ? Next::kNothing : Next::kIdent;
  if (kind == SplatKind::kExitHeld)
    parse_task(text.substr(text.find(": ") + 2), has(text, " still has") ? " still has" : ", lock held", splat_.task);
  if (kind == SplatKind::kMisuse || kind == SplatKind::kWarning || kind == SplatKind::kSleeping) {
    if (const std::size_t at = text.find(" at "); at != std::string_view::npos) splat_.place = text.substr(at + 4);
    if (before_.starts_with("DEBUG_LOCKS_WARN_ON")) splat_.message = before_;
    if (kind == SplatKind::kMisuse && splat_.place.empty()) splat_.message = text;
    next_ = Next::kOwnIdent;   // only our own assertions print an ident line here
  }
}

void SplatParser::end(bool displaced) {
  if (splat_.kind != SplatKind::kNone) {
    splat_.displaced = displaced;
    splat_.followed = foreign_ > 0;
    done_(splat_);
  }
  splat_ = Splat();
  next_ = Next::kNothing;
  lock_ = nullptr;
  stack_ = nullptr;
  path_ = nullptr;
  story_ = nullptr;
  foreign_ = 0;
  in_trace_ = own_trace_ = listing_others_ = blank_ = false;
}

// A trace now is the splat's: it was announced, or the kind has no such line.
bool SplatParser::in_own_trace() const {
  const bool unannounced = splat_.kind == SplatKind::kSleeping || splat_.kind == SplatKind::kWarning || splat_.kind == SplatKind::kMisuse ||
                           splat_.kind == SplatKind::kExitHeld;
  return own_trace_ || unannounced;
}

// "</TASK>", "---[ end trace": the splat is over if the trace was its own.
void SplatParser::end_of_trace() {
  if (in_own_trace() && !splat_.ours) end(false);
  else in_trace_ = false;
}

// What stands before a splat's trace comes behind one: that was the trace of another message, printed in between.
void SplatParser::back_from_trace() {
  if (own_trace_ || !splat_.reached_trace) return;
  in_trace_ = splat_.reached_trace = false;
  splat_.backtrace.clear();
}

void SplatParser::whole_line(std::string_view text, std::uint64_t number) {
  const std::string_view line = trimmed(text);
  SplatKind kind = splat_kind(line);
  if (kind == SplatKind::kWarning && before_.starts_with("DEBUG_LOCKS_WARN_ON(")) kind = SplatKind::kMisuse;
  // Another CPU's warning in the middle; only those about locks are of interest.
  if (kind == SplatKind::kWarning && busy() && splat_.kind != SplatKind::kWarning && !splat_.ours && !own_trace_ && !has(line, "is_held"))
    kind = SplatKind::kNone;
  if (kind != SplatKind::kNone) {
    begin(kind, line, number, false);
  } else if ((splat_.kind == SplatKind::kNone || (splat_.reached_trace && in_own_trace() && !splat_.ours)) && (line.ends_with(':') || line.ends_with('!'))) {
    for (const auto& [words, implied] : {std::pair{"is trying to acquire lock:", SplatKind::kCircular},
                                         {"the existing dependency chain (in reverse order) is:", SplatKind::kCircular},
                                         {"just changed the state of lock:", SplatKind::kInversion},
                                         {"is trying to acquire:", SplatKind::kIrqOrder},
                                         {"is trying to release lock (", SplatKind::kBadUnlock},
                                         {"is leaving the kernel with locks still held!", SplatKind::kReturnHeld},
                                         {"with a lock still held there!", SplatKind::kFreed}})
      if (has(line, words)) begin(implied, {}, number, true);
  }
  PrintedLock* const lock = std::exchange(lock_, nullptr);
  const bool goes_on = kind == SplatKind::kNone && place_goes_on(line, lock);
  // It has no trace.
  const bool listed = splat_.kind == SplatKind::kReturnHeld && splat_.held_promised != 0 && splat_.held.size() == splat_.held_promised;
  if (listed && kind == SplatKind::kNone && !goes_on && !line.starts_with("#")) end(false);
  if (splat_.kind != SplatKind::kNone && kind == SplatKind::kNone) {
    if (line.empty()) {
      blank_ = stack_ != nullptr && !stack_->empty() && !in_trace_;
    } else if (goes_on) {
      lock_ = lock;
      foreign_ = 0;
    } else if (ident(line) || own_line(text) || header(line) || chain(line) || interrupt_rule(line) || path(line) ||
               scenario(text) || held(line) || misuse(line) || mutex_debugging(line) || dept(line) || expected(text) || frame(text)) {
      foreign_ = 0;
    } else {
      if (blank_) stack_ = nullptr;   // a blank line alone may be an empty message before a frame that a mailer broke off
      if (++foreign_ > (splat_.reached_trace ? kForeign : kFar)) end(!splat_.reached_trace);
    }
    if (!line.empty()) blank_ = false;
  }
  if (!line.empty()) before_ = line;
}

// "6.1.192 #1 Tainted: ...", "crossdep 0.1.0 possible: ...": the line below the title.
bool SplatParser::ident(std::string_view text) {
  if (next_ != Next::kIdent && next_ != Next::kOwnIdent) return false;
  const std::string_view word = text.substr(0, text.find(' '));
  if (word == "crossdep") {
    splat_.ours = true;
    std::string_view rest = text.substr(word.size());
    rest = trimmed(rest);
    const std::size_t version = rest.find(' ');
    if (version != std::string_view::npos) {
      splat_.release = rest.substr(0, version);
      rest.remove_prefix(version + 1);
      const std::size_t colon = rest.find(": ");
      if (colon != std::string_view::npos) {
        splat_.our_verdict = rest.substr(0, colon);
        splat_.our_reason = rest.substr(colon + 2);
      }
    }
    next_ = Next::kNothing;
    return true;
  }
  if (next_ == Next::kOwnIdent) return false;
  if (is_rule(text, '-')) {   // 2.6.18 printed no release there
    if (splat_.kind != SplatKind::kRcu) next_ = Next::kNothing;
    return true;
  }
  const bool release = std::isdigit(static_cast<unsigned char>(word.front())) && has(word, ".");
  if (!release && !(has(text, " #") && has(text, "ainted"))) return false;   // syzbot's builds are "syzkaller #0"
  if (release) splat_.release = word;
  next_ = splat_.kind == SplatKind::kRcu ? Next::kRcuPlace : Next::kNothing;
  return true;
}

// What the line before has announced; lines that do not fit are left to others, and it is waited for on.
bool SplatParser::expected(std::string_view text) {
  PrintedLock lock;
  const auto taken = [this] {
    next_ = Next::kNothing;
    return true;
  };
  switch (next_) {
    case Next::kNothing: return outer_place(text);
    case Next::kHeld: return parse_lock(text, lock) && (splat_.held_lock = lock, lock_ = &splat_.held_lock, taken());
    case Next::kRequested:
    case Next::kAnyLock: return parse_lock(text, lock) && (splat_.requested = lock, lock_ = &splat_.requested, taken());
    case Next::kNotHeld: return splat_.message = trimmed(text), taken();
    case Next::kSafe: return parse_class(text, splat_.safe) && taken();
    case Next::kUnsafe: return parse_class(text, splat_.unsafe) && taken();
    case Next::kOther: return parse_class(text, splat_.other) && taken();
    case Next::kReleasedAt: {
      bool reliable = true;
      const std::string_view line = trimmed(text);
      splat_.requested.site = parse_frame(line, reliable);
      if (line.starts_with("[<")) std::from_chars(line.data() + 2, line.data() + line.size(), splat_.requested.address, 16);
      if (splat_.requested.site.empty()) splat_.requested.site = trimmed(line.substr(line.find("] ") + 1));
      return taken();
    }
    case Next::kNewDependency: {
      PrintedLock second;
      if (!parse_class(text, lock)) return false;
      const std::size_t arrow = text.find("-> ");
      if (arrow == std::string_view::npos) return false;
      text.remove_prefix(arrow + 3);
      if (!parse_class(text, second)) return false;
      if (!splat_.held_lock.known()) splat_.held_lock = lock;
      if (!splat_.requested.known()) splat_.requested = second;
      return taken();
    }
    case Next::kRcuPlace: {
      const std::string_view line = trimmed(text);
      const std::size_t blank = line.find(' ');
      if (is_rule(line, '-') || blank == std::string_view::npos || !has(line.substr(0, blank), ":")) return false;
      splat_.place = line.substr(0, blank);
      splat_.message = line.substr(blank + 1);
      return taken();
    }
    default: return false;
  }
}

// Decoders print a lock's line once for each inlined call: the last is the function itself.
bool SplatParser::outer_place(std::string_view text) {
  PrintedLock lock;
  if (splat_.kind == SplatKind::kBadUnlock && splat_.requested.site.ends_with("[inline]") && trimmed(text).starts_with("[<")) {
    bool reliable = true;
    const std::string site = parse_frame(text, reliable);
    if (!site.empty()) splat_.requested.site = site;
    return !site.empty();
  }
  for (PrintedLock* known : {&splat_.requested, &splat_.held_lock}) {
    if (!known->site.ends_with("[inline]") || !parse_lock(text, lock) || lock.name != known->name || lock.address != known->address) continue;
    known->site = lock.site;
    return true;
  }
  return false;
}

// What a mailer or the kernel itself put onto a line of its own: `, at: f+0x1/0x2`, `fs/inode.c:12 [inline]`, `[module]`.
bool SplatParser::place_goes_on(std::string_view text, PrintedLock* lock) {
  bool reliable = true;
  if (text.starts_with(", ")) text.remove_prefix(2);
  if (text.starts_with("at: ") && lock != nullptr) {
    lock->site = parse_frame(text.substr(4), reliable);
    if (lock->site.empty()) lock->site = trimmed(text.substr(4));
    return true;
  }
  PrintedStack* const stack = in_trace_ ? &splat_.backtrace : stack_;
  if (lock == nullptr && stack == nullptr) return false;
  const std::string place = parse_place(text);
  std::string* const last = lock != nullptr ? &lock->site : stack->empty() ? nullptr : &stack->back();
  const bool module = before_.size() > 40 && text.size() > 2 && text.front() == '[' && text.back() == ']' && function_of(text.substr(1, text.size() - 2)).size() == text.size() - 2;
  if (!place.empty() && lock == nullptr && function_of(before_) == before_) {
    stack->push_back(before_ + place);
    return true;
  }
  if (last == nullptr || last->empty() || last->find(" (") != std::string::npos) return false;
  if (!place.empty()) *last += place;
  else if (module && last->find('[') == std::string::npos) *last += " " + std::string(text);
  else return false;
  return true;
}

bool SplatParser::header(std::string_view text) {
  struct Opening {
    std::string_view words;
    Next next;
  };
  constexpr Opening kWho[] = {{" is trying to acquire lock", Next::kRequested}, {" is trying to lock:", Next::kRequested},
                              {" is trying to acquire:", Next::kRequested}, {" just changed the state of lock", Next::kRequested},
                              {" takes:", Next::kRequested}, {" is freeing memory ", Next::kAnyLock},
                              {" is leaving the kernel with locks still held!", Next::kNothing},
                              {" is exiting with locks still held!", Next::kNothing}};
  for (const Opening& opening : kWho) {
    if (!has(text, opening.words)) continue;
    if (!parse_task(text, opening.words, splat_.task)) return false;
    // What stands between the task and the words is its interrupt state.
    next_ = opening.next;
    if (next_ != Next::kAnyLock) return true;
    const std::string range = between(text, " is freeing memory ", ",");
    std::from_chars(range.data(), range.data() + range.size(), splat_.range_begin, 16);
    const std::size_t dash = range.find('-');
    if (dash != std::string::npos && std::from_chars(range.data() + dash + 1, range.data() + range.size(), splat_.range_end, 16).ec == std::errc())
      ++splat_.range_end;   // the kernel prints the last byte
    return true;
  }
  for (const std::string_view words : {" is trying to release lock (", " is trying to contend lock ("}) {
    if (!has(text, words)) continue;
    parse_task(text, words, splat_.task);
    const std::size_t from = text.find(words) + words.size(), to = text.rfind(") at:");
    if (to == std::string_view::npos || to <= from) return false;
    set_printed_name(text.substr(from, to - from), splat_.requested);
    next_ = Next::kReleasedAt;
    return true;
  }
  if (text.starts_with("but task is already holding") || text.starts_with("and this task is already holding")) {
    next_ = Next::kHeld;
    return true;
  }
  if (text == "but this task is not holding:") {
    next_ = Next::kNotHeld;
    return true;
  }
  if (text.starts_with("but now in release context of a crosslock")) {
    splat_.by_crosslock = true;
    next_ = Next::kHeld;
    return true;
  }
  if (text == "stack backtrace:" || text == "Call Trace:" || text == "Call trace:" || text == "Backtrace:") {
    if (text == "stack backtrace:") back_from_trace();
    else if (in_trace_ && !splat_.backtrace.empty()) {   // another message's
      if (!splat_.ours) end(false);
      return true;
    }
    splat_.reached_trace = in_trace_ = true;
    own_trace_ = own_trace_ || text == "stack backtrace:";
    stack_ = nullptr;
    path_ = nullptr;
    return true;
  }
  PrintedContext task;
  std::string release;
  if (parse_cpu_line(text, task, release)) {
    if (splat_.release.empty()) splat_.release = release;
    if (!splat_.task.known()) splat_.task = task;
    // Since 6.x a WARNING's first line names no task; older ones print Pid: after the trace has begun.
    in_trace_ = in_trace_ || text.starts_with("Pid: ");
    return true;
  }
  return false;
}

bool SplatParser::chain(std::string_view text) {
  if (!text.starts_with("-> #")) return false;
  const unsigned number = leading_number(text.substr(4));
  const std::size_t open = text.find(" (");
  PrintedLock lock;
  std::string_view rest = open == std::string_view::npos ? std::string_view() : text.substr(open);
  if (!parse_class(rest, lock)) return false;
  back_from_trace();
  Splat::Entry& entry = splat_.chain[number];
  entry.lock = lock;
  entry.stack.clear();
  stack_ = &entry.stack;
  return true;
}

// CPU0's column; it has 2 blanks before it, CPU1's 31.
bool SplatParser::scenario(std::string_view line) {
  if ((splat_.kind != SplatKind::kCircular && splat_.kind != SplatKind::kIrqOrder && splat_.kind != SplatKind::kInversion) || splat_.reached_trace)
    return false;
  std::string_view text = trimmed(line);
  if (has(text, " --> ") && splat_.chain_of.empty() && before_ == "Chain exists of:") {
    for (std::size_t arrow = text.find(" --> "); !text.empty(); arrow = text.find(" --> ")) {
      splat_.chain_of.emplace_back(trimmed(text.substr(0, arrow)));
      text = arrow == std::string_view::npos ? std::string_view() : text.substr(arrow + 5);
    }
    return true;
  }
  const std::size_t open = text.find("lock(");
  const bool sync = text.starts_with("sync(");
  if (!text.ends_with(");") || (!sync && open != 0 && !text.starts_with("rlock(") && !text.starts_with("unlock("))) return false;
  if (line.find_first_not_of(' ') > 12) return true;
  const std::size_t from = text.find('(') + 1;
  splat_.scenario.emplace_back(std::string(text.substr(from, text.size() - from - 2)), text.starts_with("rlock(") ? Mode::kRead : Mode::kWrite);
  splat_.sync = sync;
  return true;
}

bool SplatParser::held(std::string_view text) {
  if (text.starts_with("no locks held by ")) {
    if (!splat_.task.known()) parse_task(text.substr(17), {}, splat_.task);
    return true;
  }
  const bool number = !text.empty() && std::isdigit(static_cast<unsigned char>(text.front()));
  const std::size_t by = text.find(" held by ");
  if (number && by != std::string_view::npos && has(text.substr(0, by), " lock")) {
    PrintedContext who;
    if (!parse_task(text.substr(by + 9), {}, who)) return false;
    if (!splat_.task.known()) splat_.task = who;
    // Below a hung task's splat the kernel lists what everyone holds.
    listing_others_ = who.tid != splat_.task.tid || splat_.held_promised != 0;
    if (listing_others_) return true;
    splat_.held_promised = leading_number(text);
    return true;
  }
  if (text.size() < 4 || text[0] != '#' || !std::isdigit(static_cast<unsigned char>(text[1])) || !has(text.substr(0, 5), ":")) return false;
  PrintedLock lock;
  const unsigned index = leading_number(text.substr(1));
  if (!listing_others_ && index < splat_.held_promised && index <= splat_.held.size() && parse_lock(text.substr(text.find(':') + 1), lock)) {
    if (index == splat_.held.size()) splat_.held.push_back(lock);
    else if (splat_.held[index].name == lock.name && splat_.held[index].site.ends_with("[inline]")) splat_.held[index].site = lock.site;
    lock_ = &splat_.held[index];
  }  return true;
}

bool SplatParser::misuse(std::string_view text) {
  if (text.starts_with("turning off the locking correctness validator")) {
    splat_.turned_off = true;
    return true;
  }
  if (splat_.kind == SplatKind::kSleeping && text.starts_with("in_atomic(): ")) {
    const std::string pid = between(text, "pid: ", ",");
    splat_.task.tid = leading_number(pid);
    const std::size_t name = text.find("name: ");
    if (name != std::string_view::npos) splat_.task.name = text.substr(name + 6);
    return true;
  }
  return false;
}

bool SplatParser::frame(std::string_view line) {
  std::string_view text = trimmed(line);
  if (text.starts_with("---[ end trace")) {
    end_of_trace();
    return true;
  }
  if (in_trace_ && text.front() == '<') {   // <TASK>, </IRQ>, <EOI>
    // Old kernels put the first frame behind the tag.
    const std::size_t close = text.find('>');
    if (text == "</TASK>") {
      end_of_trace();
      return true;
    }
    if (close == std::string_view::npos) return false;
    text = trimmed(text.substr(close + 1));
    if (text.empty()) return true;
  }
  PrintedStack* const into = in_trace_ ? &splat_.backtrace : stack_;
  if (into == nullptr) return false;
  bool reliable = true;
  std::string frame = parse_frame(text, reliable);
  // Ours may be file.c:12 or a name alone.
  if (frame.empty() && splat_.ours && line.front() == ' ') frame = text;
  if (frame.empty()) return false;
  if (reliable) into->push_back(std::move(frame));
  return true;
}

}  // namespace crossdep::traces
