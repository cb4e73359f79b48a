// SPDX-License-Identifier: MIT
//
// See splat_parser.h: the lines that are not the kernel's lockdep's: DEPT's, those of the mutex debugging before it
// (2.6.16, 2.6.17) and of our own splats.
#include "traces/splat_parser.h"
#include "traces/splat_words.h"

namespace crossdep::traces {

// [S], [W] and [E] of each context of a DEPT report; the details that follow repeat them with their stacks.
bool SplatParser::dept(std::string_view text) {
  if (splat_.kind != SplatKind::kDept) return false;
  if (text.starts_with("context ") && text.size() == 9) {
    const auto index = static_cast<std::size_t>(text[8] - 'A');
    if (index >= splat_.sides.size() && index < 26) splat_.sides.resize(index + 1);
    dept_side_ = index;
    stack_ = nullptr;   // into a side that may have moved
    return true;
  }
  if (text == "stacktrace:") {
    if (stack_ != nullptr) stack_->clear();   // its first frame stood before it already
    return true;
  }
  if (text.size() < 5 || text[0] != '[' || text[2] != ']' || text[3] != ' ' || dept_side_ >= splat_.sides.size()) return text == "(N/A)";
  Splat::Side& side = splat_.sides[dept_side_];
  const std::string_view what = trimmed(text.substr(3));
  const bool detail = what.ends_with(":");
  stack_ = nullptr;
  if (text[1] == 'S' && !detail) side.start = what;
  if (text[1] == 'W') detail ? stack_ = &side.wait_stack, void() : void(side.wait = what);
  if (text[1] == 'E') detail ? stack_ = &side.event_stack, void() : void(side.event = what);
  splat_.reached_trace = splat_.reached_trace || detail;
  return true;
}

// " [f7001b34] {mddev_find}", ".. held by: halt: 4781 [f7cd4030, 118]", "... acquired at: md_notify_reboot+0x3a/0xa9 [md_mod]": a
// mutex is called by the function that initialised it.
bool SplatParser::mutex_debugging(std::string_view text) {
  if (splat_.kind != SplatKind::kExitHeld) return false;
  if (text.starts_with("[") && text.ends_with("}") && has(text, "] {")) {
    PrintedLock& lock = splat_.held.emplace_back();
    set_printed_name(between(text, "{", "}"), lock);
    lock.address = number_behind(text, "[", 16);
    splat_.reached_trace = true;   // all that is printed of it follows now
    return true;
  }
  if (!text.starts_with("... acquired at:") || splat_.held.empty()) return text.starts_with(".. held by:");
  bool reliable = true;
  splat_.held.back().site = parse_frame(text.substr(16), reliable);
  return true;
}

bool SplatParser::own_line(std::string_view line) {
  if (!splat_.ours) return false;
  const std::string_view text = trimmed(line);
  const auto who = [&text](std::string_view before, PrintedContext& out) { parse_task(text.substr(4), before, out); };
  if (text.starts_with("crossdep: ")) {
    in_trace_ = false;
    stack_ = nullptr;
    story_ = nullptr;
    if (text.starts_with("crossdep: finding ")) splat_.our_check = between(text, "(", ")");
    if (text.starts_with("crossdep: lock ")) splat_.our_lock = text.substr(15);
    if (text.starts_with("crossdep: the handler is that of ")) splat_.interrupt = text.substr(33);
    if (const std::size_t at = text.find(" is released only after "); at != std::string_view::npos) {
      const std::string name(text.substr(10, at - 10));
      splat_.crosslocks.insert(name);
      story_ = &splat_.stories[name];
      story_->history = has(text, "(history: ");
    }
    return true;
  }
  if (story_ == nullptr) return false;
  if (text.starts_with("[W] ")) {
    who(" waits for ", story_->waiter);
    stack_ = &story_->wait_stack;
  } else if (text.starts_with("[S] ")) {
    who(", which is to release it", story_->releaser);
    stack_ = &story_->request_stack;
  } else if (text.starts_with("[E] ")) {
    stack_ = &story_->release_stack;
  } else {
    return false;
  }
  return true;
}

}  // namespace crossdep::traces
