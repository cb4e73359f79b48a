// SPDX-License-Identifier: MIT
//
// An object of a graph file being read strictly: each key is asked for once, what nobody asked for is an error, and errors
// name their place ("/findings/0/verdict"). The first error is kept; whoever reads on after it does nothing.
//
// Threading: one thread.  Allocation: only for errors.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "reports/graph.h"
#include "reports/json.h"
#include "reports/json_tape.h"

namespace crossdep::reports {

inline bool parse_hex(const std::string& text, std::uint64_t& out) {
  if (!text.starts_with("0x") || text.size() < 3) return false;
  const auto [end, error] = std::from_chars(text.data() + 2, text.data() + text.size(), out, 16);
  return error == std::errc() && end == text.data() + text.size();
}

/// Where in the document something stands; becomes text only if reading fails there.
struct Place {
  static constexpr std::size_t kNoNumber = ~std::size_t{0};
  const Place* up = nullptr;
  const char* key = "";
  std::size_t number = kNoNumber;

  std::string text() const {
    std::string out = up != nullptr ? up->text() : std::string();
    if (*key != 0) out.append("/").append(key);
    return number != kNoNumber ? out + "/" + std::to_string(number) : out;
  }
};

/// One JSON object being read: each key is taken once, end() refuses what nobody took. After the first error every call
/// is a no-op, so callers read on without looking. A file has its keys in the order in which they are asked for here:
/// a key is looked for from the last one on.
class Object {
 public:
  Object(JsonValue json, const Place& place, std::optional<ReadError>& error) : json_(json), place_(place), error_(error) {
    if (json.is_object()) {
      size_ = json.size();
      next_ = json.first();
    } else {
      fail("", "is not an object");
    }
  }
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  /// False if it is not there.
  JsonValue get(const char* key, bool needed) {
    if (error_) return {};
    const std::string_view wanted = key;
    for (std::size_t tried = 0; tried < size_; ++tried, ++position_) {
      if (position_ == size_) {
        position_ = 0;
        next_ = json_.first();
      }
      const JsonValue name = next_, value = name.after();
      next_ = value.after();
      if (!is(name, wanted)) continue;
      if (position_ < 64) taken_ |= std::uint64_t{1} << position_;
      ++position_;
      return value;
    }
    if (needed) fail("", std::string("key \"") + key + "\" is missing");
    return {};
  }

  void text(const char* key, std::string& out, bool needed = false) {
    const JsonValue value = get(key, needed);
    if (!value) return;
    if (!value.is_text()) return fail(key, "is not a string");
    out = value.text();
  }

  template <typename Number>
  void number(const char* key, Number& out, bool needed = false) {
    if (const JsonValue value = get(key, needed)) read_number(value, key, out);
  }

  template <typename Number>
  void read_number(JsonValue value, const std::string& where, Number& out) {
    std::uint64_t magnitude = 0;
    bool negative = false;
    if (!value.whole_number(magnitude, negative)) return fail(where, "is not a whole number");
    if (negative && std::is_unsigned_v<Number> && magnitude != 0) return fail(where, "is negative");
    if (magnitude > static_cast<std::uint64_t>(std::numeric_limits<Number>::max())) return fail(where, "is out of range");
    out = static_cast<Number>(magnitude);
    if (negative) out = static_cast<Number>(-out);
  }

  void hex(const char* key, std::uint64_t& out, bool needed = false) {
    std::string value;
    text(key, value, needed);
    if (!error_ && !value.empty() && !parse_hex(value, out)) fail(key, "is not a hexadecimal number");
  }

  void flag(const char* key, bool& out) {
    const JsonValue value = get(key, false);
    if (!value) return;
    if (!value.is_boolean()) return fail(key, "is not true or false");
    out = value.is_true();
  }

  /// A word of one of graph.h's vocabularies.
  template <typename Word>
  void enumerated(const char* key, Word& out) {
    const JsonValue value = get(key, true);
    if (!value) return;
    if (!value.is_text()) return fail(key, "is not a string");
    bool plain = false;
    const std::string_view raw = value.raw(plain);
    if (!(plain ? parse(raw, out) : parse(value.text(), out))) fail(key, "has the unknown value \"" + value.text() + "\"");
  }

  /// An index into a table of this size.
  void index(const char* key, Index& out, std::size_t size, bool needed = false) {
    if (const JsonValue value = get(key, needed)) read_index(value, key, out, size);
  }
  void read_index(JsonValue value, const std::string& where, Index& out, std::size_t size) {
    read_number(value, where, out);
    if (!error_ && out >= size) fail(where, "is beyond the end of its table (" + std::to_string(size) + " entries)");
  }

  /// Calls read(element, place) for each element, start(number of elements) before.
  template <typename Start, typename Read>
  void list(const char* key, bool needed, Start start, Read read) {
    const JsonValue value = get(key, needed);
    if (!value) return;
    if (!value.is_array()) return fail(key, "is not an array");
    start(value.size());
    JsonValue element = value.first();
    for (std::size_t i = 0; i < value.size() && !error_; ++i, element = element.after()) read(element, Place{&place_, key, i});
  }

  /// Derived data: must be there in this form, its content is made again from the rest.
  void derived(const char* key, bool array) {
    const JsonValue value = get(key, true);
    if (value && !(array ? value.is_array() : value.is_object())) fail(key, array ? "is not an array" : "is not an object");
  }

  Place place_of(const char* key) const { return {&place_, key}; }

  void end() {
    if (error_) return;
    JsonValue name = json_.first();
    std::vector<JsonValue> before;
    const bool all = size_ < 64 && taken_ == (std::uint64_t{1} << size_) - 1;
    for (std::size_t i = 0; !all && i < size_; ++i, name = name.after().after()) {
      const std::string key = name.text();
      const bool twice = std::any_of(before.begin(), before.end(), [&](JsonValue other) { return is(other, key); });
      if (twice) return fail("", "key \"" + key + "\" stands twice");
      if (i >= 64 || (taken_ >> i & 1) == 0) return fail("", "unknown key \"" + key + "\"");
      before.push_back(name);
    }
  }

  void fail(const std::string& key, const std::string& cause) {
    if (error_) return;
    const std::string where = key.empty() ? place_.text() : place_.text() + "/" + key;
    error_ = ReadError{where.empty() ? "/" : where, cause};
  }

 private:
  static bool is(JsonValue name, std::string_view wanted) {
    bool plain = false;
    const std::string_view raw = name.raw(plain);
    if (!plain) return name.text() == wanted;
    return raw.size() == wanted.size() && raw.front() == wanted.front() && raw == wanted;   // mostly the first two tell
  }

  const JsonValue json_;
  const Place place_;
  std::optional<ReadError>& error_;
  std::size_t size_ = 0, position_ = 0;   // of next_, in members
  JsonValue next_;
  std::uint64_t taken_ = 0;               // which members; no object of a graph has 64
};

}  // namespace crossdep::reports
