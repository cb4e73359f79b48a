// SPDX-License-Identifier: MIT
//
// Clang's thread safety attributes (clang.llvm.org/docs/ThreadSafetyAnalysis.html), in both spellings: what a function
// without a body here gets, gives back and requires; guards; the order in which locks are declared to be taken. libclang
// shows that an attribute is there but not its arguments, so those are read from the text: a parameter, a member, a
// global, and members of those.
//
// A body says more than an attribute: the attribute's model gives way to it (kFlagModel).
//
// Threading: as lower.h.  Allocation: the heap.
#include <algorithm>
#include <cctype>
#include <utility>

#include "source/lower.h"

namespace crossdep::source {
namespace {

using engine::Mode;

enum class Does { kNothing, kGets, kTries, kGivesBack, kRequires };
struct Meaning {
  Does does = Does::kNothing;
  Mode mode = Mode::kWrite;
};

Meaning meaning(const std::string& name) {
  static const std::unordered_map<std::string, Meaning> kMeanings = {
      {"acquire_capability", {Does::kGets, Mode::kWrite}},       {"exclusive_lock_function", {Does::kGets, Mode::kWrite}},
      {"acquire_shared_capability", {Does::kGets, Mode::kRead}}, {"shared_lock_function", {Does::kGets, Mode::kRead}},
      {"try_acquire_capability", {Does::kTries, Mode::kWrite}},  {"exclusive_trylock_function", {Does::kTries, Mode::kWrite}},
      {"try_acquire_shared_capability", {Does::kTries, Mode::kRead}},
      {"shared_trylock_function", {Does::kTries, Mode::kRead}},  {"release_capability", {Does::kGivesBack, Mode::kWrite}},
      {"release_shared_capability", {Does::kGivesBack, Mode::kRead}},
      {"release_generic_capability", {Does::kGivesBack, Mode::kWrite}},
      {"unlock_function", {Does::kGivesBack, Mode::kWrite}},     {"requires_capability", {Does::kRequires, Mode::kWrite}},
      {"exclusive_locks_required", {Does::kRequires, Mode::kWrite}},
      {"requires_shared_capability", {Does::kRequires, Mode::kRead}},
      {"shared_locks_required", {Does::kRequires, Mode::kRead}},
  };
  const auto at = kMeanings.find(name);
  return at == kMeanings.end() ? Meaning() : at->second;
}

bool in_name(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// "a->b.c" as a, b, c; empty: something else.
std::vector<std::string> path_of(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    while (end < text.size() && (in_name(text[end]) || text.compare(end, 2, "::") == 0 || (text[end] == ':' && end > i && text[end - 1] == ':'))) ++end;
    if (end == i) return {};
    out.push_back(text.substr(i, end - i));
    if (end == text.size()) return out;
    if (text[end] == '.') i = end + 1;
    else if (text.compare(end, 2, "->") == 0) i = end + 2;
    else return {};
  }
  return {};
}

// A member by its name, in the record or a base.
CXCursor member_named(CXCursor record, const std::string& name) {
  const CXCursor general = clang_getSpecializedCursorTemplate(record);
  if (!clang_Cursor_isNull(general)) record = general;
  if (const CXCursor definition = clang_getCursorDefinition(record); !clang_Cursor_isNull(definition)) record = definition;
  const std::vector<CXCursor> parts = children(record);
  for (const CXCursor part : parts) {
    const CXCursorKind kind = clang_getCursorKind(part);
    if ((kind == CXCursor_FieldDecl || kind == CXCursor_VarDecl) && text_of(clang_getCursorSpelling(part)) == name) return part;
  }
  for (const CXCursor part : parts) {
    if (clang_getCursorKind(part) != CXCursor_CXXBaseSpecifier) continue;
    const CXCursor found = member_named(clang_getTypeDeclaration(plain_type(clang_getCursorType(part))), name);
    if (!clang_Cursor_isNull(found)) return found;
  }
  return clang_getNullCursor();
}

bool is_class(CXCursor cursor) {
  const CXCursorKind kind = clang_getCursorKind(cursor);
  return kind == CXCursor_ClassDecl || kind == CXCursor_StructDecl || kind == CXCursor_ClassTemplate || kind == CXCursor_ClassTemplatePartialSpecialization;
}

}  // namespace

std::vector<Attribute> attributes(const UnitLowering& unit, CXCursor declaration) {
  std::vector<Attribute> out;
  std::set<unsigned> seen;
  for (const CXCursor one : {clang_getCanonicalCursor(declaration), declaration})
    for (const CXCursor child : children(one)) {
      if (clang_isAttribute(clang_getCursorKind(child)) == 0) continue;
      const Extent at = extent(child);
      if (!seen.insert(at.begin).second) continue;
      const std::string_view text = unit.text(at.begin, at.end);
      Attribute& attribute = out.emplace_back();
      std::size_t i = 0;
      while (i < text.size() && in_name(text[i])) attribute.name += text[i++];
      if (i < text.size() && text[i] == ':' && (attribute.name == "clang" || attribute.name == "gnu")) {
        attribute.name.clear();
        for (i += 2; i < text.size() && in_name(text[i]);) attribute.name += text[i++];
      }
      int depth = 0;
      std::string argument;
      for (; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '(' && depth++ == 0) continue;
        if (c == ')' && --depth == 0) break;
        if (c == ',' && depth == 1) {
          attribute.args.push_back(std::move(argument));
          argument.clear();
        } else if (c != ' ' && c != '\n' && c != '&' && c != '"') {
          argument += c;
        }
      }
      if (!argument.empty()) attribute.args.push_back(std::move(argument));
    }
  return out;
}

// The address of the object an argument names, seen from a call (`args`, `self`) or from inside the function.
ExprId FunctionLowering::attribute_object(const std::string& text, CXCursor function, const std::vector<ExprId>& args, ExprId self) {
  std::vector<std::string> path = path_of(text);
  if (!path.empty() && path[0] == "this") path.erase(path.begin());
  if (path.empty()) return text == "this" ? self : kNoExpr;
  ExprId object = kNoExpr;
  CXType type{};
  // The address of what a declaration stands for, given the place it is in.
  const auto arrive = [&](CXCursor declaration, ExprId at) {
    type = clang_getCursorType(declaration);
    const bool leads = is_pointer(type) || is_reference(type);
    object = leads ? load(at) : address(at);
    if (is_pointer(type)) type = clang_getPointeeType(plain_type(type));
  };
  const auto member = [&](CXCursor field, ExprId base, const std::string& record) {
    if (clang_getCursorKind(field) == CXCursor_VarDecl) return arrive(field, expr(ExprKind::kGlobal, kNoExpr, 0, unit_.symbol(field), record_name(clang_getCursorType(field))));
    arrive(field, expr(ExprKind::kMember, expr(ExprKind::kDeref, base, 0, {}, record), 0, text_of(clang_getCursorSpelling(field)),
                       record_of_declaration(clang_getCursorSemanticParent(field))));
  };
  std::size_t parameter = 0;
  for (const CXCursor child : children(function)) {
    if (clang_getCursorKind(child) != CXCursor_ParmDecl) continue;
    if (text_of(clang_getCursorSpelling(child)) == path[0] && parameter < args.size()) {
      type = clang_getCursorType(child);
      object = args[parameter];
      if (is_pointer(type)) type = clang_getPointeeType(plain_type(type));
    }
    ++parameter;
  }
  if (object == kNoExpr) {
    const CXCursor record = clang_getCursorSemanticParent(function);
    const CXCursor field = is_class(record) ? member_named(record, path[0]) : clang_getNullCursor();
    const CXCursor global = clang_Cursor_isNull(field) ? unit_.global_named(path[0]) : clang_getNullCursor();
    if (!clang_Cursor_isNull(field) && self != kNoExpr) member(field, self, record_of_declaration(record));
    else if (!clang_Cursor_isNull(global)) arrive(global, expr(ExprKind::kGlobal, kNoExpr, 0, unit_.symbol(global), record_name(clang_getCursorType(global))));
    else return kNoExpr;
  }
  for (std::size_t i = 1; i < path.size(); ++i) {
    const CXCursor record = clang_getTypeDeclaration(plain_type(type));
    const CXCursor field = member_named(record, path[i]);
    if (clang_Cursor_isNull(field)) return kNoExpr;
    member(field, object, record_of_declaration(record));
  }
  return object;
}

std::vector<ExprId> FunctionLowering::attribute_objects(const std::vector<std::string>& texts, CXCursor function, const std::vector<ExprId>& args, ExprId self) {
  std::vector<ExprId> out;
  for (const std::string& text : texts)
    if (const ExprId object = attribute_object(text, function, args, self); object != kNoExpr) out.push_back(object);
  if (texts.empty() && self != kNoExpr) out.push_back(self);
  return out;
}

// What the caller holds, for functions that nobody calls here.
void FunctionLowering::required_locks(CXCursor function) {
  for (const Attribute& attribute : attributes(unit_, function)) {
    const Meaning what = meaning(attribute.name);
    if (what.does != Does::kRequires) continue;
    std::vector<ExprId> args;
    for (std::int32_t i = f_.has_this ? 1 : 0; i < f_.parameters; ++i) args.push_back(load(var(i)));
    const ExprId self = f_.has_this ? load(var(0)) : kNoExpr;
    for (const ExprId object : attribute_objects(attribute.args, function, args, self)) {
      Op& op = emit(OpKind::kHold, function);
      op.object = object;
      op.mode = what.mode;
    }
  }
}

bool FunctionLowering::attributed_call(CXCursor c, CXCursor callee, const std::string& key, ExprId self, ExprId& out) {
  const std::vector<Attribute> all = attributes(unit_, callee);
  const bool locks = std::any_of(all.begin(), all.end(), [](const Attribute& a) {
    const Does does = meaning(a.name).does;
    return does == Does::kGets || does == Does::kTries || does == Does::kGivesBack;
  });
  if (!locks) return false;
  const std::vector<ExprId> passed = passed_arguments(c, callee, self);
  const std::vector<ExprId> args(passed.begin() + (self == kNoExpr || passed.empty() ? 0 : 1), passed.end());
  const Expr me = self == kNoExpr ? Expr() : f_.exprs[static_cast<std::size_t>(self)];
  const bool of_variable = me.kind == ExprKind::kAddress && f_.exprs[static_cast<std::size_t>(me.a)].kind == ExprKind::kVar;
  const auto guard_variable = of_variable ? static_cast<std::int32_t>(f_.exprs[static_cast<std::size_t>(me.a)].number) : -1;
  const std::int32_t result = new_variable("", "");
  bool first = true;
  for (const Attribute& attribute : all) {
    const Meaning what = meaning(attribute.name);
    if (what.does == Does::kNothing || what.does == Does::kRequires) continue;
    if (scoped_.count(guard_variable) != 0) {   // a guard's own lock() and unlock()
      Op& op = emit(what.does == Does::kGivesBack ? OpKind::kReleaseAll : OpKind::kGuard, c);
      op.var = guard_variable;
      op.mode = what.mode;
      continue;
    }
    std::vector<std::string> texts = attribute.args;
    bool zero_is_got = false;
    if (what.does == Does::kTries && !texts.empty()) {
      zero_is_got = texts[0] == "false" || texts[0] == "0";
      texts.erase(texts.begin());
    }
    for (const ExprId object : attribute_objects(texts, callee, args, self)) {
      Op& op = emit(what.does == Does::kGivesBack ? OpKind::kRelease : OpKind::kAcquire, c);
      op.object = object;
      op.mode = what.mode;
      op.lock_kind = what.mode == Mode::kRead ? engine::Kind::kRwlock : engine::Kind::kMutex;
      op.flags = static_cast<std::uint16_t>(unsigned{kFlagModel} | (what.does == Does::kTries ? unsigned{kFlagTry} : 0u) |
                                            (zero_is_got ? unsigned{kFlagZeroIsGot} : 0u) | (first ? 0u : unsigned{kFlagSecond}));
      op.callee = key;
      op.args = passed;
      op.result = result;
      first = false;
    }
  }
  if (first && scoped_.count(guard_variable) == 0) return false;   // its objects are not understood
  out = load(var(result));
  return true;
}

// An object of a scoped_lockable class whose constructor has no body here.
bool FunctionLowering::attributed_guard(CXCursor c, CXCursor constructor, std::int32_t variable) {
  if (in_system_header(constructor) || !clang_Cursor_isNull(clang_getCursorDefinition(constructor))) return false;
  for (const Attribute& attribute : attributes(unit_, constructor)) {
    const Meaning what = meaning(attribute.name);
    if (what.does != Does::kGets || attribute.args.empty()) continue;
    const std::vector<ExprId> args = passed_arguments(c, constructor, kNoExpr);
    std::vector<ExprId> objects = attribute_objects(attribute.args, constructor, args, kNoExpr);
    if (objects.empty()) return false;
    const bool temporary = variable < 0;
    if (temporary) variable = new_variable("", record_name(clang_getCursorType(c)));
    scoped_.insert(variable);
    Op& op = emit(OpKind::kGuard, c);
    op.var = variable;
    op.mode = what.mode;
    op.args = std::move(objects);
    if (temporary) emit(OpKind::kScopeEnd, c).var = variable;
    return true;
  }
  return false;
}

CXCursor UnitLowering::global_named(const std::string& name) {
  const auto at = globals_.find(name);
  return at == globals_.end() ? clang_getNullCursor() : at->second;
}

// acquired_before and acquired_after, of members and of globals.
void UnitLowering::declared_orders(CXCursor lock) {
  const CXCursor record = clang_getCursorSemanticParent(lock);
  const bool field = clang_getCursorKind(lock) == CXCursor_FieldDecl;
  if (!field) {
    globals_.try_emplace(qualified_name(lock), lock);
    globals_.try_emplace(text_of(clang_getCursorSpelling(lock)), lock);
  }
  const auto end_of = [&](CXCursor declaration) {
    Declared::End end;
    if (clang_getCursorKind(declaration) == CXCursor_FieldDecl) {
      end.record = record_of_declaration(clang_getCursorSemanticParent(declaration));
      end.member = text_of(clang_getCursorSpelling(declaration));
    } else {
      end.symbol = symbol(declaration);
    }
    return end;
  };
  // clang drops these where the type is no capability to it, as std::mutex is none: they are read from the text.
  const unsigned begin = extent(lock).begin;
  const std::size_t end = text_.find(';', begin);
  if (end == std::string_view::npos || end - begin > 600) return;
  const std::string_view whole = text_.substr(begin, end - begin);
  std::vector<Attribute> found;
  for (const char* name : {"acquired_before", "acquired_after"}) {
    const std::size_t at = whole.find(name);
    if (at == std::string_view::npos || whole.find("attribute") > at) continue;
    const std::size_t open = whole.find('(', at), close = whole.find(')', at);
    if (open == std::string_view::npos || close == std::string_view::npos || close < open) continue;
    Attribute& attribute = found.emplace_back();
    attribute.name = name;
    std::string argument;
    for (const char c : std::string(whole.substr(open + 1, close - open - 1)) + ",") {
      if (c == ',') attribute.args.push_back(std::exchange(argument, {}));
      else if (c != ' ' && c != '\n' && c != '&') argument += c;
    }
  }
  for (const Attribute& attribute : found) {
    const bool before = attribute.name == "acquired_before";
    if (!before && attribute.name != "acquired_after") continue;
    for (const std::string& text : attribute.args) {
      const std::vector<std::string> path = path_of(text);
      if (path.size() != 1) continue;
      std::string name = path[0];
      CXCursor other = is_class(record) ? member_named(record, name) : clang_getNullCursor();
      if (clang_Cursor_isNull(other)) other = global_named(name);
      if (clang_Cursor_isNull(other)) continue;
      Declared& declared = unit_.declared.emplace_back();
      declared.first = end_of(before ? lock : other);
      declared.then = end_of(before ? other : lock);
      declared.site = site(lock);
    }
  }
}

}  // namespace crossdep::source
