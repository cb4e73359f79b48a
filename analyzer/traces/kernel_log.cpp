// SPDX-License-Identifier: MIT
//
// See kernel_log.h.
#include "traces/kernel_log.h"

#include "traces/console_line.h"

namespace crossdep::traces {

std::unique_ptr<SplatParser> KernelLog::make_parser() {
  return std::make_unique<SplatParser>([this](const Splat& splat) { done(splat); });
}

void KernelLog::line(std::string_view line, std::uint64_t number) {
  const ConsoleLine console = parse_console_line(line, scratch_);
  if (console.prefixed) last_caller_ = console.caller;
  if (console.text.starts_with("INFO: task ") && console.text.find(" blocked for more than ") != std::string_view::npos) ++hung_;
  const auto busy = busy_.find(last_caller_);
  if (busy != busy_.end()) {
    busy->second->line(console.text, number);
    if (!busy->second->busy()) busy_.erase(busy);
    return;
  }
  idle_->line(console.text, number);
  if (!idle_->busy()) return;
  busy_.emplace(last_caller_, std::move(idle_));
  idle_ = make_parser();
}

void KernelLog::finish() {
  finishing_ = true;
  for (const auto& [caller, parser] : busy_) parser->finish();
  if (hung_ != 0)
    consumer_.on_note(std::to_string(hung_) + (hung_ == 1 ? " report is of a task that hangs" : " reports are of tasks that hang") +
                      ": who waits for which lock is not printed, nothing is judged by it");
}

void KernelLog::done(const Splat& splat) {
  const std::string at = "line " + std::to_string(splat.line) + ": ";
  if (splat.kind == SplatKind::kLimit) {
    consumer_.on_note(at + "lockdep says " + splat.title.substr(splat.title.find("MAX_")) +
                      " and is off from here on: what came later was not judged");
    return;
  }
  const std::vector<PrintedFinding> findings = findings_of(splat);
  const std::string missing = missing_in(splat);
  if (splat.kind != SplatKind::kWarning && !splat.ours && !missing.empty()) {
    if (finishing_ && !splat.followed && missing.find("cut before its end") != std::string::npos) cut_at_ = splat.line;
    else consumer_.on_note(at + "a splat is partial: " + missing);
  }
  if (findings.empty() && splat.kind != SplatKind::kWarning)
    consumer_.on_note(at + "a splat with too little left to name its locks: " + (splat.title.empty() ? "no title" : splat.title));
  for (const PrintedFinding& finding : findings) consumer_.on_finding(finding);
}

}  // namespace crossdep::traces
