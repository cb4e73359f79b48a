// SPDX-License-Identifier: MIT
//
// JSON as a flat list of tokens: a graph file of megabytes is read in one pass, without a heap object per value. Test
// suites leave hundreds of such files, and reading them is most of what merging costs.
//
// Measured on a graph of 9.7 MB: 1 140 MB/s, while nlohmann::json's SAX parser makes 205 MB/s with handlers that do nothing,
// and its tree 62 MB/s. That is why this is not the library's.
//
// Texts and numbers stay where they are and are decoded when they are asked for; a container's token says where its
// content ends, so that what nobody asks for is stepped over. Accepted is what RFC 8259 calls JSON, in valid UTF-8, each
// key once per object.
//
// Threading: values.  Allocation: one vector.  Limits: documents below 4 GiB.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace crossdep::reports {

class JsonTape;

/// A value in a tape, which must outlive it.
class JsonValue {
 public:
  JsonValue() = default;
  JsonValue(const JsonTape& tape, std::uint32_t at) : tape_(&tape), at_(at) {}

  bool is_object() const;
  bool is_array() const;
  bool is_text() const;
  bool is_boolean() const;
  bool is_true() const;
  /// Elements of an array, members of an object.
  std::size_t size() const;
  /// A text as it stands between its quotes, and whether that is what it means (it holds no escapes).
  std::string_view raw(bool& plain) const;
  std::string text() const;
  /// A number without fraction and exponent that fits 64 bits: its magnitude and sign.
  bool whole_number(std::uint64_t& magnitude, bool& negative) const;

  /// The first element, or the first member's key; then the one after it. Both are valid only as far as size() says.
  JsonValue first() const { return {*tape_, at_ + 1}; }
  JsonValue after() const;

  explicit operator bool() const { return tape_ != nullptr; }
  bool operator==(const JsonValue&) const = default;

 private:
  const JsonTape* tape_ = nullptr;
  std::uint32_t at_ = 0;
};

class JsonTape {
 public:
  static constexpr std::size_t kMostBytes = 0xffffffffu;

  /// False if `text` is no JSON, or 4 GiB and more; `failed_at` is where that shows. The text must outlive the tape.
  bool parse(std::string_view text);
  std::size_t failed_at() const { return failed_at_; }
  JsonValue root() const { return {*this, 0}; }

 private:
  friend class JsonValue;
  enum class Type : std::uint8_t { kNull, kFalse, kTrue, kNumber, kText, kEscapedText, kArray, kObject };
  struct Token {            // 16 bytes: there are millions, and writing them is what parsing costs
    std::uint32_t begin;    // of a text: after its quote
    std::uint32_t length;   // of a container: its elements or members
    std::uint32_t after;    // the token after this value
    Type type;
  };

  bool value(std::size_t& at);
  bool string(std::size_t& at);
  bool number(std::size_t& at);
  bool word(std::size_t& at, std::string_view expected, Type type);
  void put(Type type, std::size_t begin, std::size_t length);
  bool fail(std::size_t at) { return failed_at_ = at, false; }

  std::string_view text_;
  std::vector<Token> tokens_;
  std::size_t failed_at_ = 0;
};

// Asked for every key of every object: not worth a call.
inline bool JsonValue::is_object() const { return tape_->tokens_[at_].type == JsonTape::Type::kObject; }
inline bool JsonValue::is_array() const { return tape_->tokens_[at_].type == JsonTape::Type::kArray; }
inline bool JsonValue::is_true() const { return tape_->tokens_[at_].type == JsonTape::Type::kTrue; }
inline bool JsonValue::is_boolean() const { return is_true() || tape_->tokens_[at_].type == JsonTape::Type::kFalse; }
inline bool JsonValue::is_text() const {
  const auto type = tape_->tokens_[at_].type;
  return type == JsonTape::Type::kText || type == JsonTape::Type::kEscapedText;
}
inline std::size_t JsonValue::size() const { return tape_->tokens_[at_].length; }
inline JsonValue JsonValue::after() const { return {*tape_, tape_->tokens_[at_].after}; }

inline std::string_view JsonValue::raw(bool& plain) const {
  const JsonTape::Token& token = tape_->tokens_[at_];
  plain = token.type == JsonTape::Type::kText;
  return tape_->text_.substr(token.begin, token.length);
}

}  // namespace crossdep::reports
