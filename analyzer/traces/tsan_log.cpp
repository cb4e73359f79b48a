// SPDX-License-Identifier: MIT
//
// See tsan_log.h.
#include "traces/tsan_log.h"

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

constexpr std::string_view kSources[] = {"c", "cc", "cpp", "cxx", "c++", "C", "h", "hh", "hpp", "hxx", "inc", "ipp", "m", "mm", "rs", "go", "swift", "S"};
constexpr std::string_view kHead = "WARNING: ThreadSanitizer: ";

std::string up_to(std::string_view text, std::string_view begin, std::string_view end) {
  const std::size_t from = text.find(begin);
  if (from == std::string_view::npos) return {};
  const std::size_t to = text.find(end, from + begin.size());
  return std::string(text.substr(from + begin.size(), to == std::string_view::npos ? to : to - from - begin.size()));
}

// Programs without debugging information have the name of a file alone: "#1 take() abba.cpp (abba+0xd02da)".
bool is_source_file(std::string_view word) {
  const std::size_t dot = word.rfind('.');
  if (dot == std::string_view::npos || dot == 0 || word.find_first_of("()<>:") != std::string_view::npos) return false;
  const std::string_view ending = word.substr(dot + 1);
  return std::ranges::find(kSources, ending) != std::end(kSources);
}

// "#1 take /src/abba.c:7:83 (abba+0xd02da) (BuildId: ff65)" -> "take (/src/abba.c:7:83)"; the function alone in `function`.
std::string parse_tsan_frame(std::string_view text, std::string& function) {
  text = text.substr(std::min(text.find(' ') + 1, text.size()));
  if (const std::size_t build = text.rfind(" (BuildId: "); build != std::string_view::npos) text = text.substr(0, build);
  std::string module;
  std::string_view bare;   // "abba+0xd02da"
  if (const std::size_t open = text.rfind(" ("); open != std::string_view::npos && text.ends_with(")") && has(text.substr(open), "+0x")) {
    const std::string_view inside = text.substr(open + 2, text.size() - open - 3);
    bare = inside.substr(inside.rfind('/') + 1);
    if (has(inside, ".so")) module = bare.substr(0, bare.rfind('+'));
    text = text.substr(0, open);
  }
  std::string_view place;
  if (const std::size_t blank = text.rfind(' '); blank != std::string_view::npos) {
    const std::string_view last = text.substr(blank + 1);
    const bool source = !last.empty() && last.find_first_of("()<>") == std::string_view::npos &&
                        (last.front() == '/' || (has(last, ".") && has(last, ":")));
    if (last == "<null>" || source || is_source_file(last)) text = text.substr(0, blank);
    if (source) place = last;
    // "routine.c:?": the line is unknown; "??:?": the file too.
    if (place.ends_with(":?")) place.remove_suffix(2);
    if (last.starts_with("??:")) text = text.substr(0, blank), place = {};
  }
  function = symbols::compact(trimmed(text));
  // Without symbols the offset is all there is: one name for all of a program would make one class of all its locks.
  if (const std::size_t plus = bare.rfind('+'); function == "<null>" && plus != std::string_view::npos)
    return function = std::string(bare.substr(plus + 1)) + " [" + std::string(bare.substr(0, plus)) + "]";
  std::string out = function;
  if (!module.empty()) out += " [" + module + "]";
  if (has(place, ":")) out += " (" + std::string(place) + ")";
  return out;
}

// How much of the line is a prefix like that before the title; digits and blanks may differ, and the end may be cut off.
std::size_t prefix_of(std::string_view line, std::string_view prefix) {
  const auto counts = [](char c) { return c == ' ' || (c >= '0' && c <= '9'); };
  const std::size_t shared = std::min(line.size(), prefix.size());
  for (std::size_t i = 0; i < shared; ++i)
    if (line[i] != prefix[i] && !(counts(line[i]) && counts(prefix[i]))) return 0;
  return prefix.find_first_not_of(' ', shared) == std::string_view::npos ? shared : 0;
}

}  // namespace

void TsanLog::line(std::string_view line, std::uint64_t number) {
  if (const std::size_t head = line.find(kHead); head != std::string_view::npos) {
    end(true);
    prefix_ = line.substr(0, head);
    begin(line.substr(head + kHead.size()), number);
    return;
  }
  if (report_.kind == Kind::kNone) return;
  line.remove_prefix(prefix_of(line, prefix_));
  const std::string_view text = trimmed(line);
  if (text.starts_with("SUMMARY: ThreadSanitizer") || (text.size() >= 10 && text.find_first_not_of('=') == std::string_view::npos)) {
    end(false);
  } else if (text.size() > 2 && text[0] == '#' && text[1] >= '0' && text[1] <= '9') {
    if (stack_ == nullptr) return;
    std::string function;
    std::string frame = parse_tsan_frame(text, function);
    if (maker_ != nullptr && stack_->empty()) *maker_ = function;
    stack_->push_back(std::move(frame));
  } else if (!text.empty()) {
    // All of a report is indented.
    followed_ = followed_ || (line.front() == text.front() && prefix_.empty());
    section(text);
  }
}

void TsanLog::begin(std::string_view text, std::uint64_t number) {
  struct Title {
    std::string_view words;
    Kind kind;
  };
  constexpr Title kTitles[] = {{"lock-order-inversion", Kind::kCycle},         {"double lock of a mutex", Kind::kDoubleLock},
                               {"read lock of a write locked", Kind::kDoubleLock}, {"unlock of an unlocked mutex", Kind::kBadUnlock},
                               {"read unlock of a write locked", Kind::kBadUnlock}, {"destroy of a locked mutex", Kind::kDestroy},
                               {"use of an invalid mutex", Kind::kInvalid},    {"signal-unsafe call", Kind::kSignal}};
  if (const std::uint64_t pid = number_behind(text, "(pid="); pid != pid_) {
    tell();
    pid_ = pid;
  }
  report_ = {};
  report_.pid = pid_;
  report_.kind = Kind::kOther;
  for (const Title& title : kTitles)
    if (text.starts_with(title.words)) report_.kind = title.kind;
  if (text.starts_with("data race") || text.starts_with("heap-use-after-free")) ++races_;
  report_.title = trimmed(text.substr(0, text.find(" (pid=")));
  report_.line = number;
  followed_ = false;
  stack_ = &report_.first;
  maker_ = &report_.first_maker;
}

void TsanLog::section(std::string_view text) {
  stack_ = nullptr;
  maker_ = nullptr;
  if (text.starts_with("Cycle in lock order graph: ")) {
    std::string_view rest = text.substr(27);
    while (!rest.empty()) {
      const std::size_t arrow = rest.find(" => ");
      const std::string_view step = trimmed(rest.substr(0, arrow));
      const std::string name(step.substr(0, step.find(' ')));
      report_.order.push_back(name);
      if (const std::uint64_t address = number_behind(step, "(0x", 16); address != 0) report_.mutexes[name].address = address;
      rest = arrow == std::string_view::npos ? std::string_view() : rest.substr(arrow + 4);
    }
  } else if (text.starts_with("Mutex ") && has(text, " acquired here while holding mutex ")) {
    Acquisition& made = report_.acquisitions.emplace_back();
    made.to = up_to(text, "Mutex ", " ");
    made.from = up_to(text, "holding mutex ", " ");
    made.thread = has(text, " in main thread") ? "main" : up_to(text, " in thread ", ":");
    made.thread = made.thread.substr(0, made.thread.find(' '));
    stack_ = &made.stack;
  } else if (text.starts_with("Mutex ") && has(text, " previously acquired by the same thread")) {
    if (!report_.acquisitions.empty()) stack_ = &report_.acquisitions.back().from_stack;
  } else if (text.starts_with("Mutex ") && has(text, " created at:")) {
    PrintedObject& object = report_.mutexes[up_to(text, "Mutex ", " ")];
    if (const std::uint64_t address = number_behind(text, "(0x", 16); address != 0) object.address = address;
    stack_ = &object.made;
    maker_ = &object.maker;
  } else if (text.starts_with("Thread ") && has(text, "(tid=")) {
    Thread& thread = report_.threads[up_to(text, "Thread ", " ")];
    thread.name = has(text, "'") ? up_to(text, "'", "' (") : std::string();
    thread.tid = number_behind(text, "(tid=");
  } else if (text.starts_with("Location is global ")) {
    Global global{up_to(text, "'", "'"), std::max<std::uint64_t>(number_behind(text, " of size "), 1)};
    const std::uint64_t address = number_behind(text, " at 0x", 16);
    if (address != 0 && !global.symbol.empty() && global.symbol != "<null>") globals_[address] = std::move(global);
  } else if (text.starts_with("Location is heap block of size ")) {
    report_.block_size = number_behind(text, " of size ");
    report_.block_at = number_behind(text, " at 0x", 16);
    stack_ = &report_.block;
  } else if (text == "and:" || text.starts_with("and ")) {
    stack_ = &report_.second;
  }
}

PrintedLock TsanLog::lock(const std::string& mutex) {
  PrintedObject object = report_.mutexes[mutex];
  object.number = number_behind(mutex, "M") + 1;
  if (auto global = globals_.upper_bound(object.address); global != globals_.begin()) {
    --global;
    if (object.address - global->first < global->second.size) {
      object.symbol = global->second.symbol;
      object.offset = object.address - global->first;
    }
  }
  if (object.address >= report_.block_at && object.address - report_.block_at < report_.block_size) {
    object.allocated = report_.block;
    object.offset_in_block = object.address - report_.block_at;
  }
  if (object.made.empty()) object.made = report_.first;   // nor where it was first used: where it is now is as good
  if (object.maker.empty()) {   // no creation is printed: what takes it tells its kind
    object.maker = report_.first_maker;
    for (const Acquisition& a : report_.acquisitions)
      if (a.to == mutex && !a.stack.empty()) object.maker = a.stack.front();
  }
  // A cycle's mutexes come without the place of their creation; where the first one to take it did is as good.
  for (const Acquisition& a : report_.acquisitions) {
    if (object.made.empty() && a.to == mutex) object.made = a.stack;
    if (object.made.empty() && a.from == mutex) object.made = a.from_stack;
  }
  return objects_.lock(object);
}

PrintedContext TsanLog::thread(const std::string& name) const {
  const auto known = report_.threads.find(name);
  PrintedContext out;
  out.kind = engine::ContextKind::kThread;
  out.name = name;
  if (known != report_.threads.end()) {
    out.tid = known->second.tid;
    if (!known->second.name.empty()) out.name = known->second.name;
  } else if (name == "main") {
    out.tid = report_.pid;
  }
  return out;
}

PrintedFinding TsanLog::base(Check check, Verdict verdict) const {
  PrintedFinding f;
  f.check = check;
  f.verdict = verdict;
  f.tool = "ThreadSanitizer";
  f.said = "reported by ThreadSanitizer: " + report_.title;
  f.line = report_.line;
  return f;
}

void TsanLog::cycle() {
  PrintedFinding f = base(Check::kLockOrderCycle, Verdict::kPossible);
  bool one_class = true;
  for (const Acquisition& made : report_.acquisitions) {
    PrintedLink link;
    link.from = lock(made.from);
    link.to = lock(made.to);
    link.context = thread(made.thread);
    link.stack = from_own_frame(made.stack);
    if (!link.stack.empty()) link.to.site = link.stack.front();
    if (const PrintedStack from = from_own_frame(made.from_stack); !from.empty()) link.from.site = from.front();
    one_class = one_class && link.from.name == link.to.name && link.from.made_at == link.to.made_at && link.from.ordinal == link.to.ordinal;
    f.links.push_back(std::move(link));
  }
  for (std::size_t i = 0; i < report_.acquisitions.size(); ++i)
    if (report_.acquisitions[i].to != report_.acquisitions[(i + 1) % report_.acquisitions.size()].from) f.links.clear();
  if (f.links.size() < 2 || report_.acquisitions.size() + 1 != report_.order.size()) {
    consumer_.on_note(fmt::format("line {}: a report of ThreadSanitizer without the stacks of its cycle", report_.line));
    return;
  }
  // The last thread to come closed it.
  std::rotate(f.links.begin(), f.links.end() - 1, f.links.end());
  const PrintedLink& closing = f.links.front();
  f.context = closing.context;
  f.lock = closing.to;
  f.stack = closing.stack;
  f.site = closing.to.site;
  f.held = {closing.from};
  if (one_class) {   // locks made at one place, taken in both orders
    f.check = Check::kRecursiveLock;
    f.other = closing.from;
    f.said += ", among locks of one class";
    f.links.clear();
  }
  consumer_.on_finding(f);
}

void TsanLog::simple() {
  Check check = Check::kLockMisuse;
  Verdict verdict = Verdict::kConfirmed;
  switch (report_.kind) {
    case Kind::kDoubleLock: check = Check::kRecursiveLock; break;
    case Kind::kBadUnlock: check = Check::kBadUnlock; break;
    case Kind::kDestroy: check = Check::kDestroyHeld; break;
    case Kind::kSignal:
      check = Check::kSignalUnsafeLock;
      verdict = Verdict::kPossible;
      break;
    default: break;
  }
  PrintedFinding f = base(check, verdict);
  f.stack = from_own_frame(report_.first);
  if (report_.kind == Kind::kSignal) {
    // What the function locks is its own affair: it is the class.
    std::string call = report_.first.empty() ? std::string("a library function") : report_.first.front();
    f.lock.name = call.substr(0, std::min(call.find(" ("), call.find(" [")));
    if (f.stack.size() == report_.first.size() && f.stack.size() > 1) f.stack.erase(f.stack.begin());
    f.context.kind = engine::ContextKind::kSignal;
    f.context.name = "signal handler";
  } else if (!report_.mutexes.empty()) {
    f.lock = lock(report_.mutexes.begin()->first);
  } else {
    PrintedObject object;
    object.made = report_.first;
    object.maker = report_.first_maker;
    f.lock = objects_.lock(object);
  }
  if (!f.stack.empty()) f.site = f.stack.front();
  f.lock.site = f.site;
  if (report_.kind != Kind::kSignal) f.context = {"process", report_.pid, engine::ContextKind::kProcess};   // which thread it was is not printed
  if (const PrintedStack taken = from_own_frame(report_.second); !taken.empty()) {
    PrintedLock held = f.lock;
    held.site = taken.front();
    f.held.push_back(std::move(held));
  }
  consumer_.on_finding(f);
}

void TsanLog::end(bool cut) {
  const Kind kind = std::exchange(report_.kind, Kind::kNone);
  if (kind == Kind::kNone || kind == Kind::kOther) return;
  if (cut) {
    if (kind == Kind::kCycle && report_.acquisitions.size() + 1 < report_.order.size()) {
      consumer_.on_note(fmt::format("line {}: a report of ThreadSanitizer is partial: it is cut before its end", report_.line));
      return;
    }
    report_.title += " (the report is partial: it is cut before its end)";
  }
  stack_ = nullptr;   // they point into it
  maker_ = nullptr;
  waiting_.push_back(std::move(report_));
  report_ = {};
  waiting_.back().kind = kind;
}

// The process is over, as far as the log goes.
void TsanLog::tell() {
  for (Report& report : waiting_) {
    report_ = std::move(report);
    report_.kind == Kind::kCycle ? cycle() : simple();
  }
  waiting_.clear();
  globals_.clear();
  objects_.forget();
  report_ = {};
}

void TsanLog::finish() {
  // Threads are described last.
  const bool whole = (followed_ || !report_.threads.empty()) && (report_.kind != Kind::kCycle || report_.acquisitions.size() + 1 == report_.order.size());
  if (report_.kind != Kind::kNone && report_.kind != Kind::kOther && !whole) cut_at_ = report_.line;
  end(!whole);
  tell();
  if (races_ != 0) consumer_.on_note(fmt::format("{} of ThreadSanitizer's reports are data races, not about locks", races_));
}

}  // namespace crossdep::traces
