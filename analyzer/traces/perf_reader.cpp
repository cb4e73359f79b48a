// SPDX-License-Identifier: MIT
//
// See perf_reader.h. An event waits for the frames of its call chain, which come in the lines behind it.
#include "traces/perf_reader.h"

#include <cstring>

#include "traces/kernel_events.h"
#include "traces/perf_line.h"

namespace crossdep::traces {
namespace {

class PerfReader {
 public:
  PerfReader(LineSource& source, const std::string& file, EventConsumer& consumer)
      : source_(source), file_(file), consumer_(consumer), kernel_(consumer) {}

  Status run();

 private:
  void line(std::string_view text);
  void event(const PerfLine& line);
  void lost(const PerfLine& line);
  void give_waiting();

  LineSource& source_;
  const std::string& file_;
  EventConsumer& consumer_;
  KernelEvents kernel_;
  std::uint64_t number_ = 0;
  std::uint64_t foreign_ = 0, first_foreign_ = 0, taskless_ = 0;
  bool waits_ = false;
  KernelRecord waiting_;                // its views point into waiting_text_
  std::string waiting_text_, place_;
  std::vector<Site> frames_;
};

Status PerfReader::run() {
  std::string_view text;
  bool cut = false;
  while (source_.next(text)) {
    if (source_.cut()) {
      if (foreign_++ == 0) first_foreign_ = source_.line_number();
      continue;
    }
    if (source_.unterminated() && !text.empty()) {
      cut = text.front() != '#';
      break;
    }
    number_ = source_.line_number();
    line(text);
  }
  // The frames of the last event are missing if its chain was cut; the event itself is whole.
  give_waiting();
  kernel_.finish("line");
  if (foreign_ != 0)
    consumer_.on_note(std::to_string(foreign_) + (foreign_ == 1 ? " line is no perf event and was passed over, line "
                                                           : " lines are no perf events and were passed over, the first is line ") +
                      std::to_string(first_foreign_));
  if (taskless_ != 0)
    consumer_.on_note(std::to_string(taskless_) + " events do not say which task they are of and were passed over: perf script -F +tid prints it");
  const auto outcome = kernel_.count() != 0 ? Status::Outcome::kPartial : Status::Outcome::kFailed;
  if (source_.error() != 0)
    return Status::at_line(outcome, file_, source_.line_number(), std::string("cannot be read on: ") + std::strerror(source_.error()));
  if (cut) return Status::at_line(outcome, file_, source_.line_number(), "the last line is not ended: the file may have been cut");
  return {};
}

void PerfReader::line(std::string_view text) {
  if (text.empty()) {   // the end of a call chain
    give_waiting();
    return;
  }
  if (text.front() == '#') return;
  PerfLine parsed;
  if (parse_perf_line(text, parsed)) {
    event(parsed);
    return;
  }
  std::string_view symbol, module;
  if (waits_ && parse_perf_frame(text, symbol, module)) {
    place_ = symbol;
    if (!module.empty()) place_.append(" [").append(module).append("]");
    frames_.push_back(kernel_.site(place_));
    return;
  }
  if ((kernel_.count() != 0 || waits_) && foreign_++ == 0) first_foreign_ = number_;   // what precedes the first event is a preamble
}

// `PERF_RECORD_LOST lost 12`, `PERF_RECORD_LOST_SAMPLES lost samples 12`.
void PerfReader::lost(const PerfLine& line) {
  const std::size_t digit = line.body.find_first_of("0123456789");
  if (digit == std::string_view::npos) return;
  std::string_view rest = line.body.substr(digit);
  std::uint64_t count = 0;
  if (!take_decimal(rest, count) || count == 0) return;
  kernel_.lose(line.cpu == PerfLine::kNone ? KernelRecord::kNoCpu : line.cpu, count, number_);
}

void PerfReader::event(const PerfLine& line) {
  give_waiting();
  if (line.event.starts_with("PERF_RECORD_LOST")) lost(line);
  if (line.system.empty()) return;
  if (line.tid == PerfLine::kNone) {
    ++taskless_;
    return;
  }
  waiting_text_.clear();
  waiting_text_.append(line.comm).append(line.event).append(line.body);
  const std::string_view text = waiting_text_;
  waiting_ = KernelRecord{};
  waiting_.pid = line.tid;
  waiting_.cpu = line.cpu == PerfLine::kNone ? KernelRecord::kNoCpu : line.cpu;
  waiting_.comm = text.substr(0, line.comm.size());
  if (waiting_.comm.starts_with(":") && waiting_.comm.find_first_not_of("0123456789", 1) == std::string_view::npos) waiting_.comm = {};   // `:123`, unknown
  if (line.flags.size() >= 3) waiting_.context = line.flags[2];
  waiting_.event = text.substr(line.comm.size(), line.event.size());
  waiting_.body = text.substr(line.comm.size() + line.event.size());
  waiting_.position = number_;
  waits_ = true;
  frames_.clear();
}

void PerfReader::give_waiting() {
  if (!waits_) return;
  waits_ = false;
  waiting_.frames = frames_.data();
  waiting_.frame_count = frames_.size();
  kernel_.record(waiting_);
}

}  // namespace

Status read_perf_script(LineSource& source, const std::string& file, EventConsumer& consumer) {
  return PerfReader(source, file, consumer).run();
}

bool looks_like_perf_script(std::string_view line) {
  PerfLine parsed;
  return !line.empty() && line.front() != '#' && parse_perf_line(line, parsed) && !parsed.system.empty() && parsed.tid != PerfLine::kNone;
}

}  // namespace crossdep::traces
