// SPDX-License-Identifier: MIT
//
// JSON with comments as a tree that knows where each part stands, for files people write: an error can name line and
// column of the very word. nlohmann::json's SAX parser does the parsing; it tells no positions, so the text is fed to it
// through an iterator that counts. A key given twice is an error.
//
// Threading: values.  Allocation: the heap.  Errors: no exception leaves.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace crossdep::rules {

struct Position {
  unsigned line = 0, column = 0;   // from 1
};

struct JsonNode {
  enum class Type : std::uint8_t { kNull, kBoolean, kNumber, kText, kList, kObject };

  Type type = Type::kNull;
  Position at;                      // of its first character
  bool boolean = false;
  bool whole = false;               // a number without fraction, which fits `number`
  std::int64_t number = 0;
  double real = 0;
  std::string text;
  std::vector<std::string> keys;    // of an object, in the file's order
  std::vector<Position> key_at;
  std::vector<JsonNode> items;      // of an object or a list

  const JsonNode* find(std::string_view key) const;
  /// "a list", "an object", "text" ... as an error calls it.
  const char* kind() const;
};

struct JsonError {
  Position at;
  std::string cause;
};

/// False: `error` is the first thing that is wrong.
bool parse_json(std::string_view text, JsonNode& root, JsonError& error);

}  // namespace crossdep::rules
