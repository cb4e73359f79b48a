// SPDX-License-Identifier: MIT
//
// See line_joiner.h.
#include "traces/line_joiner.h"

#include <algorithm>
#include <cctype>

#include "traces/splat.h"
#include "traces/splat_words.h"

namespace crossdep::traces {
namespace {

constexpr unsigned kPieces = 8;          // no lock comes in more
constexpr std::size_t kLongest = 1024;

// "ffff8881 (name", "(____ptrval____) (name": what stands before the class; the text if there is nothing else.
std::string_view behind_address(std::string_view text) {
  const std::string_view word = text.substr(0, text.find(' '));
  const bool hidden = word == "(____ptrval____)" || word == "(__ptrval__)";
  const bool address = word.size() >= 8 && word.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  return hidden || address ? trimmed(text.substr(word.size())) : text;
}

// "-> #3", "#0:", "-> (": what stands before the lock; `numbered` tells whether it is there.
std::string_view behind_number(std::string_view text, bool& numbered) {
  numbered = false;
  std::string_view rest = text;
  if (rest.starts_with("-> ")) rest = trimmed(rest.substr(3));
  if (rest.starts_with("#")) {
    const std::size_t end = std::min(rest.find_first_not_of("0123456789", 1), rest.size());
    if (end == 1) return text;
    rest = rest.substr(end);
    if (rest.starts_with(":")) rest.remove_prefix(1);
    numbered = true;
    return trimmed(rest);
  }
  numbered = rest.size() < text.size() && rest.starts_with("(");
  return numbered ? rest : text;
}

bool balanced(std::string_view text) {
  return std::count(text.begin(), text.end(), '(') == std::count(text.begin(), text.end(), ')');
}

bool has_class(std::string_view text) {
  for (std::size_t at = text.find("){"); at != std::string_view::npos; at = text.find("){", at + 1)) {
    const std::size_t end = text.find('}', at);
    if (end != std::string_view::npos && end > at + 2 && text.substr(at + 2, end - at - 2).find_first_not_of(".+-?") == std::string_view::npos)
      return true;
  }
  return false;
}

bool is_address_only(std::string_view text) { return text.starts_with("[<") && text.ends_with(">]") && text.size() < 30; }

// "f+0x1/0x2 ...", with or without its address
bool is_sized_frame(std::string_view text) {
  bool reliable = true;
  return has(text, "+0x") && !parse_frame(text, reliable).empty();
}

// A function alone, the end of what stands before its file and line.
bool ends_in_function(std::string_view text) {
  const std::string_view word = text.substr(text.rfind(' ') + 1);
  return !function_of(word).empty() && word.find('+') == std::string_view::npos;
}

// Whether something is missing at the end.
bool is_open(std::string_view text) {
  if (text.empty() || text.size() > kLongest) return false;
  if (has_class(text)) {
    const std::size_t at = text.rfind("at:");
    if (at == std::string_view::npos) return false;
    const std::string_view place = trimmed(text.substr(at + 3));
    return place.empty() || is_address_only(place) || (place.find(' ') == std::string_view::npos && ends_in_function(place));
  }
  if (is_address_only(text) || text == "?" || text == ", at:" || text == "at:") return true;
  for (const std::string_view front : {"lock(", "rlock(", "unlock(", "sync("})
    if (text.starts_with(front)) return !has(text, ")");
  bool numbered = false;
  const std::string_view lock = behind_address(behind_number(text, numbered));
  if (lock.empty()) return true;
  if (lock.starts_with("(")) return !has(lock, "+0x") && !has(lock, " from ") && (numbered || !balanced(lock) || lock.size() < text.size());
  return false;
}

// Whether `text` goes on with the open line.
bool goes_on(std::string_view open, std::string_view text) {
  if (text.empty()) return false;
  if (is_address_only(open) || open == "?") return is_sized_frame(text) && !text.starts_with("[<");
  if (has_class(open)) {
    bool reliable = true;
    if (open.ends_with("at:")) return is_address_only(text) || text == function_of(text) || !parse_frame(text, reliable).empty();
    if (open.ends_with(">]")) return is_sized_frame(text) && !text.starts_with("[<");
    return !parse_place(text).empty();
  }
  if (has(open, "lock(") || open.starts_with("sync(")) return true;
  if (open.ends_with("at:")) return is_sized_frame(text);
  const bool piece = text.find(' ') == std::string_view::npos || has_class(text);
  const bool version = text.starts_with("#") && text.find_first_not_of("0123456789", 1) == std::string_view::npos;   // name#12
  if (text.starts_with("-> ") || (text.starts_with("#") && !version)) return false;
  return has(open, "(") ? piece && !is_sized_frame(text) : text.starts_with("(") && (piece || has(text, "("));
}

// Sentences that say what follows; a mailer breaks them anywhere.
constexpr std::string_view kSentences[] = {
    " is trying to acquire lock:", " is trying to acquire:", " is trying to lock:", " just changed the state of lock:", " takes:",
    " is trying to release lock (", "with a lock still held there!", " is leaving the kernel with locks still held!",
    " is exiting with locks still held!", "but task is already holding lock:", "and this task is already holding:",
    "lock in the past:", "which would create a new lock dependency:", "but this new dependency connects a ", "irq-safe lock:",
    "irq-unsafe lock:", "safe at:", "unsafe at:", "state was registered at:", "the existing dependency chain (in reverse order) is:",
    "the shortest dependencies between 2nd lock and 1st lock:", "safe lock and the holding lock:", "unsafe lock:"};

// Behind these a filled-up line goes on with the lock.
constexpr std::string_view kBeforeLock[] = {" is trying to acquire lock:", " is trying to acquire:", "already holding lock:", "already holding:",
                                            " just changed the state of lock:", "lock in the past:", "new lock dependency:", " is trying to lock:"};
// These begin a line of their own.
constexpr std::string_view kBegins[] = {" but task is already holding lock", " and this task is already holding", " but this lock took another,",
                                        " but this lock was taken by another,", " which lock already depends on the new lock",
                                        " which would create a new lock dependency", " and interrupts could create inverse lock ordering"};

// Whether the two lines may be one sentence or title; almost no line of a log may.
bool may_be_sentence(std::string_view first, std::string_view second) {
  if (first.starts_with("[ ")) first.remove_prefix(2);
  return second.back() == ':' || second.back() == '!' || first.back() == ',' || has(second, ": (") || first.starts_with("WARNING:") ||
         first.starts_with("INFO:") || first.starts_with("BUG:");
}

// Whether `both` says a sentence, or is a title, that neither half is.
bool is_sentence(std::string_view first, std::string_view second, std::string_view both) {
  if (splat_kind(both) != SplatKind::kNone && splat_kind(first) == SplatKind::kNone && splat_kind(second) == SplatKind::kNone)
    return splat_kind(both) != SplatKind::kWarning;
  if (first.ends_with(" took another,") || first.ends_with(" taken by another,")) return true;
  for (const std::string_view sentence : kSentences) {
    const std::size_t at = both.find(sentence);
    if (at != std::string_view::npos && at < first.size() && at + sentence.size() > first.size() + 1) return true;
  }
  return false;
}

}  // namespace

void LineJoiner::line(std::string_view line, std::uint64_t number) {
  const std::string_view text = trimmed(line);
  if (!held_.empty()) {
    if (pieces_ < kPieces && held_.size() + text.size() < kLongest && goes_on(trimmed(held_), text)) {
      const bool tight = held_.ends_with("(") || text.starts_with(")") || text.starts_with(",") || text.starts_with(":") ||
                         text.starts_with("/") || text.starts_with("#");
      held_ += (tight ? "" : " ") + std::string(text);
      if (++pieces_; !is_open(trimmed(held_))) flush();
      return;
    }
    flush();
  }
  if (!before_.empty() && !text.empty() && before_.size() + text.size() < kLongest && may_be_sentence(before_, text)) {
    const std::string both = before_ + " " + std::string(text);
    if (is_sentence(before_, text, both)) {
      before_.clear();
      return whole(both, before_number_);
    }
  }
  before_ = text;
  before_number_ = number;
  if (is_open(text)) {
    held_ = line;
    number_ = number;
    pieces_ = 1;
    return;
  }
  whole(line, number);
}

void LineJoiner::whole(std::string_view line, std::uint64_t number) {
  if (has(line, "lock") || has(line, "holding:")) {
    for (const std::string_view words : kBegins) {
      const std::size_t at = line.find(words);
      if (at == std::string_view::npos || at == 0 || trimmed(line.substr(0, at)).empty()) continue;
      whole(line.substr(0, at), number);
      before_.clear();   // what has been taken apart is not joined again
      return this->line(line.substr(at + 1), number);
    }
    for (const std::string_view words : kBeforeLock) {
      const std::size_t at = line.find(words);
      if (at == std::string_view::npos || !has(line.substr(at), "(")) continue;
      out_(line.substr(0, at + words.size()), number);
      return out_(line.substr(at + words.size()), number);
    }
  }
  out_(line, number);
}

void LineJoiner::flush() {
  if (held_.empty()) return;
  const std::string held = std::move(held_);
  held_.clear();
  whole(held, number_);
}

}  // namespace crossdep::traces
