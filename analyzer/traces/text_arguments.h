// SPDX-License-Identifier: MIT
//
// What may stand behind the event of a text trace's line, taken apart: `class= sub= kind= mode= wait= site= nest= mutex=
// by= queue= n= order= held=`, the flags `try timed all failed nest_ok threaded recursive
// errorcheck of_process`, and one or two objects.
//
// Threading: pure.  Allocation: messages only; views point into the line.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/types.h"
#include "traces/text_words.h"

namespace crossdep::traces {

struct TextArguments {
  std::string_view object;      // first plain word
  std::string_view second;      // second, where the event has two
  std::optional<std::string_view> class_name, nest, mutex, by, queue;
  std::string_view site;
  std::optional<unsigned> subclass;
  std::optional<engine::Kind> kind;
  engine::Mode mode = engine::Mode::kWrite;
  std::uint8_t flags = 0;       // RequestFlag
  std::uint8_t lock_flags = 0;  // InstanceFlag, of a lock made by this line
  unsigned wait_outer = 0, wait_inner = 0;
  unsigned long long count = 1;
  bool all = false, failed = false, threaded = false, nest_ok = false;
  bool order_address = false, order_parent = false;
};

/// Takes the words behind the event; `two_objects`: the event has a second plain word. False: `error` says why.
bool parse_text_arguments(const std::vector<TextWord>& words, bool two_objects, TextArguments& out, std::string& error);

/// Kinds of locks by the names text traces use (`kind=`).
std::string_view text_kind_name(engine::Kind kind);
bool parse_text_kind(std::string_view name, engine::Kind& kind);

}  // namespace crossdep::traces
