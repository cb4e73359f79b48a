// SPDX-License-Identifier: MIT
//
// Expressions under a state: which places, which values; and what a callee's places are for its caller.
//
// Threading: none.  Allocation: the heap.
#include <algorithm>

#include "source/analyse.h"

namespace crossdep::source {

namespace {
constexpr std::size_t kPlaces = 6;

void add_place(std::vector<PlaceId>& to, PlaceId place) {
  if (place != kNoPlace && to.size() < kPlaces && std::find(to.begin(), to.end(), place) == to.end()) to.push_back(place);
}
}  // namespace

PlaceId FunctionAnalysis::variable(std::int32_t index) {
  const Function* function = &f_;
  FunctionId id = id_;
  // A lambda's outer variables are those of the function around it.
  for (;;) {
    const Variable& v = function->variables[static_cast<std::size_t>(index)];
    if (v.outer < 0) break;
    const auto& around = p_.defined(function->outer);
    if (around.empty()) break;
    index = v.outer;
    id = around.front();
    function = &p_.function(id);
  }
  return places_.intern({PlaceKind::kLocal, kNoPlace, id, index, -1});
}

int FunctionAnalysis::truth(const Values& values) {
  int all = -2;
  for (const Value& value : values) {
    int one = -1;
    if (value.kind == Value::Kind::kConst) one = value.number != 0;
    else if (value.kind != Value::Kind::kContent && value.kind != Value::Kind::kParameter) one = 1;
    if (one < 0 || (all != -2 && all != one)) return -1;
    all = one;
  }
  return all == -2 ? -1 : all;
}

Values FunctionAnalysis::load(const State& state, PlaceId place) {
  if (const auto at = state.known.find(place); at != state.known.end()) return at->second.values;
  // What the whole of an array or object was set to is not known of its parts.
  const PlaceKind root = places_.root(place);
  const Place& top = places_.at(places_.root_place(place));
  if (root == PlaceKind::kLocal) {
    if (places_.at(place).kind == PlaceKind::kLocal && top.number == id_ && top.index < f_.parameters)
      return {{Value::Kind::kParameter, top.index}};
    if (Values own = p_.own_parts(place); !own.empty()) return own;
    bool anything = false;
    const Values stored = p_.content(place, anything);
    return anything ? Values() : stored;
  }
  if (root != PlaceKind::kGlobal)
    if (Values own = p_.own_parts(place); !own.empty()) return own;
  if (root != PlaceKind::kParam) {
    bool anything = false;
    Values stored = p_.content(place, anything);
    // Nobody notes where nothing is stored.
    if (!stored.empty()) {
      if (stored[0].kind == Value::Kind::kAddress && stored.size() < kValues) stored.insert(stored.begin(), {Value::Kind::kConst, 0});
      return stored;
    }
  }
  return {{Value::Kind::kContent, place}};
}

std::vector<PlaceId> FunctionAnalysis::dereferenced(const State& state, const Values& values, const std::string& record) {
  std::vector<PlaceId> out;
  const std::int32_t type = record.empty() ? -1 : places_.text(record);
  if (values.empty() && type >= 0) add_place(out, places_.of_type(type));
  for (const Value& value : values) {
    switch (value.kind) {
      case Value::Kind::kAddress: add_place(out, static_cast<PlaceId>(value.number)); break;
      case Value::Kind::kParameter: add_place(out, places_.intern({PlaceKind::kParam, kNoPlace, -1, static_cast<std::int32_t>(value.number), -1})); break;
      case Value::Kind::kContent: add_place(out, places_.pointee(static_cast<PlaceId>(value.number))); break;
      case Value::Kind::kNonZero:
        if (type >= 0) add_place(out, places_.of_type(type));
        break;
      default: break;   // a null pointer leads nowhere
    }
  }
  (void)state;
  return out;
}

std::vector<PlaceId> FunctionAnalysis::places(const State& state, ExprId id) {
  if (id == kNoExpr) return {};
  const Expr& e = f_.exprs[static_cast<std::size_t>(id)];
  std::vector<PlaceId> out;
  switch (e.kind) {
    case ExprKind::kVar: return {variable(static_cast<std::int32_t>(e.number))};
    case ExprKind::kGlobal: return {places_.intern({PlaceKind::kGlobal, kNoPlace, p_.symbol(e.name), -1, -1})};
    case ExprKind::kMember:
      for (const PlaceId base : places(state, e.a)) add_place(out, places_.member(base, places_.text(e.name), places_.text(e.type)));
      return out;
    case ExprKind::kIndex: {
      std::int32_t index = static_cast<std::int32_t>(e.number);
      const Expr* by = e.b == kNoExpr ? nullptr : &f_.exprs[static_cast<std::size_t>(e.b)];
      const bool counts = by != nullptr && by->kind == ExprKind::kLoad && f_.exprs[static_cast<std::size_t>(by->a)].kind == ExprKind::kVar &&
                          stepped_.count(static_cast<std::int32_t>(f_.exprs[static_cast<std::size_t>(by->a)].number)) != 0;
      if (index < 0 && by != nullptr && !counts) {
        const Values number = values(state, e.b);
        if (number.size() == 1 && number[0].kind == Value::Kind::kConst && number[0].number >= 0 && number[0].number < 1 << 20)
          index = static_cast<std::int32_t>(number[0].number);
      }
      for (const PlaceId base : places(state, e.a)) {
        // &array[0] of a pointer to one element is that element.
        const bool of_element = places_.at(base).kind == PlaceKind::kElement && f_.exprs[static_cast<std::size_t>(e.a)].kind == ExprKind::kDeref;
        if (of_element) {
          const Place& element = places_.at(base);
          const bool known = element.index >= 0 && index >= 0;
          if (!known) p_.note_element(element.parent);
          add_place(out, places_.element(element.parent, known ? element.index + index : -1));
          continue;
        }
        if (index < 0) p_.note_element(base);
        add_place(out, places_.element(base, index));
      }
      return out;
    }
    case ExprKind::kDeref: return dereferenced(state, values(state, e.a), e.type);
    case ExprKind::kUnknown:
    case ExprKind::kFresh: return {};
    default: return {};
  }
}

// The one place an expression stands for; or, if it may be one of several, the place as it is written: the same words mean
// the same place until one of the pointers in them is set.
PlaceId FunctionAnalysis::written_place(const State& state, ExprId id) {
  if (id == kNoExpr) return kNoPlace;
  if (const std::vector<PlaceId> one = places(state, id); one.size() == 1) return one[0];
  const Expr& e = f_.exprs[static_cast<std::size_t>(id)];
  if (e.kind == ExprKind::kMember) {
    const PlaceId base = written_place(state, e.a);
    return base == kNoPlace ? kNoPlace : places_.member(base, places_.text(e.name), places_.text(e.type));
  }
  if (e.kind == ExprKind::kDeref && e.a != kNoExpr && f_.exprs[static_cast<std::size_t>(e.a)].kind == ExprKind::kLoad) {
    const PlaceId cell = written_place(state, f_.exprs[static_cast<std::size_t>(e.a)].a);
    return cell == kNoPlace ? kNoPlace : places_.pointee(cell);
  }
  return kNoPlace;
}

Values FunctionAnalysis::values(const State& state, ExprId id) {
  if (id == kNoExpr) return {};
  const Expr& e = f_.exprs[static_cast<std::size_t>(id)];
  Values out;
  bool anything = false;
  switch (e.kind) {
    case ExprKind::kLoad: {
      const std::vector<PlaceId> from = places(state, e.a);
      for (const PlaceId place : from) {
        const Values one = load(state, place);
        if (one.empty()) anything = true;
        for (const Value& value : one) add(out, value, anything);
      }
      return anything || from.empty() ? Values() : out;
    }
    case ExprKind::kAddress:
      for (const PlaceId place : places(state, e.a)) add(out, {Value::Kind::kAddress, place}, anything);
      return out;
    case ExprKind::kFunction: return {{Value::Kind::kFunction, p_.symbol(e.name)}};
    case ExprKind::kConst: return {{Value::Kind::kConst, e.number}};
    case ExprKind::kString: return {{Value::Kind::kString, places_.text(e.name)}};
    case ExprKind::kEqual: {
      const Values inner = values(state, e.a);
      if (inner.size() == 1 && inner[0].kind == Value::Kind::kConst) return {{Value::Kind::kConst, inner[0].number == e.number}};
      if (e.number == 0) {
        const int known = truth(inner);
        if (known >= 0) return {{Value::Kind::kConst, 1 - known}};
      }
      return {};
    }
    case ExprKind::kMask: {
      for (const Value& value : values(state, e.a)) {
        if (value.kind != Value::Kind::kConst) return {};
        add(out, {Value::Kind::kConst, value.number & e.number}, anything);
      }
      return anything ? Values() : out;
    }
    case ExprKind::kNot: {
      const int known = truth(values(state, e.a));
      if (known >= 0) return {{Value::Kind::kConst, 1 - known}};
      return {};
    }
    case ExprKind::kFresh:
      return e.type.empty() ? Values{{Value::Kind::kNonZero, 0}} : Values{{Value::Kind::kAddress, places_.of_type(places_.text(e.type))}};
    case ExprKind::kUnknown:
      return e.type.empty() ? Values() : Values{{Value::Kind::kAddress, places_.of_type(places_.text(e.type))}};
    default: {   // a place where a value is wanted: its content
      for (const PlaceId place : places(state, id)) {
        const Values one = load(state, place);
        if (one.empty()) anything = true;
        for (const Value& value : one) add(out, value, anything);
      }
      return anything ? Values() : out;
    }
  }
}

std::vector<PlaceId> FunctionAnalysis::substituted(const State& state, PlaceId id, const std::vector<Values>& args) {
  if (memo_ == nullptr || memo_->state != &state || memo_->args != &args) return substitute(state, id, args);
  if (const auto known = memo_->places.find(id); known != memo_->places.end()) return known->second;
  Memo& memo = *memo_;
  std::vector<PlaceId> out = substitute(state, id, args);
  memo.places.emplace(id, out);
  return out;
}

std::vector<PlaceId> FunctionAnalysis::substitute(const State& state, PlaceId id, const std::vector<Values>& args) {
  const Place place = places_.at(id);
  std::vector<PlaceId> out;
  switch (place.kind) {
    case PlaceKind::kParam: {
      const auto index = static_cast<std::size_t>(place.index);
      const Values given = index < args.size() ? args[index] : Values();
      out = dereferenced(state, given, {});
      // Without a type the members below it still say what they belong to.
      if (out.empty() && (given.empty() || given[0].kind == Value::Kind::kNonZero)) out.push_back(places_.of_type(-1));
      return out;
    }
    case PlaceKind::kPointee:
      if (places_.root(place.parent) != PlaceKind::kParam) return {id};
      for (const PlaceId cell : substituted(state, place.parent, args))
        for (const PlaceId to : dereferenced(state, load(state, cell), {})) add_place(out, to);
      return out;
    case PlaceKind::kMember:
      for (const PlaceId base : substituted(state, place.parent, args)) add_place(out, places_.member(base, place.number, place.record));
      return out;
    case PlaceKind::kElement:
      for (const PlaceId base : substituted(state, place.parent, args)) {
        if (place.index < 0) p_.note_element(base);
        add_place(out, places_.element(base, place.index));
      }
      return out;
    default:
      return {id};
  }
}

Values FunctionAnalysis::substituted(const State& state, const Values& values, const std::vector<Values>& args) {
  Values out;
  bool anything = false;
  for (const Value& value : values) {
    switch (value.kind) {
      case Value::Kind::kParameter: {
        const auto index = static_cast<std::size_t>(value.number);
        if (index >= args.size() || args[index].empty()) return {};
        for (const Value& given : args[index]) add(out, given, anything);
        break;
      }
      case Value::Kind::kAddress:
        for (const PlaceId place : substituted(state, static_cast<PlaceId>(value.number), args)) add(out, {Value::Kind::kAddress, place}, anything);
        break;
      case Value::Kind::kContent: {
        const auto cell = static_cast<PlaceId>(value.number);
        if (places_.root(cell) != PlaceKind::kParam) {
          for (const Value& one : load(state, cell)) add(out, one, anything);
          break;
        }
        for (const PlaceId place : substituted(state, cell, args)) {
          const Values one = load(state, place);
          if (one.empty()) return {};
          for (const Value& v : one) add(out, v, anything);
        }
        break;
      }
      default: add(out, value, anything);
    }
  }
  return anything ? Values() : out;
}

}  // namespace crossdep::source
