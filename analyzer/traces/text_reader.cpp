// SPDX-License-Identifier: MIT
//
// See text_reader.h. A table gives each event's name its handler; names are looked up in TextState, arguments taken apart
// by parse_text_arguments.
#include "traces/text_reader.h"

#include <cstring>

#include "traces/text_state.h"

namespace crossdep::traces {

using engine::ContextKind;
using engine::Kind;
using engine::Mode;

namespace {

constexpr std::string_view kVersionLine = "# crossdep-text ";

using Arguments = TextArguments;
using Task = TextTask;
using Level = TextLevel;

class TextReader {
 public:
  TextReader(LineSource& source, const std::string& file, EventConsumer& consumer)
      : source_(source), file_(file), consumer_(consumer), state_(consumer) {}

  Status run();
  static bool knows_event(std::string_view name);

 private:
  using Handler = bool (TextReader::*)(Task&, const Arguments&);
  struct EventName {
    std::string_view name;
    Handler handler;
    unsigned needs;             // plain words
    bool two = false;           // it may have a second one
  };
  static const EventName kEvents[];

  bool line(std::string_view text);
  bool directive(std::string_view text);
  bool fail(std::string cause) {
    cause_ = std::move(cause);
    return false;
  }
  Event event(EventKind kind, const Task& task, const Arguments& from);
  bool nested_kind(const Arguments& from, ContextKind& kind, std::uint64_t& number, bool may_work);

  bool on_class(Task&, const Arguments&);
  bool on_init(Task&, const Arguments&);
  bool on_request(Task&, const Arguments&);
  bool on_acquired(Task&, const Arguments&);
  bool on_acquire(Task&, const Arguments&);
  bool on_release(Task&, const Arguments&);
  bool on_downgrade(Task&, const Arguments&);
  bool on_sync(Task&, const Arguments&);
  bool on_might_lock(Task&, const Arguments&);
  bool on_assert_held(Task&, const Arguments&);
  bool on_destroy(Task&, const Arguments&);
  bool on_free(Task&, const Arguments&);
  bool on_wait(Task&, const Arguments&);
  bool on_wake(Task&, const Arguments&);
  bool on_signal(Task&, const Arguments&);
  bool on_fork(Task&, const Arguments&);
  bool on_join(Task&, const Arguments&);
  bool on_exit(Task&, const Arguments&);
  bool on_begin(Task&, const Arguments&);
  bool on_end(Task&, const Arguments&);
  bool on_mask(Task&, const Arguments&);
  bool on_unmask(Task&, const Arguments&);
  bool on_operation(Task&, const Arguments&);
  bool on_read(Task&, const Arguments&);
  bool on_write(Task&, const Arguments&);
  bool on_lost(Task&, const Arguments&);

  LineSource& source_;
  const std::string& file_;
  EventConsumer& consumer_;
  TextState state_;
  TextWords words_;
  std::string cause_;
  bool delivered_ = false;      // something was judged: trouble from here on is partial
};

const TextReader::EventName TextReader::kEvents[] = {
    {"acquire", &TextReader::on_acquire, 1},         {"release", &TextReader::on_release, 1},
    {"request", &TextReader::on_request, 1},         {"acquired", &TextReader::on_acquired, 1},
    {"wait", &TextReader::on_wait, 1},               {"wake", &TextReader::on_wake, 1},
    {"signal", &TextReader::on_signal, 1},           {"init", &TextReader::on_init, 1},
    {"destroy", &TextReader::on_destroy, 1},         {"free", &TextReader::on_free, 2, true},
    {"class", &TextReader::on_class, 1},             {"fork", &TextReader::on_fork, 1},
    {"join", &TextReader::on_join, 1},               {"exit", &TextReader::on_exit, 0},
    {"begin", &TextReader::on_begin, 1, true},             {"end", &TextReader::on_end, 0},
    {"mask", &TextReader::on_mask, 1, true},               {"unmask", &TextReader::on_unmask, 1, true},
    {"downgrade", &TextReader::on_downgrade, 1},     {"sync", &TextReader::on_sync, 1},
    {"might_lock", &TextReader::on_might_lock, 1},   {"assert_held", &TextReader::on_assert_held, 1},
    {"op", &TextReader::on_operation, 1},            {"read", &TextReader::on_read, 1},
    {"write", &TextReader::on_write, 1},             {"lost", &TextReader::on_lost, 0},
};

bool TextReader::knows_event(std::string_view name) {
  for (const EventName& known : kEvents)
    if (known.name == name) return true;
  return false;
}

Status TextReader::run() {
  std::string_view text;
  while (source_.next(text)) {
    if (source_.cut()) {
      cause_ = "a line of more than " + std::to_string(LineSource::kLongestLine) + " bytes: not a text trace";
    } else if (line(text)) {
      continue;
    } else if (source_.unterminated()) {
      cause_ += " (the last line, which is not ended: the file may have been cut)";
    }
    return Status::at_line(delivered_ ? Status::Outcome::kPartial : Status::Outcome::kFailed, file_,
                           source_.line_number(), cause_);
  }
  if (source_.error() != 0)
    return Status::at_line(delivered_ ? Status::Outcome::kPartial : Status::Outcome::kFailed, file_,
                           source_.line_number(), std::string("cannot be read on: ") + std::strerror(source_.error()));
  return {};
}

bool TextReader::directive(std::string_view text) {
  const std::size_t blank = text.find_first_of(" \t");
  const std::string_view word = text.substr(0, blank);
  std::string_view rest = blank == std::string_view::npos ? std::string_view() : text.substr(blank);
  while (!rest.empty() && (rest.front() == ' ' || rest.front() == '\t')) rest.remove_prefix(1);
  while (!rest.empty() && (rest.back() == ' ' || rest.back() == '\t')) rest.remove_suffix(1);
  if (word == "%case") {
    if (rest.empty()) return fail("%case without a name");
    state_.reset();
    consumer_.on_case(rest);
    return true;
  }
  if (word == "%expect") {
    consumer_.on_expect(rest);
    return true;
  }
  return fail("unknown directive " + std::string(word) + ": %case and %expect exist");
}

bool TextReader::line(std::string_view text) {
  if (text.substr(0, kVersionLine.size()) == kVersionLine && source_.line_number() == 1) {
    unsigned long long version = 0;
    std::string_view number = text.substr(kVersionLine.size());
    while (!number.empty() && number.back() == ' ') number.remove_suffix(1);
    if (!parse_text_number(number, version) || version == 0) return fail("the version of crossdep-text is no number");
    if (version > kTextVersion)
      return fail("written in version " + std::to_string(version) + " of crossdep-text, newer than the " +
                  std::to_string(kTextVersion) + " this crossdep knows");
    return true;
  }
  if (!text.empty() && text.front() == '%') return directive(text);
  if (!words_.parse(text)) return fail(words_.error());
  const std::vector<TextWord>& words = words_.words();
  if (words.empty()) return true;
  if (words.size() < 2) return fail("a context without an event");

  for (const EventName& known : kEvents) {
    if (known.name != words[1].value) continue;
    Arguments taken;
    if (!parse_text_arguments(words, known.two, taken, cause_)) return false;
    if ((known.needs >= 1 && taken.object.empty()) || (known.needs >= 2 && taken.second.empty()))
      return fail(std::string(known.name) + (known.needs == 2 ? " needs two arguments" : " needs an argument"));
    state_.line = source_.line_number();
    Task& in = state_.task(words[0].value, kNone);
    const bool good = (this->*known.handler)(in, taken);
    delivered_ |= good;
    return good;
  }
  return fail("unknown event \"" + std::string(words[1].value) + "\"");
}

Event TextReader::event(EventKind kind, const Task& task, const Arguments& from) {
  Event out;
  out.kind = kind;
  out.context = task.id;
  out.site = state_.site(from.site);
  out.flags = from.flags;
  out.wait_outer = static_cast<std::uint8_t>(from.wait_outer);
  out.wait_inner = static_cast<std::uint8_t>(from.wait_inner);
  out.position = source_.line_number();
  return out;
}

// --- events ----------------------------------------------------------------------------------------------------------

bool TextReader::on_class(Task&, const Arguments& from) {
  const unsigned subclass = from.subclass.value_or(0);
  if (const std::uint64_t used = state_.class_line(from.object, subclass))
    return fail("class " + std::string(from.object) + " is in use since line " + std::to_string(used) +
                ": declare it before");
  std::uint8_t flags = 0;
  if (from.order_address) flags |= engine::kOrderAddress;
  if (from.nest_ok || from.order_parent) flags |= engine::kNestOk;   // who is whose parent, no trace tells
  state_.lock_class(from.object, subclass, from.kind.value_or(Kind::kMutex), from, flags);
  return true;
}

bool TextReader::on_init(Task& in, const Arguments& from) {
  const InstanceId known = state_.find_lock(from.object);
  if (known != kNone) {
    Event out = event(EventKind::kReinit, in, from);
    out.lock = known;
    out.class_id = state_.class_asked_for(known, from);
    if (out.class_id != kNone) state_.set_class(known, out.class_id);
    consumer_.on_event(out);
    return true;
  }
  state_.lock(from.object, from, Kind::kMutex);
  return true;
}

bool TextReader::on_request(Task& in, const Arguments& from) {
  const Kind kind = from.mode == Mode::kWrite ? Kind::kMutex : Kind::kRwlock;
  Event out = event(EventKind::kRequest, in, from);
  out.lock = state_.lock(from.object, from, kind);
  out.class_id = state_.class_asked_for(out.lock, from);
  out.mode = from.mode;
  if (from.nest) {
    Arguments plain;
    out.other = state_.lock(*from.nest, plain, Kind::kMutex);
  }
  Level& level = in.levels.back();
  level.requested = out.lock;
  level.requested_class = out.class_id;
  level.nest = out.other;
  level.mode = out.mode;
  level.flags = out.flags;
  level.site = out.site;
  consumer_.on_event(out);
  return true;
}

bool TextReader::on_acquired(Task& in, const Arguments& from) {
  Level& level = in.levels.back();
  Event out = event(EventKind::kAcquired, in, from);
  const InstanceId known = state_.find_lock(from.object);
  if (known != kNone && level.requested == known) {
    out.lock = known;
    out.class_id = level.requested_class;
    out.other = level.nest;
    out.mode = level.mode;
    out.flags = level.flags;
    if (out.site == 0) out.site = level.site;
  } else if (in.lost) {
    out.lock = state_.lock(from.object, from, Kind::kMutex);
    out.class_id = state_.class_asked_for(out.lock, from);
    out.mode = from.mode;
  } else if (level.requested != kNone) {
    return fail("acquired " + std::string(from.object) + ", but the last request is for " +
                std::string(state_.lock_name(level.requested)));
  } else {
    return fail("acquired " + std::string(from.object) + " without a request");
  }
  level.requested = kNone;
  consumer_.on_event(out);
  return true;
}

bool TextReader::on_acquire(Task& in, const Arguments& from) { return on_request(in, from) && on_acquired(in, from); }

bool TextReader::on_release(Task& in, const Arguments& from) {
  Event out = event(EventKind::kRelease, in, from);
  out.lock = state_.lock(from.object, from, Kind::kMutex);
  consumer_.on_event(out);
  return true;
}

bool TextReader::on_downgrade(Task& in, const Arguments& from) {
  Event out = event(EventKind::kDowngrade, in, from);
  out.lock = state_.lock(from.object, from, Kind::kRwsem);
  consumer_.on_event(out);
  return true;
}

bool TextReader::on_sync(Task& in, const Arguments& from) {
  Event out = event(EventKind::kSync, in, from);
  out.lock = state_.lock(from.object, from, Kind::kRwlock);
  out.class_id = state_.class_asked_for(out.lock, from);
  out.mode = from.mode;
  consumer_.on_event(out);
  return true;
}

bool TextReader::on_might_lock(Task& in, const Arguments& from) {
  Event out = event(EventKind::kMightLock, in, from);
  out.lock = state_.lock(from.object, from, Kind::kMutex);
  out.mode = from.mode;
  consumer_.on_event(out);
  return true;
}

bool TextReader::on_assert_held(Task& in, const Arguments& from) {
  Event out = event(EventKind::kAssertHeld, in, from);
  out.lock = state_.lock(from.object, from, Kind::kMutex);
  out.mode = from.mode;
  consumer_.on_event(out);
  return true;
}

bool TextReader::on_destroy(Task& in, const Arguments& from) {
  const InstanceId known = state_.find_lock(from.object);
  if (known == kNone) {
    if (in.lost) return true;
    return fail("destroy of " + std::string(from.object) + ", which does not exist");
  }
  Event out = event(EventKind::kDestroy, in, from);
  out.lock = known;
  consumer_.on_event(out);
  state_.end_lock(known);
  return true;
}

bool TextReader::on_free(Task& in, const Arguments& from) {
  unsigned long long begin = 0, end = 0;
  if (!parse_text_number(from.object, begin) || !parse_text_number(from.second, end) || begin > end)
    return fail("free needs two addresses, the second not below the first");
  Event out = event(EventKind::kFree, in, from);
  out.number = begin;
  out.number2 = end;
  consumer_.on_event(out);
  state_.end_locks(begin, end);
  return true;
}

bool TextReader::on_wait(Task& in, const Arguments& from) {
  Event out = event(EventKind::kWaitBegin, in, from);
  out.lock = state_.lock(from.object, from, from.mutex ? Kind::kCond : Kind::kCompletion);
  if (from.mutex) {
    Arguments plain;
    out.other = state_.lock(*from.mutex, plain, Kind::kMutex);
  }
  in.levels.back().waits_for = out.lock;
  consumer_.on_event(out);
  return true;
}

bool TextReader::on_wake(Task& in, const Arguments& from) {
  Level& level = in.levels.back();
  const InstanceId known = state_.find_lock(from.object);
  if (known == kNone || level.waits_for != known) {
    if (in.lost) return true;
    return fail("wake " + std::string(from.object) + " without a wait for it");
  }
  Event out = event(EventKind::kWaitEnd, in, from);
  out.lock = known;
  if (from.failed) out.flags |= kFailedWait;
  if (from.by) {
    const Task* by = state_.find_task(*from.by);
    if (by == nullptr) return fail("by=" + std::string(*from.by) + ": there is no such context");
    out.peer = by->id;
  }
  level.waits_for = kNone;
  consumer_.on_event(out);
  return true;
}

bool TextReader::on_signal(Task& in, const Arguments& from) {
  Event out = event(EventKind::kSignal, in, from);
  out.lock = state_.lock(from.object, from, Kind::kCompletion);
  out.number = from.all ? kAllWaits : from.count;
  consumer_.on_event(out);
  return true;
}

bool TextReader::on_fork(Task& in, const Arguments& from) {
  const Task* known = state_.find_task(from.object);
  if (known != nullptr && !known->exited)
    return fail("fork " + std::string(from.object) + ", which runs already since line " +
                std::to_string(known->first_line));
  state_.task(from.object, in.id, from.class_name);
  return true;
}

bool TextReader::on_join(Task& in, const Arguments& from) {
  Task* const known = state_.find_task(from.object);
  if (known == nullptr) {
    if (in.lost) return true;
    return fail("join " + std::string(from.object) + ", which never began");
  }
  Task& child = *known;
  if (&child == &in) return fail(std::string(from.object) + " joins itself");
  Event out = event(EventKind::kJoinBegin, in, from);
  out.peer = child.id;
  consumer_.on_event(out);
  if (!child.exited && !from.failed) {
    Event ended = event(EventKind::kContextEnd, child, Arguments{});
    consumer_.on_event(ended);
    child.exited = true;
    child.joined_line = source_.line_number();
    child.joiner = in.name;
  }
  out.kind = EventKind::kJoinEnd;
  if (from.failed) out.flags |= kFailedWait;
  consumer_.on_event(out);
  return true;
}

bool TextReader::on_exit(Task& in, const Arguments& from) {
  consumer_.on_event(event(EventKind::kContextEnd, in, from));
  in.exited = true;
  return true;
}

bool TextReader::nested_kind(const Arguments& from, ContextKind& kind, std::uint64_t& number, bool may_work) {
  unsigned long long signal = 0;
  if (from.object == "hardirq") {
    kind = ContextKind::kHardirq;
  } else if (from.object == "softirq") {
    kind = ContextKind::kSoftirq;
  } else if (from.object == "signal") {
    kind = ContextKind::kSignal;
    if (!parse_text_number(from.second, signal) || signal > 1024) return fail("signal needs its number");
    number = signal;
  } else if (may_work && from.object == "nmi") {
    kind = ContextKind::kNmi;
  } else if (may_work && from.object == "work") {
    kind = ContextKind::kWorkItem;
  } else {
    return fail("\"" + std::string(from.object) + "\" is no kind of nested context");
  }
  return true;
}

bool TextReader::on_begin(Task& in, const Arguments& from) {
  Event out = event(EventKind::kEnter, in, from);
  if (!nested_kind(from, out.nested, out.number, true)) return false;
  if (from.threaded) out.flags |= kThreaded;
  Arguments plain;
  if (out.nested == ContextKind::kWorkItem) {
    Arguments work;
    work.class_name = from.class_name;
    if (!from.second.empty()) out.lock = state_.lock(from.second, work, Kind::kWork);   // else nobody waits for it
    if (from.queue) out.other = state_.lock(*from.queue, plain, Kind::kWorkqueue);
  }
  in.levels.emplace_back();
  consumer_.on_event(out);
  return true;
}

bool TextReader::on_end(Task& in, const Arguments& from) {
  if (in.levels.size() == 1) {
    if (in.lost) return true;
    return fail("end without begin");
  }
  in.levels.pop_back();
  consumer_.on_event(event(EventKind::kLeave, in, from));
  return true;
}

bool TextReader::on_mask(Task& in, const Arguments& from) {
  Event out = event(EventKind::kMask, in, from);
  if (!nested_kind(from, out.nested, out.number, false)) return false;
  consumer_.on_event(out);
  return true;
}

bool TextReader::on_unmask(Task& in, const Arguments& from) {
  Event out = event(EventKind::kUnmask, in, from);
  if (!nested_kind(from, out.nested, out.number, false)) return false;
  consumer_.on_event(out);
  return true;
}

bool TextReader::on_operation(Task& in, const Arguments& from) {
  Event out = event(EventKind::kOperation, in, from);
  out.name = state_.name(from.object);
  consumer_.on_event(out);
  return true;
}

bool TextReader::on_read(Task& in, const Arguments& from) {
  Event out = event(EventKind::kRead, in, from);
  out.name = state_.name(from.object);
  consumer_.on_event(out);
  return true;
}

bool TextReader::on_write(Task& in, const Arguments& from) {
  Event out = event(EventKind::kWrite, in, from);
  out.name = state_.name(from.object);
  consumer_.on_event(out);
  return true;
}

bool TextReader::on_lost(Task& in, const Arguments& from) {
  Event out = event(EventKind::kLost, in, from);
  out.number = from.count;
  in.lost = true;
  for (Level& level : in.levels) level = Level{};
  consumer_.on_event(out);
  return true;
}

}  // namespace

Status read_text(LineSource& source, const std::string& file, EventConsumer& consumer) {
  return TextReader(source, file, consumer).run();
}

bool looks_like_text(std::string_view line) {
  if (line.substr(0, kVersionLine.size()) == kVersionLine || line.substr(0, 6) == "%case ") return true;
  TextWords words;
  return words.parse(line) && words.words().size() >= 2 && TextReader::knows_event(words.words()[1].value);
}

}  // namespace crossdep::traces
