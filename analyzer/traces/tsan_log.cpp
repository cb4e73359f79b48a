// SPDX-License-Identifier: MIT
//
// See tsan_log.h.
#include "traces/tsan_log.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "symbols/demangle.h"
#include "traces/splat_words.h"

namespace crossdep::traces {
namespace {

using engine::Check;
using engine::Verdict;

constexpr std::string_view kHead = "WARNING: ThreadSanitizer: ";

std::string up_to(std::string_view text, std::string_view begin, std::string_view end) {
  const std::size_t from = text.find(begin);
  if (from == std::string_view::npos) return {};
  const std::size_t to = text.find(end, from + begin.size());
  return std::string(text.substr(from + begin.size(), to == std::string_view::npos ? to : to - from - begin.size()));
}

// "#1 take /src/abba.c:7:83 (abba+0xd02da) (BuildId: ff65)" -> "take (/src/abba.c:7:83)"; the function alone in `function`.
std::string parse_tsan_frame(std::string_view text, std::string& function) {
  text = text.substr(std::min(text.find(' ') + 1, text.size()));
  if (const std::size_t build = text.rfind(" (BuildId: "); build != std::string_view::npos) text = text.substr(0, build);
  std::string module;
  if (const std::size_t open = text.rfind(" ("); open != std::string_view::npos && text.ends_with(")") && has(text.substr(open), "+0x")) {
    const std::string_view inside = text.substr(open + 2, text.size() - open - 3);
    if (has(inside, ".so")) module = inside.substr(inside.rfind('/') + 1, inside.rfind('+') - inside.rfind('/') - 1);
    text = text.substr(0, open);
  }
  std::string_view place;
  if (const std::size_t blank = text.rfind(' '); blank != std::string_view::npos) {
    const std::string_view last = text.substr(blank + 1);
    const bool source = !last.empty() && last.find_first_of("()<>") == std::string_view::npos &&
                        (last.front() == '/' || (has(last, ".") && has(last, ":")));
    if (last == "<null>" || source) text = text.substr(0, blank);
    if (source) place = last;
    // "routine.c:?": the line is unknown; "??:?": the file too.
    if (place.ends_with(":?")) place.remove_suffix(2);
    if (last.starts_with("??:")) text = text.substr(0, blank), place = {};
  }
  function = symbols::compact(trimmed(text));
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
  if (kind_ == Kind::kNone) return;
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
  kind_ = Kind::kOther;
  for (const Title& title : kTitles)
    if (text.starts_with(title.words)) kind_ = title.kind;
  if (text.starts_with("data race") || text.starts_with("heap-use-after-free")) ++races_;
  title_ = trimmed(text.substr(0, text.find(" (pid=")));
  pid_ = number_behind(text, "(pid=");
  if (pid_ != objects_pid_) objects_.forget();
  objects_pid_ = pid_;
  line_ = number;
  followed_ = false;
  order_.clear();
  acquisitions_.clear();
  mutexes_.clear();
  threads_.clear();
  global_ = {};
  global_size_ = 0;
  block_.clear();
  block_at_ = block_size_ = 0;
  first_.clear();
  second_.clear();
  first_maker_.clear();
  stack_ = &first_;
  maker_ = &first_maker_;
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
      order_.push_back(name);
      if (const std::uint64_t address = number_behind(step, "(0x", 16); address != 0) mutexes_[name].address = address;
      rest = arrow == std::string_view::npos ? std::string_view() : rest.substr(arrow + 4);
    }
  } else if (text.starts_with("Mutex ") && has(text, " acquired here while holding mutex ")) {
    Acquisition& made = acquisitions_.emplace_back();
    made.to = up_to(text, "Mutex ", " ");
    made.from = up_to(text, "holding mutex ", " ");
    made.thread = has(text, " in main thread") ? "main" : up_to(text, " in thread ", ":");
    made.thread = made.thread.substr(0, made.thread.find(' '));
    stack_ = &made.stack;
  } else if (text.starts_with("Mutex ") && has(text, " previously acquired by the same thread")) {
    if (!acquisitions_.empty()) stack_ = &acquisitions_.back().from_stack;
  } else if (text.starts_with("Mutex ") && has(text, " created at:")) {
    PrintedObject& object = mutexes_[up_to(text, "Mutex ", " ")];
    if (const std::uint64_t address = number_behind(text, "(0x", 16); address != 0) object.address = address;
    stack_ = &object.made;
    maker_ = &object.maker;
  } else if (text.starts_with("Thread ") && has(text, "(tid=")) {
    Thread& thread = threads_[up_to(text, "Thread ", " ")];
    thread.name = has(text, "'") ? up_to(text, "'", "' (") : std::string();
    thread.tid = number_behind(text, "(tid=");
  } else if (text.starts_with("Location is global ")) {
    global_.symbol = up_to(text, "'", "'");
    global_.address = number_behind(text, " at 0x", 16);
    global_size_ = std::max<std::uint64_t>(number_behind(text, " of size "), 1);
  } else if (text.starts_with("Location is heap block of size ")) {
    block_size_ = number_behind(text, " of size ");
    block_at_ = number_behind(text, " at 0x", 16);
    stack_ = &block_;
  } else if (text == "and:" || text.starts_with("and ")) {
    stack_ = &second_;
  }
}

PrintedLock TsanLog::lock(const std::string& mutex) {
  PrintedObject object = mutexes_[mutex];
  object.number = number_behind(mutex, "M") + 1;
  if (!global_.symbol.empty() && global_.address != 0 && object.address >= global_.address && object.address - global_.address < global_size_) {
    object.symbol = global_.symbol;
    object.offset = object.address - global_.address;
  }
  if (object.address >= block_at_ && object.address - block_at_ < block_size_) {
    object.allocated = block_;
    object.offset_in_block = object.address - block_at_;
  }
  if (object.made.empty()) object.made = first_;   // nor where it was first used: where it is now is as good
  if (object.maker.empty()) {   // no creation is printed: what takes it tells its kind
    object.maker = first_maker_;
    for (const Acquisition& a : acquisitions_)
      if (a.to == mutex && !a.stack.empty()) object.maker = a.stack.front();
  }
  // A cycle's mutexes come without the place of their creation; where the first one to take it did is as good.
  for (const Acquisition& a : acquisitions_) {
    if (object.made.empty() && a.to == mutex) object.made = a.stack;
    if (object.made.empty() && a.from == mutex) object.made = a.from_stack;
  }
  return objects_.lock(object);
}

PrintedContext TsanLog::thread(const std::string& name) const {
  const auto known = threads_.find(name);
  PrintedContext out;
  out.kind = engine::ContextKind::kThread;
  out.name = name;
  if (known != threads_.end()) {
    out.tid = known->second.tid;
    if (!known->second.name.empty()) out.name = known->second.name;
  } else if (name == "main") {
    out.tid = pid_;
  }
  return out;
}

PrintedFinding TsanLog::base(Check check, Verdict verdict) const {
  PrintedFinding f;
  f.check = check;
  f.verdict = verdict;
  f.tool = "ThreadSanitizer";
  f.said = "reported by ThreadSanitizer: " + title_;
  f.line = line_;
  return f;
}

void TsanLog::cycle() {
  PrintedFinding f = base(Check::kLockOrderCycle, Verdict::kPossible);
  bool one_class = true;
  for (const Acquisition& made : acquisitions_) {
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
  for (std::size_t i = 0; i < acquisitions_.size(); ++i)
    if (acquisitions_[i].to != acquisitions_[(i + 1) % acquisitions_.size()].from) f.links.clear();
  if (f.links.size() < 2 || acquisitions_.size() + 1 != order_.size()) {
    consumer_.on_note(fmt::format("line {}: a report of ThreadSanitizer without the stacks of its cycle", line_));
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
  switch (kind_) {
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
  f.stack = from_own_frame(first_);
  if (kind_ == Kind::kSignal) {
    // What the function locks is its own affair: it is the class.
    std::string call = first_.empty() ? std::string("a library function") : first_.front();
    f.lock.name = call.substr(0, std::min(call.find(" ("), call.find(" [")));
    if (f.stack.size() == first_.size() && f.stack.size() > 1) f.stack.erase(f.stack.begin());
    f.context.kind = engine::ContextKind::kSignal;
    f.context.name = "signal handler";
  } else if (!mutexes_.empty()) {
    f.lock = lock(mutexes_.begin()->first);
  } else {
    PrintedObject object;
    object.made = first_;
    object.maker = first_maker_;
    f.lock = objects_.lock(object);
  }
  if (!f.stack.empty()) f.site = f.stack.front();
  f.lock.site = f.site;
  if (kind_ != Kind::kSignal) f.context = {"process", pid_, engine::ContextKind::kProcess};   // which thread it was is not printed
  if (const PrintedStack taken = from_own_frame(second_); !taken.empty()) {
    PrintedLock held = f.lock;
    held.site = taken.front();
    f.held.push_back(std::move(held));
  }
  consumer_.on_finding(f);
}

void TsanLog::end(bool cut) {
  const Kind kind = kind_;
  kind_ = Kind::kNone;
  if (kind == Kind::kNone || kind == Kind::kOther) return;
  if (cut) {
    if (kind == Kind::kCycle && acquisitions_.size() + 1 < order_.size()) {
      consumer_.on_note(fmt::format("line {}: a report of ThreadSanitizer is partial: it is cut before its end", line_));
      return;
    }
    title_ += " (the report is partial: it is cut before its end)";
  }
  kind_ = kind;
  kind == Kind::kCycle ? cycle() : simple();
  kind_ = Kind::kNone;
}

void TsanLog::finish() {
  // Threads are described last.
  const bool whole = (followed_ || !threads_.empty()) && (kind_ != Kind::kCycle || acquisitions_.size() + 1 == order_.size());
  if (kind_ != Kind::kNone && kind_ != Kind::kOther && !whole) cut_at_ = line_;
  end(!whole);
  if (races_ != 0) consumer_.on_note(fmt::format("{} of ThreadSanitizer's reports are data races, not about locks", races_));
}

}  // namespace crossdep::traces
