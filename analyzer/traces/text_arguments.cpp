// SPDX-License-Identifier: MIT
//
// See text_arguments.h. Unknown words are errors that name the word: a misspelt argument must not change a verdict.
#include "traces/text_arguments.h"

namespace crossdep::traces {

using engine::Kind;
using engine::Mode;

namespace {

constexpr std::string_view kKindNames[engine::kKindCount] = {
    "mutex", "spin", "rwlock", "rwsem", "completion", "cond", "sem", "future", "barrier",
    "latch", "once", "guard", "thread", "process", "work", "workqueue", "futex", "other", "interrupt",
    "operation"};

bool fail(std::string& error, std::string cause) {
  error = std::move(cause);
  return false;
}

bool parse_plain(std::string_view word, bool two_objects, TextArguments& out, std::string& error) {
  if (out.object.empty()) out.object = word;
  else if (word == "try") out.flags |= engine::kTry;
  else if (word == "timed") out.flags |= engine::kTimed;
  else if (word == "all") out.all = true;
  else if (word == "failed") out.failed = true;
  else if (word == "nest_ok") out.nest_ok = true;
  else if (word == "threaded") out.threaded = true;
  else if (word == "recursive") out.lock_flags |= engine::kRecursiveLock;
  else if (word == "errorcheck") out.lock_flags |= engine::kErrorCheck;
  else if (word == "of_process") out.lock_flags |= engine::kOfProcess;
  else if (word == "token") out.lock_flags |= engine::kToken;
  else if (out.second.empty() && two_objects) out.second = word;
  else return fail(error, "unknown argument \"" + std::string(word) + "\"");
  return true;
}

bool parse_keyed(std::string_view key, std::string_view value, TextArguments& out, std::string& error) {
  unsigned long long number = 0;
  if (key == "class") {
    if (value.empty()) return fail(error, "class= is empty");
    out.class_name = value;
  } else if (key == "sub") {
    if (!parse_text_number(value, number) || number > 255) return fail(error, "sub= is not a number from 0 to 255");
    out.subclass = static_cast<unsigned>(number);
  } else if (key == "kind") {
    Kind kind;
    if (!parse_text_kind(value, kind)) return fail(error, "unknown kind=" + std::string(value));
    out.kind = kind;
  } else if (key == "mode") {
    if (value == "write") out.mode = Mode::kWrite;
    else if (value == "read") out.mode = Mode::kRead;
    else if (value == "rread") out.mode = Mode::kRecursiveRead;
    else return fail(error, "mode= is not write, read or rread");
  } else if (key == "wait") {
    const std::size_t colon = value.find(':');
    unsigned long long inner = 0;
    if (colon == std::string_view::npos || !parse_text_number(value.substr(0, colon), number) ||
        !parse_text_number(value.substr(colon + 1), inner) || number > 255 || inner > 255)
      return fail(error, "wait= is not OUTER:INNER");
    out.wait_outer = static_cast<unsigned>(number);
    out.wait_inner = static_cast<unsigned>(inner);
  } else if (key == "n") {
    if (!parse_text_number(value, number)) return fail(error, "n= is not a number");
    out.count = number;
  } else if (key == "order") {
    if (value == "address") out.order_address = true;
    else if (value == "parent") out.order_parent = true;
    else return fail(error, "order= is neither address nor parent");
  } else if (key == "held") {
    if (value != "write" && value != "read") return fail(error, "held= is neither write nor read");
    out.lock_flags |= engine::kLeftHeld;
    if (value == "read") out.lock_flags |= engine::kLeftRead;
  } else if (key == "nest") {
    out.nest = value;
  } else if (key == "mutex") {
    out.mutex = value;
  } else if (key == "by") {
    out.by = value;
  } else if (key == "queue") {
    out.queue = value;
  } else if (key == "site") {
    out.site = value;
  } else {
    return fail(error, "unknown argument " + std::string(key) + "=");
  }
  return true;
}

}  // namespace

bool parse_text_arguments(const std::vector<TextWord>& words, bool two_objects, TextArguments& out, std::string& error) {
  for (std::size_t i = 2; i < words.size(); ++i) {
    const auto& [key, value] = words[i];
    if (!(key.empty() ? parse_plain(value, two_objects, out, error) : parse_keyed(key, value, out, error))) return false;
  }
  return true;
}

std::string_view text_kind_name(Kind kind) {
  const auto number = static_cast<unsigned>(kind);
  return number < engine::kKindCount ? kKindNames[number] : std::string_view();
}

bool parse_text_kind(std::string_view name, Kind& kind) {
  for (unsigned i = 0; i < engine::kKindCount; ++i) {
    if (kKindNames[i] != name) continue;
    kind = static_cast<Kind>(i);
    return true;
  }
  return false;
}

}  // namespace crossdep::traces
