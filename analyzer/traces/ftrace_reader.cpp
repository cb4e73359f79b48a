// SPDX-License-Identifier: MIT
//
// See ftrace_reader.h. Each line goes through the line parser to one handler, which reads the body's fields and calls the
// KernelModel.
//
// Which source tells of locks is found out while reading. A stock `lock_acquire` can stand directly before the `lockx_`
// line of the same acquisition, and other processors' lines between the two: from the first stock line on, lines are held
// back until the source is known.
#include "traces/ftrace_reader.h"

#include <cstring>

#include "traces/ftrace_line.h"
#include "traces/kernel_model.h"

namespace crossdep::traces {
namespace {

using engine::Mode;

constexpr std::size_t kHeldBack = 256;
constexpr std::string_view kWritten = "# entries-in-buffer/entries-written: ";

class FtraceReader {
 public:
  FtraceReader(LineSource& source, const std::string& file, EventConsumer& consumer)
      : source_(source), file_(file), consumer_(consumer), model_(consumer) {}

  Status run();

 private:
  enum class Source { kUnknown, kStock, kProbes, kLockx };
  using Task = KernelModel::Task;

  void line(std::string_view text);
  bool comment_or_loss(std::string_view text);
  void look_at_time(const FtraceLine& line);
  void time_turns_back(const FtraceLine& line, std::uint64_t earlier, bool all);
  void decide(std::string_view text);
  void choose(Source source);
  void event(const FtraceLine& line);
  bool stock_lock(Task& task, const FtraceLine& line);
  bool lockx(Task& task, const FtraceLine& line);
  bool lockx_acquire(Task& task, std::string_view body);
  bool lockx_release(Task& task, std::string_view body);
  bool probe(const FtraceLine& line);
  bool probed_acquire(Task& task, const FtraceProbe& probe);
  bool work_begins(Task& task, std::string_view body);
  bool stock_acquire(Task& task, std::string_view body);

  Task& task_of(const FtraceLine& line, char context) {
    return model_.task(line.pid, line.cpu, line.comm, context, number_);
  }

  LineSource& source_;
  const std::string& file_;
  EventConsumer& consumer_;
  KernelModel model_;
  Source lock_source_ = Source::kUnknown;
  std::vector<std::pair<std::uint64_t, std::string>> held_back_;   // lines that wait for the source to be known
  std::uint64_t number_ = 0;            // of the line being judged
  struct Time {
    std::uint64_t time = 0, line = 0;
  };
  std::vector<Time> last_;              // of each processor
  Time latest_;                         // of all
  static constexpr unsigned kTurnsFollowed = 100;
  unsigned turns_ = 0;                  // how often time went backwards
  unsigned fraction_ = 0;               // digits of the times' fractions
  std::uint64_t probed_map_ = 0;        // of the last probed lock_acquire ...
  std::uint32_t probed_pid_ = 0;        // ... and its task: the stock event of it follows
  std::uint64_t events_ = 0;
  std::uint64_t unreadable_ = 0, first_unreadable_ = 0;
  std::uint64_t foreign_ = 0, first_foreign_ = 0;
  std::uint64_t hashed_ = 0;            // events whose pointers were not printed
};

Mode mode_of(std::uint64_t read) {
  return read == 0 ? Mode::kWrite : read == 1 ? Mode::kRead : Mode::kRecursiveRead;
}

bool starts_with(std::string_view text, std::string_view prefix) { return text.substr(0, prefix.size()) == prefix; }

Status FtraceReader::run() {
  std::string_view text;
  bool cut = false;
  while (source_.next(text)) {
    if (source_.cut()) {
      if (foreign_++ == 0) first_foreign_ = source_.line_number();
      continue;
    }
    if (source_.unterminated() && !text.empty()) {
      FtraceLine ignored;
      cut = text.front() != '#' || parse_ftrace_line(text, ignored);
      break;
    }
    number_ = source_.line_number();
    if (lock_source_ == Source::kUnknown) decide(text);
    else line(text);
  }
  if (lock_source_ == Source::kUnknown) choose(Source::kStock);
  model_.finish();
  if (unreadable_ != 0)
    consumer_.on_note(std::to_string(unreadable_) + " events could not be read and were passed over, the first in line " +
                      std::to_string(first_unreadable_));
  if (foreign_ != 0)
    consumer_.on_note(std::to_string(foreign_) + (foreign_ == 1 ? " line is no ftrace event and was passed over, line "
                                                           : " lines are no ftrace events and were passed over, the first is line ") +
                      std::to_string(first_foreign_));
  if (hashed_ != 0)
    consumer_.on_note(std::to_string(hashed_) + " events name locks by (____ptrval____), which tells none apart, and were passed "
                      "over: record with the kernel option no_hash_pointers, or later after boot");
  const auto outcome = events_ != 0 ? Status::Outcome::kPartial : Status::Outcome::kFailed;
  if (source_.error() != 0)
    return Status::at_line(outcome, file_, source_.line_number(), std::string("cannot be read on: ") + std::strerror(source_.error()));
  if (cut) return Status::at_line(outcome, file_, source_.line_number(), "the last line is not ended: the file may have been cut");
  return {};
}

// Header comments and lines about losses.
bool FtraceReader::comment_or_loss(std::string_view text) {
  if (text.empty()) return true;
  if (text.front() == '#') {
    if (starts_with(text, kWritten)) {
      text.remove_prefix(kWritten.size());
      std::uint64_t kept = 0, written = 0;
      if (take_decimal(text, kept) && !text.empty() && text.front() == '/') {
        text.remove_prefix(1);
        if (take_decimal(text, written) && written > kept) model_.lose_beginning(written - kept);
      }
    }
    return true;
  }
  if (starts_with(text, "CPU:")) {   // CPU:1 [LOST 1234 EVENTS]
    std::string_view rest = text.substr(4);
    std::uint64_t cpu = 0, count = 0;
    const std::size_t lost = rest.find("[LOST ");
    if (take_decimal(rest, cpu) && lost != std::string_view::npos) {
      rest = text.substr(4 + lost + 6);
      take_decimal(rest, count);   // older kernels print no number
      model_.lose(static_cast<std::uint32_t>(cpu), count == 0 ? 1 : count, number_);
      return true;
    }
    return text.find("buffer started") != std::string_view::npos;   // ##### CPU 1 buffer started ####
  }
  return starts_with(text, " => ") || text.front() == '[' || text.find("<stack trace>") != std::string_view::npos;
}

void FtraceReader::line(std::string_view text) {
  FtraceLine parsed;
  if (!text.empty() && text.front() != '#' && parse_ftrace_line(text, parsed)) {
    ++events_;
    event(parsed);
    return;
  }
  if (comment_or_loss(text)) return;
  if (events_ != 0 && foreign_++ == 0) first_foreign_ = number_;   // what precedes the first event is a preamble
}

// The source is not known yet: judges the line at once if that does not matter to it, else holds it back.
void FtraceReader::decide(std::string_view text) {
  FtraceLine parsed;
  const bool is_event = !text.empty() && text.front() != '#' && parse_ftrace_line(text, parsed);
  Source found = Source::kUnknown;
  if (is_event && starts_with(parsed.event, "lockx_")) found = Source::kLockx;
  if (is_event && starts_with(parsed.body, "(lock_acquire+")) found = Source::kProbes;
  const bool stock = is_event && starts_with(parsed.event, "lock_");
  if (found == Source::kUnknown && (stock || !held_back_.empty())) {
    held_back_.emplace_back(number_, text);
    if (held_back_.size() < kHeldBack) return;
    choose(Source::kStock);
    return;
  }
  if (found != Source::kUnknown) choose(found);
  line(text);
}

void FtraceReader::choose(Source source) {
  lock_source_ = source;
  const std::uint64_t number = number_;
  for (const auto& [at, text] : held_back_) {
    number_ = at;
    line(text);
  }
  held_back_.clear();
  number_ = number;
}

// A processor's records are in order. Those of several may stand a little out of it where they were read while written,
// never a second. Where time turns back by more than that, recordings were put together: what tasks hold is not known.
void FtraceReader::look_at_time(const FtraceLine& line) {
  constexpr std::uint64_t kSecond[] = {0, 10, 100, 1'000, 10'000, 100'000, 1'000'000, 10'000'000, 100'000'000, 1'000'000'000};
  if (line.time == 0 || line.cpu > 65'535 || turns_ >= kTurnsFollowed) return;
  if (latest_.line == 0) fraction_ = line.fraction;
  else if (line.fraction != fraction_) return;   // not to be compared
  if (line.cpu >= last_.size()) last_.resize(line.cpu + 1);
  Time& last = last_[line.cpu];
  const std::uint64_t second = fraction_ < std::size(kSecond) ? kSecond[fraction_] : 0;
  if (second != 0 && line.time + second < latest_.time) time_turns_back(line, latest_.line, true);
  else if (line.time < last.time) time_turns_back(line, last.line, false);
  last_[line.cpu] = {line.time, number_};
  if (line.time >= latest_.time) latest_ = {line.time, number_};
}

void FtraceReader::time_turns_back(const FtraceLine& line, std::uint64_t earlier, bool all) {
  const std::string what = "time goes backwards on processor " + std::to_string(line.cpu);
  consumer_.on_problem({number_, what, "since", earlier,
                        ++turns_ == kTurnsFollowed ? "time is not looked at any more"
                        : all                      ? "what tasks hold is forgotten"
                                                   : "the lines' order is kept"});
  if (!all) return;
  for (std::uint32_t cpu = 0; cpu < last_.size(); ++cpu)
    if (last_[cpu].line != 0) model_.lose(cpu, 0, number_);
  last_.assign(last_.size(), {});
  latest_ = {};
}

void FtraceReader::event(const FtraceLine& line) {
  bool readable = true;
  look_at_time(line);
  if (starts_with(line.event, "lock_")) {
    if (lock_source_ == Source::kLockx && line.event != "lock_acquired") return;
    readable = stock_lock(task_of(line, line.context()), line);
  } else if (starts_with(line.event, "lockx_")) {
    lock_source_ = Source::kLockx;
    readable = lockx(task_of(line, line.context()), line);
  } else if (!line.body.empty() && line.body.front() == '(') {
    readable = probe(line);
  } else if (line.event == "workqueue_execute_start") {
    readable = work_begins(task_of(line, line.context()), line.body);
  } else if (line.event == "workqueue_execute_end") {
    model_.end_work(task_of(line, line.context()));
  } else if (line.event == "sched_switch") {
    Task& task = task_of(line, '\0');
    const std::string_view state = last_field(line.body.substr(0, line.body.find(" ==> ")), "prev_state=");
    if (!state.empty() && (state.front() == 'X' || state.front() == 'Z') && line.pid != 0) model_.die(task);
  } else if (line.event == "sched_process_fork") {
    Task& task = task_of(line, line.context());
    std::string_view pid = last_field(line.body, "child_pid=");
    std::uint64_t child = 0;
    const std::size_t comm = line.body.rfind("child_comm=");
    readable = comm != std::string_view::npos && take_decimal(pid, child) && child <= 0x7fffffff;
    if (readable) {
      std::string_view name = line.body.substr(comm + 11);
      name = name.substr(0, name.rfind(" child_pid="));
      model_.fork(task, static_cast<std::uint32_t>(child), name);
    }
  }
  if (!readable && unreadable_++ == 0) first_unreadable_ = number_;
}

// --- the kernel's own tracepoints --------------------------------------------------------------------------------------

bool FtraceReader::stock_acquire(Task& task, std::string_view body) {
  KernelAcquire acquire;
  if (!take_hex(body, acquire.map) || body.empty() || body.front() != ' ') return false;
  body.remove_prefix(1);
  if (starts_with(body, "try ")) {
    acquire.try_lock = true;
    body.remove_prefix(4);
  }
  if (starts_with(body, "read ")) {
    acquire.mode = Mode::kRecursiveRead;   // which kind of reader is not recorded: the one that blocks least
    body.remove_prefix(5);
  }
  if (body.empty()) return false;
  acquire.name = body;
  model_.acquire(task, acquire);
  return true;
}

bool FtraceReader::stock_lock(Task& task, const FtraceLine& line) {
  const std::string_view what = line.event.substr(5);
  const bool known = what == "acquire" || what == "release" || what == "acquired";
  if (!known) return true;   // lock_contended
  std::string_view body = line.body;
  std::uint64_t map = 0;
  if (!body.empty() && body.front() == '(') {   // (____ptrval____)
    ++hashed_;
    return true;
  }
  if (what == "acquire") {
    std::string_view rest = body;
    if (lock_source_ == Source::kProbes && probed_map_ != 0 && line.pid == probed_pid_ && take_hex(rest, map) &&
        map == probed_map_) {
      probed_map_ = 0;   // the same acquisition, told in more detail by the probe
      return true;
    }
    return stock_acquire(task, body);
  }
  if (!take_hex(body, map)) return false;
  if (what == "acquired") model_.acquired(task, map);
  else model_.release(task, map, 0);
  return true;
}

// --- lockx_* -----------------------------------------------------------------------------------------------------------

bool FtraceReader::lockx(Task& task, const FtraceLine& line) {
  const std::string_view what = line.event.substr(6);
  if (what == "acquire") return lockx_acquire(task, line.body);
  if (what == "release") return lockx_release(task, line.body);
  if (what == "downgrade") {
    std::string_view rest = line.body, key, value, place;
    std::uint64_t map = 0;
    while (take_field(rest, key, value)) {
      if (key == "map" && !take_hex(value, map)) return false;
      if (key == "ip") place = value;
    }
    if (map == 0) return false;
    model_.downgrade(task, map, model_.site(place));
  }
  return true;   // lockx_class, lockx_usage, lockx_edge, lockx_off: what lockdep made of it
}

// The place `SYM+0xOFF/0xLEN [module]` that begins at `value`; a blank and a bracket continue it.
std::string_view with_module(std::string_view value, std::string_view rest) {
  if (rest.size() < 3 || rest[0] != ' ' || rest[1] != '[') return value;
  const std::size_t close = rest.find(']');
  if (close == std::string_view::npos) return value;
  return {value.data(), static_cast<std::size_t>(rest.data() + close + 1 - value.data())};
}

bool FtraceReader::lockx_acquire(Task& task, std::string_view body) {
  KernelAcquire acquire;
  acquire.keyed = true;
  std::uint64_t number = 0;
  bool judged = true;
  std::string_view key, value, place;
  std::string_view rest = body;
  while (take_field(rest, key, value)) {
    if (key == "map") {
      if (!take_hex(value, acquire.map)) return false;
    } else if (key == "key") {
      if (!take_hex(value, acquire.key)) return false;
    } else if (key == "sub") {
      if (!take_decimal(value, number) || number > 255) return false;
      acquire.subclass = static_cast<std::uint8_t>(number);
    } else if (key == "try") {
      acquire.try_lock = value != "0";
    } else if (key == "read") {
      if (!take_decimal(value, number)) return false;
      acquire.mode = mode_of(number);
    } else if (key == "check" || key == "on") {
      if (value == "0") judged = false;   // lockdep itself left it out: unchecked, or inside its own work
    } else if (key == "hoff") {
      acquire.hardirqs_off = value != "0";
    } else if (key == "se") {
      acquire.softirqs_off = value == "0";
    } else if (key == "nest") {
      if (!take_hex(value, acquire.nest)) return false;
    } else if (key == "wait") {
      std::uint64_t inner = 0;
      if (take_decimal(value, number) && !value.empty() && value.front() == ':') {
        value.remove_prefix(1);
        take_decimal(value, inner);
        acquire.wait_outer = static_cast<std::uint8_t>(number);
        acquire.wait_inner = static_cast<std::uint8_t>(inner);
      }
    } else if (key == "ip") {
      place = with_module(value, rest);
      rest.remove_prefix(place.size() - value.size());
    } else if (key == "name") {   // the last field, and it may hold blanks
      acquire.name = {value.data(), static_cast<std::size_t>(body.data() + body.size() - value.data())};
      break;
    }
  }
  if (acquire.map == 0 || acquire.name.empty()) return false;
  if (!judged) {
    model_.pass_over(acquire.map);
    return true;
  }
  acquire.site = model_.site(place);
  model_.acquire(task, acquire);
  return true;
}

bool FtraceReader::lockx_release(Task& task, std::string_view body) {
  std::uint64_t map = 0;
  std::string_view key, value, place;
  std::string_view rest = body;
  while (take_field(rest, key, value)) {
    if (key == "map" && !take_hex(value, map)) return false;
    if (key == "ip") {
      place = with_module(value, rest);
      break;
    }
  }
  if (map == 0) return false;
  model_.release(task, map, model_.site(place));
  return true;
}

// --- probes ------------------------------------------------------------------------------------------------------------

bool FtraceReader::probe(const FtraceLine& line) {
  FtraceProbe probe;
  if (!parse_ftrace_probe(line.body, probe)) return true;   // an event whose text begins with a parenthesis
  const std::string_view function = probe.function;
  const bool acquire = function == "lock_acquire";
  const bool wait = starts_with(function, "wait_for_completion");
  const bool try_wait = function == "try_wait_for_completion";
  const bool signal = function == "complete" || function == "complete_all" || function == "complete_on_current_cpu";
  const bool init = function == "__init_swait_queue_head";
  if (!acquire && !wait && !try_wait && !signal && !init) return true;

  // A probe's trap is printed as an NMI: the context is that of the code it interrupted.
  const char column = line.context();
  Task& task = task_of(line, column == 'z' || column == 'Z' ? '\0' : column);
  if (acquire) {
    probed_pid_ = line.pid;
    return probe.is_return || lock_source_ == Source::kLockx || probed_acquire(task, probe);
  }

  std::string_view fields = probe.fields, key, value;
  std::uint64_t number = 0;
  const bool has_field = take_field(fields, key, value) && take_hex(value, number);
  const Site place = model_.site(probe.place);
  if (probe.is_return) {
    if (try_wait) {
      model_.end_try_wait(task, has_field && number != 0, place);
    } else if (wait) {
      // The plain form always gets its signal; the interruptible forms return 0 for it, those with a time what is left of it.
      const bool timed = function.find("timeout") != std::string_view::npos;
      const bool interruptible = function.find("interruptible") != std::string_view::npos ||
                                 function.find("killable") != std::string_view::npos;
      const bool negative = number >> 63 != 0;
      const bool matched = !has_field || (timed ? number != 0 && !negative : !interruptible || number == 0);
      model_.end_wait(task, matched, place);
    }
    return true;
  }
  if (!has_field || number == 0) return false;
  if (wait) {
    const bool timed = function.find("timeout") != std::string_view::npos;
    model_.begin_wait(task, number, timed ? engine::kTimed : 0, place);
  } else if (try_wait) {
    model_.begin_try_wait(task, number);
  } else if (signal) {
    model_.complete(task, number, function == "complete_all", place);
  } else if (init && number > 8) {
    model_.initialise_completion(task, number - 8);   // the queue lies behind `done`
  }
  return true;
}

bool FtraceReader::probed_acquire(Task& task, const FtraceProbe& probe) {
  lock_source_ = Source::kProbes;
  KernelAcquire acquire;
  std::string_view fields = probe.fields, key, value;
  std::uint64_t number = 0;
  bool checked = true;
  while (take_field(fields, key, value)) {
    if (key == "map") {
      if (!take_hex(value, acquire.map)) return false;
    } else if (key == "key") {
      if (!take_hex(value, acquire.key)) return false;
      acquire.keyed = true;
    } else if (key == "name") {
      acquire.name = value;
    } else if (key == "nest") {
      take_hex(value, acquire.nest);
    } else if (key == "sub" || key == "try" || key == "read" || key == "check") {
      const bool hex = starts_with(value, "0x");
      if (!(hex ? take_hex(value, number) : take_decimal(value, number))) return false;
      if (key == "sub") acquire.subclass = static_cast<std::uint8_t>(number);
      if (key == "try") acquire.try_lock = number != 0;
      if (key == "read") acquire.mode = mode_of(number);
      if (key == "check") checked = number != 0;
    }
  }
  if (acquire.map == 0) return false;
  probed_map_ = acquire.map;
  if (!checked) {
    model_.pass_over(acquire.map);
    return true;
  }
  if (acquire.name.empty() || acquire.name == "(fault)") acquire.name = "?";
  acquire.site = model_.site(probe.place);
  model_.acquire(task, acquire);
  return true;
}

// --- the rest ----------------------------------------------------------------------------------------------------------

// `work struct ffffffff81cc7a60: function process_srcu [module]`
bool FtraceReader::work_begins(Task& task, std::string_view body) {
  constexpr std::string_view kHead = "work struct ", kFunction = ": function ";
  if (!starts_with(body, kHead)) return false;
  body.remove_prefix(kHead.size());
  std::uint64_t work = 0;
  if (!take_hex(body, work)) return false;
  if (starts_with(body, kFunction)) body.remove_prefix(kFunction.size());
  else body = "?";
  model_.begin_work(task, work, body);
  return true;
}

}  // namespace

Status read_ftrace(LineSource& source, const std::string& file, EventConsumer& consumer) {
  return FtraceReader(source, file, consumer).run();
}

bool looks_like_ftrace(std::string_view line) {
  if (starts_with(line, "# tracer: ") || starts_with(line, kWritten)) return true;
  FtraceLine parsed;
  return !line.empty() && line.front() != '#' && parse_ftrace_line(line, parsed);
}

}  // namespace crossdep::traces
