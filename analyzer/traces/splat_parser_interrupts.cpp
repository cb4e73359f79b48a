// SPDX-License-Identifier: MIT
//
// See splat_parser.h: the lines of the splats about interrupts: which rule, where each class became what it is, and the
// lists of dependencies between them.
#include "traces/splat_parser.h"
#include "traces/splat_words.h"

namespace crossdep::traces {

bool SplatParser::interrupt_rule(std::string_view text) {
  if (text.starts_with("inconsistent {") && has(text, "} -> {")) {
    splat_.first_state = between(text, "{", "}");
    splat_.second_state = between(text, "-> {", "}");
    return true;
  }
  if (text.starts_with("{") && has(text, "} state was registered at:")) {
    back_from_trace();
    stack_ = &splat_.first_stack;
    return true;
  }
  if (text.starts_with("but this lock took another, ") || text.starts_with("but this lock was taken by another, ")) {
    splat_.interrupt = interrupt_in(text);
    splat_.other_is_safe = text.starts_with("but this lock was");
    next_ = Next::kOther;
    return true;
  }
  if (text.starts_with("which would create a new lock dependency")) {
    next_ = Next::kNewDependency;
    return true;
  }
  const bool unsafe = has(text, "unsafe");
  if (text.starts_with("but this new dependency connects a ") || (text.starts_with("to a ") && unsafe)) {
    splat_.interrupt = interrupt_in(text);
    next_ = unsafe ? Next::kUnsafe : Next::kSafe;
    return true;
  }
  if (text.starts_with("irq event stamp: ") || text.starts_with("hardirqs last ") || text.starts_with("softirqs last ")) {
    if (!in_trace_) stack_ = nullptr;
    return true;
  }
  if (has(text, "which became ") && text.ends_with("at:")) {
    back_from_trace();
    stack_ = unsafe ? &splat_.unsafe_stack : &splat_.safe_stack;
    return true;
  }
  return false;
}

// The lists of shortest dependencies below the interrupt rules' splats.
bool SplatParser::path(std::string_view text) {
  if (text.starts_with("the shortest dependencies between") || text.starts_with("the dependencies between")) {
    back_from_trace();
    path_ = has(text, "lock to be acquired") ? &splat_.second_path : &splat_.first_path;
    return true;
  }
  if (text.starts_with("the ") && text.ends_with("lock's dependencies:")) {
    splat_.whole_paths = false;
    path_ = nullptr;
    return true;
  }
  if (path_ == nullptr) return false;
  if (text.starts_with("-> (") && (has(text, " ops: ") || text.ends_with("{"))) {
    std::string_view rest = text.substr(3);
    PrintedLock lock;
    if (!parse_class(rest, lock)) return false;
    path_->push_back({lock, {}});
    stack_ = nullptr;
    return true;
  }
  if (text == "... acquired at:") {
    stack_ = path_->empty() ? nullptr : &path_->back().stack;
    return true;
  }
  if (text.starts_with("... key")) {
    stack_ = nullptr;
    return true;
  }
  if (!text.ends_with(" at:") || path_->empty()) return false;
  // "HARDIRQ-ON-W at:": of the unsafe end where it was used so, of the safe one where the interrupt did.
  UsageWord use;
  stack_ = nullptr;
  if (splat_.kind == SplatKind::kInversion && parse_usage_word(text.substr(0, text.size() - 4), use) && use.interrupt == splat_.interrupt) {
    PrintedStack& stack = use.inside ? splat_.safe_stack : splat_.unsafe_stack;
    const bool the_end = path_->size() == 1 && use.inside == splat_.other_is_safe;
    if (the_end && stack.empty()) stack_ = &stack;
  }
  return true;
}

}  // namespace crossdep::traces
