// SPDX-License-Identifier: MIT
//
// See valgrind_log.h.
#include "traces/valgrind_log.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "symbols/demangle.h"
#include "traces/splat_words.h"

namespace crossdep::traces {
namespace {

using engine::Check;
using engine::Verdict;

// "==1234== TEXT" or "==00:00:01.234 1234== TEXT", behind any prefix. False: not valgrind's.
bool take_prefix(std::string_view line, std::uint64_t& pid, std::string_view& text) {
  for (std::size_t at = line.find("=="); at != std::string_view::npos && at < 200; at = line.find("==", at + 1)) {
    const std::size_t end = line.find("==", at + 2);
    if (end == std::string_view::npos || end == at + 2 || end - at > 40) continue;
    std::string_view inside = line.substr(at + 2, end - at - 2);
    if (inside.find_first_not_of("0123456789:. ") != std::string_view::npos) continue;
    inside = inside.substr(inside.rfind(' ') + 1);
    if (std::from_chars(inside.data(), inside.data() + inside.size(), pid).ec != std::errc()) continue;
    text = line.substr(end + 2);
    return true;
  }
  return false;
}

// "by 0x1091E1: take (abba.c:7)" -> "take (abba.c:7)"; objects that are no libraries are left out.
std::string parse_valgrind_frame(std::string_view text, std::string& function) {
  text = trimmed(text.substr(text.find(": ") + 2));
  const std::size_t open = text.rfind(" (");
  function = open == std::string_view::npos || open == 0 ? text : text.substr(0, open);
  function = function.substr(0, function.find("@*"));
  if (open == std::string_view::npos || open == 0 || !text.ends_with(")")) return std::string(text);
  const std::string_view inside = text.substr(open + 2, text.size() - open - 3);
  if (!inside.starts_with("in ") && !has(inside, ":")) {   // "work(void*)" without a place
    function = symbols::compact(text);
    return function;
  }
  function = symbols::compact(function);
  if (!inside.starts_with("in ")) return function + std::string(text.substr(open));
  std::string_view object = inside.substr(3);
  object = object.substr(object.rfind('/') + 1);
  return has(object, ".so") ? function + " [" + std::string(object) + "]" : function;
}

}  // namespace

void ValgrindLog::line(std::string_view line, std::uint64_t number) {
  std::uint64_t pid = 0;
  std::string_view rest;
  if (!take_prefix(line, pid, rest)) {
    bare_ = bare_ || (trimmed(line).starts_with("Thread #") && has(line, ": "));
    if (!bare_) {
      if (!trimmed(line).empty())
        for (auto& [other, process] : processes_) process.followed = true;
      return;
    }
    rest = line;
  }
  Process& process = processes_[pid];
  const std::string_view text = trimmed(rest);
  if (text.empty()) return;
  if (text.starts_with("Helgrind, ")) process.tool = "Helgrind";
  if (text.starts_with("drd, ")) process.tool = "DRD";
  if (text.starts_with("Using Valgrind-")) {
    std::string_view version = text.substr(15);
    process.tool += " " + std::string(version.substr(0, version.find(' ')));
  }
  if ((text.starts_with("at 0x") || text.starts_with("by 0x")) && has(text, ": ")) return frame(process, text);
  if (text.starts_with("Possible data race") || text.starts_with("Conflicting ")) ++races_;
  const bool over = text.starts_with("ERROR SUMMARY") || text.starts_with("Use --history-level") || text.starts_with("For lists of detected") ||
                    text.starts_with("For counts of detected");
  process.ended = process.ended || over;
  if (over || text.starts_with("-----") || text.starts_with("---Thread-Ann")) {
    end(process);
  } else if (!describe(process, text) && !begin(process, text, number)) {
    process.stack = nullptr;
    process.followed = process.followed || bare_;
  }
}

// The first line of an error. "Thread #3: ...", DRD's without a thread.
bool ValgrindLog::begin(Process& process, std::string_view text, std::uint64_t number) {
  std::uint64_t thread = process.drd_thread;
  std::string_view what = text;
  if (text.starts_with("Thread #")) {
    thread = number_behind(text, "Thread #");
    what = text.substr(std::min(text.find_first_of(" :'", 8) , text.size()));
    while (!what.empty() && (what.front() == ':' || what.front() == ' ')) what.remove_prefix(1);
  } else if (text.starts_with("Thread ") && text.ends_with(":")) {
    process.drd_thread = number_behind(text, "Thread ");
    end(process);
    return true;
  }
  struct Title {
    std::string_view words;
    Kind kind;
  };
  constexpr Title kTitles[] = {{"lock order \"0x", Kind::kOrder},
                               {"unlocked a not-locked lock at 0x", Kind::kBadUnlock},
                               {"unlocked an invalid lock at 0x", Kind::kBadUnlock},
                               {"unlocked lock at 0x", Kind::kBadUnlock},
                               {"Exiting thread still holds", Kind::kExit},
                               {"destroy of a locked mutex", Kind::kDestroy},
                               {"destroy of a rwlock with a waiting", Kind::kDestroy},
                               {"containing a locked lock", Kind::kDestroy},
                               {"Attempt to re-lock a non-recursive lock", Kind::kRecursive},
                               {"Mutex not locked", Kind::kBadUnlock},
                               {"Reader-writer lock not locked", Kind::kBadUnlock},
                               {"Mutex not unlocked by owner thread", Kind::kBadUnlock},
                               {"Attempt to unlock a mutex that is not locked", Kind::kBadUnlock},
                               {"Destroying locked ", Kind::kDestroy},
                               {"Destruction of locked", Kind::kDestroy},
                               {"Recursive locking not allowed", Kind::kRecursive},
                               {"Recursive writer locking not allowed", Kind::kRecursive},
                               {"still locked at thread exit", Kind::kExit},
                               {"is not a mutex.", Kind::kMisuse},
                               {"Mutex reinitialization", Kind::kMisuse},
                               {"The object at address 0x", Kind::kMisuse},
                               {"called with un-held mutex", Kind::kMisuse},
                               {"with mutex held by a different thread", Kind::kMisuse},
                               {"associated lock is not held by any thread", Kind::kMisuse},
                               {"associated lock is a rwlock", Kind::kMisuse},
                               {"with a pthread_rwlock_t* argument", Kind::kMisuse},
                               {"with a pthread_mutex_t* argument", Kind::kMisuse},
                               {"with invalid argument", Kind::kMisuse},
                               {"Bug in libpthread", Kind::kMisuse}};
  for (const Title& title : kTitles) {
    if (!has(what, title.words)) continue;
    end(process);
    process.followed = false;
    if (process.tool == "valgrind") process.tool = text.starts_with("Thread #") ? "Helgrind" : "DRD";   // its head is missing
    process.kind = title.kind;
    process.line = number;
    process.thread = thread;
    process.title = what;
    if (process.title.ends_with(".")) process.title.pop_back();
    process.first = title.kind == Kind::kOrder ? number_behind(what, "\"0x", 16) : number_behind(what, "0x", 16);
    process.second = number_behind(what, "before 0x", 16);
    process.stack = &process.top;
    return true;
  }
  return false;
}

bool ValgrindLog::describe(Process& process, std::string_view text) {
  const auto stack = [&process](Stack& to) {
    to = {};
    process.stack = &to;
    return true;
  };
  if (text.starts_with("Observed (incorrect) order is: ")) return stack(process.observed);
  if (text.starts_with("Required order was established by")) return stack(process.required);
  if (text.starts_with("followed by a later acquisition of lock"))
    return stack(process.required.frames.empty() ? process.later : process.required_later);
  if (text.starts_with("Lock was previously acquired")) return stack(process.previous);
  if (has(text, " was first observed") && has(text, "0x")) {
    process.described = number_behind(text, "0x", 16);
    PrintedObject& object = process.known[process.described];
    object = {};
    object.address = process.described;
    return stack(process.object_stack);
  }
  if ((text.starts_with("Address 0x") || text.starts_with("Location 0x")) && has(text, " bytes inside ")) {
    // "is 0 bytes inside data symbol "g_a"", "is 0 bytes inside global var "g_a""
    const std::uint64_t address = number_behind(text, "0x", 16);
    const std::size_t quote = text.find('"');
    if (quote != std::string_view::npos && (has(text, "data symbol") || has(text, "global var"))) {
      PrintedObject& object = process.known[address];
      object.address = address;
      object.symbol = symbols::demangle(std::string(text.substr(quote + 1, text.rfind('"') - quote - 1)).c_str());
      object.offset = number_behind(text, " is ");
    }
    process.stack = nullptr;
    return true;
  }
  return false;
}

void ValgrindLog::frame(Process& process, std::string_view text) {
  if (process.stack == nullptr) return;
  std::string function;
  std::string frame = parse_valgrind_frame(text, function);
  if (process.stack == &process.object_stack) {
    PrintedObject& object = process.known[process.described];
    if (object.made.empty()) object.maker = function;
    object.made.push_back(std::move(frame));
    return;
  }
  if (process.stack->frames.empty()) process.stack->maker = function;
  process.stack->frames.push_back(std::move(frame));
}

PrintedContext ValgrindLog::thread(std::uint64_t number) const {
  PrintedContext out;
  out.kind = engine::ContextKind::kThread;
  out.name = number == 1 ? "main" : "thread";
  out.tid = number;
  return out;
}

PrintedLock ValgrindLog::lock(Process& process, std::uint64_t address, const Stack& otherwise) {
  PrintedObject object;
  if (const auto known = process.known.find(address); known != process.known.end() && address != 0) object = known->second;
  if (object.made.empty() && object.symbol.empty()) {
    object.made = otherwise.frames;
    object.maker = otherwise.maker;
  }
  if (object.maker == "???") object.maker = otherwise.maker;
  object.address = address;
  return process.objects.lock(object);
}

void ValgrindLog::order(Process& process, PrintedFinding f) {
  const auto place = [](const Stack& stack) {
    const PrintedStack own = from_own_frame(stack.frames);
    return own.empty() ? std::string() : own.front();
  };
  // Observed: second, then first. Required: first, then second, perhaps over other locks.
  PrintedLink closing, required;
  closing.from = required.to = lock(process, process.second, process.observed);
  closing.to = required.from = lock(process, process.first, process.later);
  closing.from.site = place(process.observed);
  closing.to.site = place(process.later);
  closing.stack = from_own_frame(process.later.frames);
  closing.context = f.context;
  required.from.site = place(process.required);
  required.to.site = place(process.required_later);
  required.stack = from_own_frame(process.required_later.frames);
  f.lock = closing.to;
  f.site = closing.to.site;
  f.stack = closing.stack;
  f.held = {closing.from};
  if (process.required.frames.empty()) f.said += ", the required order being that of several acquisitions";
  const bool one_class = closing.from.name == closing.to.name && closing.from.made_at == closing.to.made_at &&
                         closing.from.ordinal == closing.to.ordinal;
  if (one_class) {
    f.check = Check::kRecursiveLock;
    f.other = closing.from;
    f.said += ", among locks of one class";
  } else {
    f.links = {closing, required};
  }
  if (process.partial) f.more = std::exchange(f.links, {});
  consumer_.on_finding(f);
}

void ValgrindLog::end(Process& process) {
  const Kind kind = process.kind;
  process.kind = Kind::kNone;
  process.stack = nullptr;
  if (kind == Kind::kNone) return;
  PrintedFinding f;
  f.tool = process.tool;
  f.said = "reported by " + process.tool + ": " + process.title;
  f.line = process.line;
  f.context = thread(process.thread);
  f.verdict = Verdict::kConfirmed;
  switch (kind) {
    case Kind::kOrder: f.verdict = Verdict::kPossible; break;
    case Kind::kBadUnlock: f.check = Check::kBadUnlock; break;
    case Kind::kExit: f.check = Check::kExitHeld; break;
    case Kind::kDestroy: f.check = Check::kDestroyHeld; break;
    case Kind::kRecursive: f.check = Check::kRecursiveLock; break;
    default: f.check = Check::kLockMisuse; break;
  }
  if (kind == Kind::kOrder) {
    order(process, std::move(f));
  } else {
    f.stack = from_own_frame(process.top.frames);
    if (kind == Kind::kExit && process.first == 0) f.lock.name = "lock@thread-exit";   // Helgrind does not say which
    else f.lock = lock(process, process.first, process.top);
    if (!f.stack.empty()) f.site = f.stack.front();
    f.lock.site = f.site;
    if (const PrintedStack taken = from_own_frame(process.previous.frames); !taken.empty()) {
      PrintedLock held = f.lock;
      held.site = taken.front();
      f.held.push_back(std::move(held));
    }
    if (kind == Kind::kExit && f.held.empty()) f.held.push_back(f.lock);
    consumer_.on_finding(f);
  }
  process.top = process.observed = process.later = process.required = process.required_later = process.previous = {};
}

void ValgrindLog::finish() {
  for (auto& [pid, process] : processes_) {
    // Its locks are described last: without that they would get other names.
    const bool order = process.kind == Kind::kOrder;
    const bool told = order ? !process.later.frames.empty() && (process.required.frames.empty() || !process.required_later.frames.empty())
                            : !process.top.frames.empty();
    if (process.kind != Kind::kNone && !process.ended && !(process.followed && told)) {
      cut_at_ = process.line;
      process.partial = true;
      process.title += " (the report is partial: it is cut before its end)";
    }
    end(process);
  }
  if (races_ != 0) consumer_.on_note(fmt::format("{} of valgrind's errors are data races, not about locks", races_));
}

}  // namespace crossdep::traces
