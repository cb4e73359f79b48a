// SPDX-License-Identifier: MIT
//
// See perf_reader.h. An event waits for the frames of its call chain, which come in the lines behind it.
#include "traces/perf_reader.h"

#include <cstring>

#include "traces/kernel_events.h"
#include "traces/perf_line.h"
#include "traces/waiting_record.h"

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

  LineSource& source_;
  const std::string& file_;
  EventConsumer& consumer_;
  KernelEvents kernel_;
  std::uint64_t number_ = 0;
  std::uint64_t foreign_ = 0, first_foreign_ = 0, taskless_ = 0;
  std::uint64_t preamble_ = 0;          // the first line before any event that is none
  bool any_ = false;                    // event, whatever it tells
  WaitingRecord waiting_;
  std::string place_;
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
  waiting_.give(kernel_);
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
  if (!any_ && preamble_ != 0)
    return Status::at_line(outcome, file_, preamble_, "not text of perf script: neither this nor any other line is an event, COMM TID [CPU] TIME: EVENT: ...");
  if (cut) return Status::at_line(outcome, file_, source_.line_number(), "the last line is not ended: the file may have been cut");
  return {};
}

void PerfReader::line(std::string_view text) {
  if (text.empty()) {   // the end of a call chain
    waiting_.give(kernel_);
    return;
  }
  if (text.front() == '#') return;
  PerfLine parsed;
  if (parse_perf_line(text, parsed)) {
    any_ = true;
    event(parsed);
    return;
  }
  std::string_view symbol, module;
  if (waiting_ && parse_perf_frame(text, symbol, module)) {
    place_ = symbol;
    if (!module.empty()) place_.append(" [").append(module).append("]");
    waiting_.add_frame(kernel_.site(place_));
    return;
  }
  if (!any_) {   // what precedes the first event is a preamble
    if (preamble_ == 0) preamble_ = number_;
  } else if (foreign_++ == 0) {
    first_foreign_ = number_;
  }
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
  waiting_.give(kernel_);
  if (line.event.starts_with("PERF_RECORD_LOST")) lost(line);
  if (line.system.empty()) return;
  if (line.tid == PerfLine::kNone) {
    ++taskless_;
    return;
  }
  KernelRecord record;
  record.pid = line.tid;
  record.cpu = line.cpu == PerfLine::kNone ? KernelRecord::kNoCpu : line.cpu;
  const bool unknown = line.comm.starts_with(":") && line.comm.find_first_not_of("0123456789", 1) == std::string_view::npos;   // `:123`
  if (!unknown) record.comm = line.comm;
  if (line.flags.size() >= 3) record.context = line.flags[2];
  record.event = line.event;
  record.body = line.body;
  record.position = number_;
  record.time = line.time;
  waiting_.hold(record);
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
