// SPDX-License-Identifier: MIT
//
// See json_tree.h. When the parser hands over a key or value it has read just past its end (a number one character
// further, which told that it is over), so the first character is found by going back.
//
// Threading: pure functions.  Allocation: the heap.
#include "rules/json_tree.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

namespace crossdep::rules {
namespace {

constexpr std::size_t kDeepest = 32;   // rule files are three levels deep

/// Hands out the text and counts what was taken.
class Counter {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  Counter(const char* at, const char* begin, std::size_t* taken) : at_(at), begin_(begin), taken_(taken) {}
  reference operator*() const { return *at_; }
  Counter& operator++() {
    ++at_;
    *taken_ = static_cast<std::size_t>(at_ - begin_);
    return *this;
  }
  Counter operator++(int) {
    Counter before = *this;
    ++*this;
    return before;
  }
  bool operator==(const Counter& other) const { return at_ == other.at_; }
  bool operator!=(const Counter& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  const char* begin_;
  std::size_t* taken_;
};

class Lines {
 public:
  explicit Lines(std::string_view text) : text_(text) {
    begins_.push_back(0);
    for (std::size_t i = 0; i < text.size(); ++i)
      if (text[i] == '\n') begins_.push_back(i + 1);
  }
  Position at(std::size_t offset) const {
    offset = std::min(offset, text_.size());
    const auto after = std::upper_bound(begins_.begin(), begins_.end(), offset);
    const std::size_t line = static_cast<std::size_t>(after - begins_.begin());
    return {static_cast<unsigned>(line), static_cast<unsigned>(offset - begins_[line - 1] + 1)};
  }

 private:
  std::string_view text_;
  std::vector<std::size_t> begins_;
};

class Builder final : public nlohmann::json_sax<nlohmann::json> {
 public:
  Builder(std::string_view text, const Lines& lines, const std::size_t& taken, JsonNode& root, JsonError& error)
      : text_(text), lines_(lines), taken_(taken), root_(root), error_(error) {}

  bool null() override { return word(JsonNode::Type::kNull); }
  bool boolean(bool value) override {
    JsonNode* node = add(JsonNode::Type::kBoolean, begin_of_word());
    if (node != nullptr) node->boolean = value;
    return node != nullptr;
  }
  bool number_integer(number_integer_t value) override { return number(true, value, static_cast<double>(value)); }
  bool number_unsigned(number_unsigned_t value) override {
    const bool fits = value <= static_cast<number_unsigned_t>(INT64_MAX);
    return number(fits, fits ? static_cast<std::int64_t>(value) : 0, static_cast<double>(value));
  }
  bool number_float(number_float_t value, const string_t&) override { return number(false, 0, value); }
  bool string(string_t& value) override {
    JsonNode* node = add(JsonNode::Type::kText, begin_of_text());
    if (node != nullptr) node->text = value;
    return node != nullptr;
  }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(JsonNode::Type::kObject); }
  bool start_array(std::size_t) override { return open(JsonNode::Type::kList); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& value) override {
    JsonNode& object = *open_.back();
    const Position at = lines_.at(begin_of_text());
    if (std::find(object.keys.begin(), object.keys.end(), value) != object.keys.end())
      return fail(at, "key \"" + value + "\" is given twice");
    object.keys.push_back(value);
    object.key_at.push_back(at);
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& wrong) override {
    std::string cause = wrong.what();   // "[json...] parse error at line 1, column 2: syntax error while parsing ..."
    if (const std::size_t colon = cause.find(": "); colon != std::string::npos) cause.erase(0, colon + 2);
    for (char& c : cause)
      if (static_cast<unsigned char>(c) < ' ' || c == 127) c = '?';
    return fail(lines_.at(position == 0 ? 0 : position - 1), cause);
  }

 private:
  bool fail(Position at, std::string cause) {
    error_ = {at, std::move(cause)};
    return false;
  }

  std::size_t begin_of_text() const {
    std::size_t at = std::min(taken_, text_.size());
    if (at == 0) return 0;
    for (--at; at > 0;) {   // from the closing quotation mark to one that no odd number of backslashes escapes
      --at;
      if (text_[at] != '"') continue;
      std::size_t slashes = 0;
      while (slashes < at && text_[at - slashes - 1] == '\\') ++slashes;
      if (slashes % 2 == 0) return at;
    }
    return 0;
  }
  static bool of_word(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == 'E' || c == '+' || c == '-' || c == '.'; }
  std::size_t begin_of_word() const {
    std::size_t at = std::min(taken_, text_.size());
    if (at > 0 && !of_word(text_[at - 1])) --at;
    while (at > 0 && of_word(text_[at - 1])) --at;
    return at;
  }

  JsonNode* add(JsonNode::Type type, std::size_t offset) {
    JsonNode* node = &root_;
    if (!open_.empty()) node = &open_.back()->items.emplace_back();
    node->type = type;
    node->at = lines_.at(offset);
    return node;
  }
  bool word(JsonNode::Type type) { return add(type, begin_of_word()) != nullptr; }
  bool number(bool whole, std::int64_t value, double real) {
    JsonNode* node = add(JsonNode::Type::kNumber, begin_of_word());
    node->whole = whole;
    node->number = value;
    node->real = real;
    return true;
  }
  // What lies in an open list or object is not moved while it is open: only the innermost one grows.
  bool open(JsonNode::Type type) {
    const std::size_t offset = taken_ == 0 ? 0 : taken_ - 1;
    if (open_.size() == kDeepest) return fail(lines_.at(offset), "is nested too deeply");
    open_.push_back(add(type, offset));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  std::string_view text_;
  const Lines& lines_;
  const std::size_t& taken_;
  JsonNode& root_;
  JsonError& error_;
  std::vector<JsonNode*> open_;
};

}  // namespace

const JsonNode* JsonNode::find(std::string_view key) const {
  for (std::size_t i = 0; i < keys.size(); ++i)
    if (keys[i] == key) return &items[i];
  return nullptr;
}

const char* JsonNode::kind() const {
  switch (type) {
    case Type::kNull: return "null";
    case Type::kBoolean: return boolean ? "true" : "false";
    case Type::kNumber: return "a number";
    case Type::kText: return "text";
    case Type::kList: return "a list";
    case Type::kObject: return "an object";
  }
  return "something else";
}

bool parse_json(std::string_view text, JsonNode& root, JsonError& error) {
  const Lines lines(text);
  std::size_t taken = 0;
  Builder builder(text, lines, taken, root, error);
  const char* const begin = text.data();
  const Counter first(begin, begin, &taken), last(begin + text.size(), begin, &taken);
  try {
    return nlohmann::json::sax_parse(first, last, &builder, nlohmann::json::input_format_t::json, true, true);
  } catch (const std::exception& wrong) {
    error = {lines.at(taken), wrong.what()};
    return false;
  }
}

}  // namespace crossdep::rules
