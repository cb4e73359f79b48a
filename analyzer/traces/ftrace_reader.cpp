// SPDX-License-Identifier: MIT
//
// See ftrace_reader.h. Lines are taken apart and given to KernelEvents; a stack trace belongs to the event before it on the
// same processor. From the first stack trace on, an event waits for the next line.
#include "traces/ftrace_reader.h"

#include <algorithm>
#include <cstring>

#include "traces/ftrace_line.h"
#include "traces/kernel_events.h"
#include "traces/waiting_record.h"

namespace crossdep::traces {
namespace {

constexpr std::string_view kWritten = "# entries-in-buffer/entries-written: ";

class FtraceReader {
 public:
  FtraceReader(LineSource& source, const std::string& file, EventConsumer& consumer)
      : source_(source), file_(file), consumer_(consumer), kernel_(consumer) {}

  Status run();

 private:
  void line(std::string_view text);
  bool comment_or_loss(std::string_view text);
  bool loss(std::string_view text);
  void look_at_time(const FtraceLine& line);
  void time_turns_back(const FtraceLine& line, std::uint64_t earlier, bool all);
  void event(const FtraceLine& line);
  void give_waiting();

  LineSource& source_;
  const std::string& file_;
  EventConsumer& consumer_;
  KernelEvents kernel_;
  std::uint64_t number_ = 0;            // of the line being read
  struct Time {
    std::uint64_t time = 0, line = 0;
  };
  std::vector<Time> last_;              // of each processor
  Time latest_;                         // of all
  static constexpr unsigned kTurnsFollowed = 100;
  unsigned turns_ = 0;                  // how often time went backwards
  unsigned fraction_ = 0;               // digits of the times' fractions
  std::uint64_t foreign_ = 0, first_foreign_ = 0;
  std::uint64_t preamble_ = 0;          // the first line before any event that is none
  bool stacks_ = false;                 // the recording has stack traces
  bool in_stack_ = false;               // of waiting_; its frames follow
  WaitingRecord waiting_;
};

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
    line(text);
  }
  give_waiting();
  kernel_.finish("line");
  if (foreign_ != 0)
    consumer_.on_note(std::to_string(foreign_) + (foreign_ == 1 ? " line is no ftrace event and was passed over, line "
                                                           : " lines are no ftrace events and were passed over, the first is line ") +
                      std::to_string(first_foreign_));
  const auto outcome = kernel_.count() != 0 ? Status::Outcome::kPartial : Status::Outcome::kFailed;
  if (source_.error() != 0)
    return Status::at_line(outcome, file_, source_.line_number(), std::string("cannot be read on: ") + std::strerror(source_.error()));
  if (kernel_.count() == 0 && preamble_ != 0)
    return Status::at_line(outcome, file_, preamble_, "not ftrace text: neither this nor any other line is an event, TASK-PID [CPU] FLAGS TIME: EVENT: ...");
  if (cut) return Status::at_line(outcome, file_, source_.line_number(), "the last line is not ended: the file may have been cut");
  return {};
}

// `CPU:1 [LOST 1234 EVENTS]`; trace-cmd: `CPU:1 [1234 EVENTS DROPPED]`, behind the name of its buffer if there are several.
// Older kernels and a full page print no number.
bool FtraceReader::loss(std::string_view text) {
  const std::size_t begin = text.find("CPU:");
  if (begin == std::string_view::npos || (begin != 0 && !text.substr(0, begin).ends_with(": "))) return false;
  text.remove_prefix(begin);
  std::string_view rest = text.substr(4);
  std::uint64_t cpu = 0, count = 0;
  const std::size_t bracket = rest.find('[');
  if (!take_decimal(rest, cpu) || bracket == std::string_view::npos) return false;
  rest = text.substr(4 + bracket + 1);
  if (rest.starts_with("LOST ")) {
    rest.remove_prefix(5);
  } else if (rest.find("EVENTS DROPPED") == std::string_view::npos) {
    return false;
  }
  take_decimal(rest, count);
  give_waiting();
  kernel_.lose(static_cast<std::uint32_t>(cpu), count == 0 ? 1 : count, number_);
  return true;
}

// Header comments, stack traces and lines about losses.
bool FtraceReader::comment_or_loss(std::string_view text) {
  if (text.empty()) return true;
  if (text.front() == '#') {
    if (text.starts_with(kWritten)) {
      text.remove_prefix(kWritten.size());
      std::uint64_t kept = 0, written = 0;
      if (take_decimal(text, kept) && text.starts_with("/")) {
        text.remove_prefix(1);
        if (take_decimal(text, written) && written > kept) kernel_.lose_beginning(written - kept);
      }
    }
    return true;
  }
  std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return true;
  const std::string_view trimmed = text.substr(first);
  if (trimmed.starts_with("=> ")) {   // ` => symbol+0x1/0x2 [module] <ffffffff81000000>`
    if (in_stack_) {
      std::string_view frame = trimmed.substr(3);
      if (const std::size_t address = frame.rfind(" <"); address != std::string_view::npos && address != 0) frame = frame.substr(0, address);
      if (const std::size_t address = frame.rfind(" ("); address != std::string_view::npos && address != 0) frame = frame.substr(0, address);
      waiting_.add_frame(kernel_.site(frame));
    }
    return true;
  }
  if (loss(text)) return true;
  return text.front() == '[' || text.find("<stack trace>") != std::string_view::npos || text.find("buffer started") != std::string_view::npos ||
         text.starts_with("cpus=") || text.starts_with("version = ") || (text.starts_with("CPU ") && text.ends_with("is empty"));
}

void FtraceReader::line(std::string_view text) {
  FtraceLine parsed;
  if (!text.empty() && text.front() != '#' && parse_ftrace_line(text, parsed)) {
    event(parsed);
    return;
  }
  if (comment_or_loss(text)) return;
  if (kernel_.count() == 0 && !waiting_) {   // what precedes the first event is a preamble
    if (preamble_ == 0) preamble_ = number_;
  } else if (foreign_++ == 0) {
    first_foreign_ = number_;
  }
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
  kernel_.lose(KernelRecord::kNoCpu, 0, number_);
  last_.assign(last_.size(), {});
  latest_ = {};
}

void FtraceReader::event(const FtraceLine& line) {
  // `<stack trace>`, or `kernel_stack: <stack trace>`: its frames come in the next lines.
  if (line.event == "kernel_stack" || line.event == "<stack trace>") {
    stacks_ = true;
    in_stack_ = waiting_ && !waiting_.has_frames() && line.pid == waiting_.record().pid && line.cpu == waiting_.record().cpu;
    return;
  }
  give_waiting();
  look_at_time(line);
  KernelRecord record;
  record.pid = line.pid;
  record.cpu = line.cpu;
  record.comm = line.comm == "<...>" ? std::string_view() : line.comm;
  if (const std::size_t buffer = record.comm.find(": "); buffer != std::string_view::npos)   // trace-cmd's name of the buffer
    record.comm.remove_prefix(std::min(record.comm.size(), record.comm.find_first_not_of(' ', buffer + 1)));
  record.context = line.flags.empty() ? '\0' : line.context();
  record.event = line.event;
  record.body = line.body;
  record.position = number_;
  record.time = line.nanoseconds();
  if (stacks_) waiting_.hold(record);
  else kernel_.record(record);
}

void FtraceReader::give_waiting() {
  in_stack_ = false;
  waiting_.give(kernel_);
}

}  // namespace

Status read_ftrace(LineSource& source, const std::string& file, EventConsumer& consumer) {
  return FtraceReader(source, file, consumer).run();
}

bool looks_like_ftrace(std::string_view line) {
  if (line.starts_with("# tracer: ") || line.starts_with(kWritten)) return true;
  FtraceLine parsed;
  return !line.empty() && line.front() != '#' && parse_ftrace_line(line, parsed);
}

}  // namespace crossdep::traces
