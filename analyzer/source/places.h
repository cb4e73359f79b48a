// SPDX-License-Identifier: MIT
//
// Places in memory and the values in them, as far as lock orders need them. Places are interned: equal places have equal
// numbers. A place is relative to a parameter until a call tells what is passed.
//
// Threading: none.  Allocation: the heap.
#pragma once

#include <compare>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

namespace crossdep::source {

using PlaceId = std::int32_t;
inline constexpr PlaceId kNoPlace = -1;

enum class PlaceKind : std::uint8_t {
  kGlobal,    // `number` is a symbol
  kLocal,     // variable `index` of function `number`
  kParam,     // what parameter `index` points to
  kPointee,   // what the value that was in the place `parent` points to
  kOfType,    // some object of a record
  kMember,    // `number` is the member's name, of record `record`
  kElement,   // `index`, -1: any
};

struct Place {
  PlaceKind kind = PlaceKind::kOfType;
  PlaceId parent = kNoPlace;
  std::int32_t number = -1;      // a symbol, a function, a text
  std::int32_t index = -1;
  std::int32_t record = -1;      // text
  auto operator<=>(const Place&) const = default;
};

struct Value {
  enum class Kind : std::uint8_t { kConst, kNonZero, kAddress, kFunction, kString, kContent, kParameter };
  Kind kind = Kind::kConst;
  std::int64_t number = 0;       // constant, place, function, text, parameter
  auto operator<=>(const Value&) const = default;
};

/// Sorted, at most kValues; empty: it may be anything.
using Values = std::vector<Value>;
inline constexpr std::size_t kValues = 6;
void add(Values& to, const Value& value, bool& anything);
void insert(std::vector<PlaceId>& sorted, PlaceId place);

class Places {
 public:
  PlaceId intern(const Place& place);
  PlaceId size() const { return static_cast<PlaceId>(places_.size()); }
  const Place& at(PlaceId id) const { return places_[static_cast<std::size_t>(id)]; }
  std::int32_t text(const std::string& text);
  const std::string& text(std::int32_t id) const { return texts_[static_cast<std::size_t>(id)]; }

  PlaceId member(PlaceId parent, std::int32_t name, std::int32_t record);
  PlaceId element(PlaceId parent, std::int32_t index) { return intern({PlaceKind::kElement, parent, -1, index, -1}); }
  /// What the value once in `cell` points to; beyond a few steps it is any object.
  PlaceId pointee(PlaceId cell);
  PlaceId of_type(std::int32_t record) { return intern({PlaceKind::kOfType, kNoPlace, -1, -1, record}); }

  PlaceKind root(PlaceId id) const;          // kParam, kGlobal, kLocal or kOfType: where the chain begins
  PlaceId root_place(PlaceId id) const;
  bool inside(PlaceId id, PlaceId outer) const;   // a part of it, or itself
  bool through(PlaceId id, PlaceId cell) const;   // reached by the pointer in `cell`
  bool exact(PlaceId id) const;              // one object: no pointer, no unknown index on the way

 private:
  std::deque<Place> places_;      // what is referred to stays where it is while others come
  struct Hash {
    std::size_t operator()(const Place& p) const {
      std::uint64_t hash = static_cast<std::uint64_t>(p.kind);
      for (const std::int32_t part : {p.parent, p.number, p.index, p.record}) hash = (hash ^ static_cast<std::uint32_t>(part)) * 0x9e3779b97f4a7c15u, hash ^= hash >> 29;
      return static_cast<std::size_t>(hash);
    }
  };
  std::unordered_map<Place, PlaceId, Hash> ids_;
  std::deque<std::string> texts_;
  std::map<std::string, std::int32_t> text_ids_;
};

}  // namespace crossdep::source
