// SPDX-License-Identifier: MIT
//
// Expressions: as values and as places. What is computed and matters to no lock is kUnknown; calls inside are lowered in
// the order they are written.
//
// Threading: as lower.h.  Allocation: the heap.
#include <cstdlib>

#include "source/lower.h"

namespace crossdep::source {
namespace {

std::string trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r\n\\");
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(" \t\r\n\\") - begin + 1));
}

// Operands may be smart pointers, whose operators libclang shows as calls.
bool is_operator_call(CXCursor c, const char* name) {
  return clang_getCursorKind(c) == CXCursor_CallExpr && text_of(clang_getCursorSpelling(c)) == name;
}

}  // namespace

std::string declaration_key(CXCursor declaration) {
  CXFile file;
  unsigned line, column, offset;
  clang_getSpellingLocation(clang_getCursorLocation(declaration), &file, &line, &column, &offset);
  return std::to_string(offset);
}

ExprId FunctionLowering::expr(ExprKind kind, ExprId a, std::int64_t number, std::string name, std::string type) {
  Expr& e = f_.exprs.emplace_back();
  e.kind = kind;
  e.a = a;
  e.number = number;
  e.name = std::move(name);
  e.type = std::move(type);
  return static_cast<ExprId>(f_.exprs.size() - 1);
}

std::string FunctionLowering::operator_between(CXCursor left, CXCursor right) const {
  std::string text = trimmed(unit_.text(extent(left).end, extent(right).begin));
  // A line marker may stand between the operands, and parentheses that belong to neither extent.
  while (!text.empty() && text[0] == '#') {
    const auto end = text.find('\n');
    text = end == std::string::npos ? std::string() : trimmed(std::string_view(text).substr(end + 1));
  }
  while (!text.empty() && (text[0] == ')' || text[0] == ' ')) text.erase(0, 1);
  const auto end = text.find_first_of(" \t\n(#");
  return end == std::string::npos ? text : text.substr(0, end);
}

bool FunctionLowering::constant(CXCursor c, std::int64_t& out) const {
  c = peeled(c);
  switch (clang_getCursorKind(c)) {
    case CXCursor_IntegerLiteral: {
      const Extent at = extent(c);
      const std::string text(unit_.text(at.begin, at.end));
      char* end = nullptr;
      out = static_cast<std::int64_t>(std::strtoull(text.c_str(), &end, 0));
      return end != text.c_str();
    }
    case CXCursor_CXXBoolLiteralExpr: {
      const Extent at = extent(c);
      out = unit_.text(at.begin, at.end) == "true";
      return true;
    }
    case CXCursor_CXXNullPtrLiteralExpr:
    case CXCursor_GNUNullExpr:
      out = 0;
      return true;
    case CXCursor_DeclRefExpr: {
      const CXCursor to = clang_getCursorReferenced(c);
      if (clang_getCursorKind(to) != CXCursor_EnumConstantDecl) return false;
      out = clang_getEnumConstantDeclValue(to);
      return true;
    }
    case CXCursor_CStyleCastExpr:
    case CXCursor_CXXStaticCastExpr:
    case CXCursor_CXXFunctionalCastExpr: {
      const std::vector<CXCursor> inner = children(c);
      return !inner.empty() && constant(inner.back(), out);
    }
    case CXCursor_UnaryOperator: {
      const std::vector<CXCursor> inner = children(c);
      const Extent at = extent(c);
      if (inner.size() != 1 || at.begin >= at.end || unit_.text(at.begin, at.begin + 1) != "-" || !constant(inner[0], out)) return false;
      out = -out;
      return true;
    }
    default:
      return false;
  }
}

ExprId FunctionLowering::address_of(CXCursor c) {
  c = peeled(c);
  if (clang_getCursorKind(c) == CXCursor_DeclRefExpr) {
    const CXCursor to = clang_getCursorReferenced(c);
    const CXCursorKind kind = clang_getCursorKind(to);
    if (kind == CXCursor_FunctionDecl || kind == CXCursor_CXXMethod || kind == CXCursor_FunctionTemplate)
      return expr(ExprKind::kFunction, kNoExpr, 0, unit_.symbol(to));
  }
  return address(place(c));
}

ExprId FunctionLowering::argument(CXCursor c, bool by_reference) {
  if (!by_reference) return value(c);
  const CXCursor inner = peeled(c);
  const CXCursorKind kind = clang_getCursorKind(inner);
  if (kind == CXCursor_LambdaExpr) return lambda(inner);
  if (kind == CXCursor_DeclRefExpr || kind == CXCursor_MemberRefExpr || kind == CXCursor_ArraySubscriptExpr || kind == CXCursor_UnaryOperator)
    return address_of(inner);
  if (const ExprId at = place(inner); at != kNoExpr) return address(at);
  return value(inner);
}

ExprId FunctionLowering::unary(CXCursor c) {
  const std::vector<CXCursor> inner = children(c);
  if (inner.size() != 1) return unknown();
  const Extent whole = extent(c), operand = extent(inner[0]);
  const std::string prefix = trimmed(unit_.text(whole.begin, operand.begin));
  const char op = prefix.empty() ? 0 : prefix[0];
  if (op == '&' && prefix != "&&") return address_of(inner[0]);
  if (op == '*') return load(place(c));
  if (op == '!') return expr(ExprKind::kNot, value(inner[0]));
  std::int64_t number;
  if (constant(c, number)) return expr(ExprKind::kConst, kNoExpr, number);
  const std::string postfix = trimmed(unit_.text(operand.end, whole.end));
  if (prefix == "++" || prefix == "--" || postfix == "++" || postfix == "--") {
    const ExprId at = place(inner[0]);
    const ExprId before = load(at);
    if (at != kNoExpr) {
      Op& op_ = emit(OpKind::kAssign, c);
      op_.object = at;
      op_.other = is_pointer(clang_getCursorType(inner[0]))
                      ? address(expr(ExprKind::kIndex, expr(ExprKind::kDeref, before, 0, {}, pointee_record(clang_getCursorType(inner[0]))), -1))
                      : unknown();
    }
    return is_pointer(clang_getCursorType(c)) ? before : unknown();
  }
  value(inner[0]);
  return unknown();
}

ExprId FunctionLowering::truth_as_value(CXCursor c) {
  const std::int32_t result = new_variable("", "");
  const std::int32_t yes = new_block(), no = new_block(), after = new_block();
  condition(c, yes, no);
  for (const auto& [where, number] : {std::pair{yes, 1}, std::pair{no, 0}}) {
    begin(where);
    const ExprId what = expr(ExprKind::kConst, kNoExpr, number);
    const ExprId to = var(result);
    assign(c, to, what);
    go(after);
  }
  begin(after);
  return load(var(result));
}

// Two locks, or two objects with locks, put in an order: by their addresses, or by one and the same number in both. Only
// in functions that lock: elsewhere nobody would ask, and each comparison keeps paths apart.
ExprId FunctionLowering::order_of(CXCursor left, CXCursor right, bool greater) {
  if (!locks_) return kNoExpr;
  CXCursor sides[2] = {peeled(left), peeled(right)};
  for (CXCursor& side : sides)
    while (clang_getCursorKind(side) == CXCursor_CStyleCastExpr || clang_getCursorKind(side) == CXCursor_CXXReinterpretCastExpr) {
      const std::vector<CXCursor> inner = children(side);
      if (inner.empty() || !clang_isExpression(clang_getCursorKind(inner.back()))) break;
      side = peeled(inner.back());
    }
  ExprId values[2];
  for (int i = 0; i < 2; ++i) {
    const CXType type = clang_getCursorType(sides[i]);
    if (is_pointer(type)) {
      if (pointee_record(type).empty()) return kNoExpr;
      values[i] = value(sides[i]);
      continue;
    }
    const std::vector<CXCursor> inner = children(sides[i]);
    if (clang_getCursorKind(sides[i]) != CXCursor_MemberRefExpr || inner.empty() || !clang_isExpression(clang_getCursorKind(inner[0]))) return kNoExpr;
    if (i == 1 && !clang_equalCursors(clang_getCursorReferenced(sides[0]), clang_getCursorReferenced(sides[1]))) return kNoExpr;
    values[i] = is_pointer(clang_getCursorType(inner[0])) ? value(inner[0]) : address_of(inner[0]);
  }
  const ExprId less = expr(ExprKind::kLess, values[greater ? 1 : 0]);
  f_.exprs[static_cast<std::size_t>(less)].b = values[greater ? 0 : 1];
  return less;
}

ExprId FunctionLowering::binary(CXCursor c) {
  const std::vector<CXCursor> sides = children(c);
  if (sides.size() != 2) return unknown();
  const std::string op = operator_between(sides[0], sides[1]);
  if (op == "=") {
    const CXCursor right = peeled(sides[1]);
    const ExprId what = value(right);
    const ExprId to = place(sides[0]);
    if (to != kNoExpr) {
      assign(c, to, what);
    }
    return what;
  }
  if (op == "&&" || op == "||") return truth_as_value(c);
  if (op == ",") {
    value(sides[0]);
    return value(sides[1]);
  }
  if (op == "==" || op == "!=") {
    std::int64_t number;
    for (int side = 0; side < 2; ++side) {
      if (!constant(sides[static_cast<std::size_t>(side)], number)) continue;
      const ExprId other = value(sides[static_cast<std::size_t>(1 - side)]);
      const ExprId equal = expr(ExprKind::kEqual, other, number);
      return op == "==" ? equal : expr(ExprKind::kNot, equal);
    }
  }
  if (op == "&") {
    std::int64_t number;
    for (std::size_t side = 0; side < 2; ++side)
      if (constant(sides[side], number)) return expr(ExprKind::kMask, value(sides[1 - side]), number);
  }
  if (op == "<" || op == ">" || op == "<=" || op == ">=")
    if (const ExprId less = order_of(sides[0], sides[1], op[0] == '>'); less != kNoExpr) return less;
  const ExprId left = value(sides[0]);
  const ExprId right = value(sides[1]);
  if ((op == "+" || op == "-") && is_pointer(clang_getCursorType(c))) {
    std::int64_t number = -1;
    const bool known = op == "+" && constant(sides[1], number);
    const ExprId element = expr(ExprKind::kIndex, expr(ExprKind::kDeref, left, 0, {}, pointee_record(clang_getCursorType(c))), known ? number : -1);
    f_.exprs[static_cast<std::size_t>(element)].b = right;
    return address(element);
  }
  return unknown();
}

ExprId FunctionLowering::conditional(CXCursor c) {
  const std::vector<CXCursor> parts = children(c);
  if (parts.size() != 3) {
    for (const CXCursor part : parts) value(part);
    return unknown();
  }
  const std::int32_t result = new_variable("", "");
  const std::int32_t yes = new_block(), no = new_block(), after = new_block();
  condition(parts[0], yes, no);
  for (int side = 0; side < 2; ++side) {
    begin(side == 0 ? yes : no);
    const ExprId what = is_record(clang_getCursorType(c)) ? address_of(parts[static_cast<std::size_t>(side + 1)]) : value(parts[static_cast<std::size_t>(side + 1)]);
    const ExprId to = var(result);
    assign(c, to, what);
    go(after);
  }
  begin(after);
  return load(var(result));
}

ExprId FunctionLowering::lambda(CXCursor c) {
  const std::string key = unit_.lambda_key(c);
  for (const CXCursor child : children(c)) {
    if (clang_getCursorKind(child) != CXCursor_CompoundStmt) continue;
    FunctionLowering inner(unit_, this);
    inner.lower(c, child, key, f_.name + "::(lambda)");
  }
  return expr(ExprKind::kFunction, kNoExpr, 0, key);
}

ExprId FunctionLowering::value(CXCursor c) {
  c = peeled(c);
  std::int64_t number;
  if (constant(c, number)) return expr(ExprKind::kConst, kNoExpr, number);
  const CXType type = clang_getCursorType(c);
  switch (clang_getCursorKind(c)) {
    case CXCursor_DeclRefExpr: {
      const CXCursor to = clang_getCursorReferenced(c);
      const CXCursorKind kind = clang_getCursorKind(to);
      if (kind == CXCursor_FunctionDecl || kind == CXCursor_CXXMethod || kind == CXCursor_FunctionTemplate)
        return expr(ExprKind::kFunction, kNoExpr, 0, unit_.symbol(to));
      [[fallthrough]];
    }
    case CXCursor_MemberRefExpr:
    case CXCursor_ArraySubscriptExpr: {
      const ExprId at = place(c);
      if (!is_array(type)) return load(at);
      return at == kNoExpr ? unknown(pointee_record(type)) : address(expr(ExprKind::kIndex, at, 0));
    }
    case CXCursor_UnaryOperator: return unary(c);
    case CXCursor_BinaryOperator: return binary(c);
    case CXCursor_CompoundAssignOperator: {
      const std::vector<CXCursor> sides = children(c);
      if (sides.size() == 2) {
        value(sides[1]);
        if (const ExprId at = place(sides[0]); at != kNoExpr) {
          const ExprId what = unknown();
          assign(c, at, what);
        }
      }
      return unknown();
    }
    case CXCursor_ConditionalOperator: return conditional(c);
    case CXCursor_CallExpr: return call(c);
    case CXCursor_StringLiteral: {
      std::string text = text_of(clang_getCursorSpelling(c));
      if (text.size() >= 2 && text.front() == '"') text = text.substr(1, text.size() - 2);
      return expr(ExprKind::kString, kNoExpr, 0, text);
    }
    case CXCursor_LambdaExpr: return lambda(c);
    case CXCursor_CXXThisExpr: return f_.has_this ? load(var(0)) : unknown(pointee_record(type));
    case CXCursor_CStyleCastExpr:
    case CXCursor_CXXStaticCastExpr:
    case CXCursor_CXXReinterpretCastExpr:
    case CXCursor_CXXConstCastExpr:
    case CXCursor_CXXDynamicCastExpr:
    case CXCursor_CXXFunctionalCastExpr:
    case CXCursor_UnexposedExpr: {
      std::vector<CXCursor> inner;
      for (const CXCursor child : children(c))
        if (clang_isExpression(clang_getCursorKind(child))) inner.push_back(child);
      // The compiler's atomic operations are no calls to libclang: (object, [value,] order), in the order of their places.
      const std::string_view text = unit_.text(extent(c).begin, extent(c).end);
      const bool atomic_load = text.starts_with("__c11_atomic_load") || text.starts_with("__atomic_load_n");
      const bool atomic_store = text.starts_with("__c11_atomic_store") || text.starts_with("__atomic_store_n") || text.starts_with("__c11_atomic_init");
      if ((atomic_load || atomic_store) && inner.size() >= 2) {
        inner = by_offset(c);
        const ExprId object = expr(ExprKind::kDeref, value(inner[0]));
        if (atomic_load) return load(object);
        const ExprId what = value(inner[1]);
        assign(c, object, what);
        return what;
      }
      ExprId last = kNoExpr;
      for (const CXCursor child : inner) last = value(child);
      return last == kNoExpr ? unknown(pointee_record(type)) : last;
    }
    case CXCursor_UnaryExpr:   // sizeof and alignof do not evaluate their operand
    case CXCursor_CXXTypeidExpr:
      return unknown();
    case CXCursor_StmtExpr: {
      const std::vector<CXCursor> body = children(c);
      if (body.empty()) return unknown();
      open_scope();
      ExprId last = kNoExpr;
      const std::vector<CXCursor> statements = children(body[0]);
      for (std::size_t i = 0; i < statements.size(); ++i) {
        const bool is_value = i + 1 == statements.size() && clang_isExpression(clang_getCursorKind(statements[i]));
        if (is_value) last = value(statements[i]);
        else statement(statements[i]);
      }
      if (last != kNoExpr) {   // the scope's variables end, the value stays
        const std::int32_t kept = new_variable("", "");
        const ExprId to = var(kept);
        assign(c, to, last);
        close_scope();
        return load(var(kept));
      }
      close_scope();
      return unknown();
    }
    case CXCursor_CXXNewExpr: {
      for (const CXCursor child : children(c))
        if (clang_isExpression(clang_getCursorKind(child))) value(child);
      return expr(ExprKind::kFresh, kNoExpr, 0, {}, pointee_record(type));
    }
    case CXCursor_CXXThrowExpr: {
      for (const CXCursor child : children(c)) value(child);
      leave_scopes(0);
      block().stops = true;
      begin(new_block());
      return unknown();
    }
    default:
      for (const CXCursor child : children(c))
        if (clang_isExpression(clang_getCursorKind(child))) value(child);
      return unknown(pointee_record(type));
  }
}

ExprId FunctionLowering::place(CXCursor c) {
  c = peeled(c);
  switch (clang_getCursorKind(c)) {
    case CXCursor_DeclRefExpr: {
      const CXCursor to = clang_getCursorReferenced(c);
      const CXCursorKind kind = clang_getCursorKind(to);
      if (kind != CXCursor_VarDecl && kind != CXCursor_ParmDecl) return kNoExpr;
      const std::int32_t index = variable_of(to);
      ExprId at;
      if (index >= 0) {
        at = var(index);
      } else if (kind == CXCursor_ParmDecl) {   // of an enclosing function, seen from a lambda
        const CXType type = clang_getCursorType(to);
        return expr(ExprKind::kDeref, unknown(record_name(type)), 0, {}, record_name(type));
      } else {
        at = expr(ExprKind::kGlobal, kNoExpr, 0, unit_.symbol(to), record_name(clang_getCursorType(to)));
      }
      // A promise is moved, never copied: the parameter is the one that was given.
      const bool moved = kind == CXCursor_ParmDecl && record_name(clang_getCursorType(to)) == "std::promise" && !is_pointer(clang_getCursorType(to));
      if (moved || is_reference(clang_getCursorType(to))) return expr(ExprKind::kDeref, load(at), 0, {}, record_name(clang_getCursorType(to)));
      return at;
    }
    case CXCursor_MemberRefExpr: {
      const std::vector<CXCursor> inner = children(c);
      const CXCursor field = clang_getCursorReferenced(c);
      ExprId base = kNoExpr;
      const bool has_base = !inner.empty() && clang_isExpression(clang_getCursorKind(inner[0]));
      if (has_base) {
        const CXType type = clang_getCursorType(inner[0]);
        const CXCursor object = peeled(inner[0]);
        if (is_pointer(type)) base = expr(ExprKind::kDeref, value(inner[0]), 0, {}, pointee_record(type));
        else if (is_operator_call(object, "operator->")) base = expr(ExprKind::kDeref, value(object), 0, {}, pointee_record(type));
        else base = place(inner[0]);
        if (base == kNoExpr) base = expr(ExprKind::kDeref, unknown(record_name(type)), 0, {}, record_name(type));
      } else if (clang_getCursorKind(field) == CXCursor_VarDecl) {
        return expr(ExprKind::kGlobal, kNoExpr, 0, unit_.symbol(field), record_name(clang_getCursorType(field)));
      } else if (f_.has_this) {
        base = expr(ExprKind::kDeref, load(var(0)), 0, {}, f_.variables[0].type);
      } else {   // in a lambda: the enclosing object
        const std::string record = record_of_declaration(clang_getCursorSemanticParent(field));
        base = expr(ExprKind::kDeref, unknown(record), 0, {}, record);
      }
      if (clang_getCursorKind(field) == CXCursor_VarDecl)
        return expr(ExprKind::kGlobal, kNoExpr, 0, unit_.symbol(field), record_name(clang_getCursorType(field)));
      const std::string name = text_of(clang_getCursorSpelling(c));
      if (name.empty()) return base;   // an anonymous union's
      const ExprId member = expr(ExprKind::kMember, base, 0, name, record_of_declaration(clang_getCursorSemanticParent(field)));
      if (clang_getCursorKind(field) == CXCursor_FieldDecl && is_reference(clang_getCursorType(field)))
        return expr(ExprKind::kDeref, load(member), 0, {}, record_name(clang_getCursorType(field)));
      return member;
    }
    case CXCursor_ArraySubscriptExpr: {
      const std::vector<CXCursor> inner = children(c);
      if (inner.size() != 2) return kNoExpr;
      std::int64_t number = -1;
      const bool known = constant(inner[1], number);
      const ExprId array = is_array(clang_getCursorType(peeled(inner[0])))
                               ? place(inner[0])
                               : expr(ExprKind::kDeref, value(inner[0]), 0, {}, pointee_record(clang_getCursorType(inner[0])));
      const ExprId index = known ? kNoExpr : value(inner[1]);
      if (array == kNoExpr) return kNoExpr;
      const ExprId element = expr(ExprKind::kIndex, array, known ? number : -1);
      f_.exprs[static_cast<std::size_t>(element)].b = index;
      return element;
    }
    case CXCursor_UnaryOperator: {
      const std::vector<CXCursor> inner = children(c);
      if (inner.size() != 1) return kNoExpr;
      const std::string prefix = trimmed(unit_.text(extent(c).begin, extent(inner[0]).begin));
      if (prefix.empty() || prefix[0] != '*') return kNoExpr;
      return expr(ExprKind::kDeref, value(inner[0]), 0, {}, pointee_record(clang_getCursorType(inner[0])));
    }
    case CXCursor_CallExpr: {
      const CXType type = clang_getCursorType(c);
      const CXCursor callee = clang_getCursorReferenced(c);
      // A copy or conversion that libclang shows as a constructor's call: the object is not the argument.
      if (clang_getCursorKind(callee) == CXCursor_Constructor) return kNoExpr;
      if (!is_reference(clang_getCursorResultType(callee)) && !is_record(type)) return kNoExpr;
      const ExprId result = value(c);
      return expr(ExprKind::kDeref, result, 0, {}, record_name(type));
    }
    case CXCursor_ConditionalOperator: {
      const ExprId result = conditional(c);
      return expr(ExprKind::kDeref, result, 0, {}, record_name(clang_getCursorType(c)));
    }
    case CXCursor_CStyleCastExpr:
    case CXCursor_CXXStaticCastExpr:
    case CXCursor_CXXConstCastExpr:
    case CXCursor_CXXReinterpretCastExpr:
    case CXCursor_UnexposedExpr: {
      ExprId last = kNoExpr;
      for (const CXCursor child : children(c))
        if (clang_isExpression(clang_getCursorKind(child))) last = place(child);
      return last;
    }
    default:
      return kNoExpr;
  }
}

}  // namespace crossdep::source
