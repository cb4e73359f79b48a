// SPDX-License-Identifier: MIT
//
// Statements: blocks, branches, loops, jumps, variables with their initialisers. A scope's variables end where control
// leaves it, on every way out; what their destructors give back is given back there (lower_function.cpp).
//
// Threading: as lower.h.  Allocation: the heap.
#include <algorithm>

#include "source/lower.h"

namespace crossdep::source {

std::vector<CXCursor> FunctionLowering::by_offset(CXCursor c) const {
  std::vector<CXCursor> out = children(c);
  std::stable_sort(out.begin(), out.end(), [](CXCursor a, CXCursor b) { return extent(a).begin < extent(b).begin; });
  return out;
}

unsigned FunctionLowering::header_end(unsigned begin) const {
  const std::string_view text = unit_.text();
  int depth = 0;
  for (std::size_t i = begin; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' || c == '\'') {
      for (++i; i < text.size() && text[i] != c; ++i)
        if (text[i] == '\\') ++i;
    } else if (c == '(') {
      ++depth;
    } else if (c == ')' && --depth == 0) {
      return static_cast<unsigned>(i);
    } else if (c == '#' && (i == 0 || text[i - 1] == '\n')) {
      while (i < text.size() && text[i] != '\n') ++i;
    }
  }
  return static_cast<unsigned>(text.size());
}

void FunctionLowering::condition(CXCursor c, std::int32_t yes, std::int32_t no) {
  c = peeled(c);
  const CXCursorKind kind = clang_getCursorKind(c);
  const std::vector<CXCursor> inner = children(c);
  if (kind == CXCursor_UnaryOperator && inner.size() == 1) {
    const unsigned begin = extent(c).begin;
    if (unit_.text(begin, begin + 1) == "!") return condition(inner[0], no, yes);
  }
  if (kind == CXCursor_BinaryOperator && inner.size() == 2) {
    const std::string op = operator_between(inner[0], inner[1]);
    if (op == "&&" || op == "||") {
      const std::int32_t second = new_block();
      if (op == "&&") condition(inner[0], second, no);
      else condition(inner[0], yes, second);
      begin(second);
      return condition(inner[1], yes, no);
    }
  }
  if (kind == CXCursor_CallExpr) {
    const std::string name = text_of(clang_getCursorSpelling(c));
    if ((name == "__builtin_expect" || name == "__builtin_expect_with_probability") && clang_Cursor_getNumArguments(c) >= 2)
      return condition(clang_Cursor_getArgument(c, 0), yes, no);
  }
  if ((kind == CXCursor_CXXStaticCastExpr || kind == CXCursor_CStyleCastExpr || kind == CXCursor_CXXFunctionalCastExpr) && !inner.empty() &&
      clang_isExpression(clang_getCursorKind(inner.back())))
    return condition(inner.back(), yes, no);
  std::int64_t number;
  if (constant(c, number)) return go(number != 0 ? yes : no);
  const ExprId what = value(c);
  block().condition = what;
  block().next = {yes, no};
}

void FunctionLowering::compound(CXCursor c) {
  open_scope();
  for (const CXCursor child : children(c)) statement(child);
  close_scope();
}

void FunctionLowering::if_statement(CXCursor c) {
  const std::vector<CXCursor> parts = by_offset(c);
  const unsigned end = header_end(extent(c).begin);
  open_scope();
  std::vector<CXCursor> header, branches;
  for (const CXCursor part : parts) (extent(part).begin < end ? header : branches).push_back(part);
  const std::int32_t yes = new_block(), no = new_block(), after = new_block();
  CXCursor test = clang_getNullCursor();
  for (const CXCursor part : header) {
    const CXCursorKind kind = clang_getCursorKind(part);
    if (kind == CXCursor_VarDecl) variable(part);
    else if (kind == CXCursor_DeclStmt) statement(part);
    test = part;
  }
  if (clang_Cursor_isNull(test)) {
    go(yes);
  } else if (clang_getCursorKind(test) == CXCursor_VarDecl) {
    block().condition = load(var(variable_of(test)));
    block().next = {yes, no};
  } else if (clang_isExpression(clang_getCursorKind(test))) {
    condition(test, yes, no);
  } else {
    block().next = {yes, no};
  }
  begin(yes);
  if (!branches.empty()) statement(branches[0]);
  go(after);
  begin(no);
  if (branches.size() > 1) statement(branches[1]);
  go(after);
  begin(after);
  close_scope();
}

void FunctionLowering::loop(CXCursor c) {
  const bool do_while = clang_getCursorKind(c) == CXCursor_DoStmt;
  const std::vector<CXCursor> parts = by_offset(c);
  if (parts.size() < 2) return;
  const std::int32_t test = new_block(), body = new_block(), after = new_block();
  open_scope();
  breaks_.push_back({after, scopes_.size()});
  continues_.push_back({test, scopes_.size()});
  go(do_while ? body : test);
  ++loops_;
  const auto write_test = [&](CXCursor what) {
    begin(test);
    if (clang_getCursorKind(what) == CXCursor_VarDecl || clang_getCursorKind(what) == CXCursor_DeclStmt) {
      if (clang_getCursorKind(what) == CXCursor_VarDecl) variable(what);
      else statement(what);
      block().next = {body, after};
    } else {
      condition(what, body, after);
    }
  };
  if (!do_while) write_test(parts.size() == 3 ? parts[1] : parts[0]);
  begin(body);
  statement(do_while ? parts[0] : parts.back());
  go(test);
  if (do_while) write_test(parts.back());
  --loops_;
  breaks_.pop_back();
  continues_.pop_back();
  begin(after);
  close_scope();
}

bool FunctionLowering::mentions_lock(CXCursor c) const {
  const Extent at = extent(c);
  const std::string_view text = unit_.text(at.begin, at.end);
  for (const char* word : {"lock", "Lock", "mutex", "Mutex"})
    if (text.find(word) != std::string_view::npos) return true;
  return false;
}

void FunctionLowering::for_statement(CXCursor c) {
  const std::vector<CXCursor> parts = by_offset(c);
  const unsigned begin_ = extent(c).begin, end = header_end(begin_);
  // The header's two semicolons, outside of nested brackets.
  std::vector<unsigned> semicolons;
  int depth = 0;
  const std::string_view text = unit_.text();
  for (unsigned i = begin_; i < end; ++i) {
    const char ch = text[i];
    if (ch == '"' || ch == '\'') {
      for (++i; i < end && text[i] != ch; ++i)
        if (text[i] == '\\') ++i;
    }
    else if (ch == '(' || ch == '{') ++depth;
    else if (ch == ')' || ch == '}') --depth;
    else if (ch == ';' && depth == 1) semicolons.push_back(i);
  }
  open_scope();
  CXCursor test = clang_getNullCursor(), step = clang_getNullCursor(), body_cursor = clang_getNullCursor();
  for (const CXCursor part : parts) {
    const unsigned at = extent(part).begin;
    if (at > end) body_cursor = part;
    else if (semicolons.size() == 2 && at < semicolons[0]) statement(part);
    else if (semicolons.size() == 2 && at < semicolons[1]) test = part;
    else step = part;
  }
  const std::int32_t entry = new_block(), head = new_block(), body = new_block(), next = new_block(), after = new_block();
  go(entry);
  begin(entry);
  go(head);
  begin(head);
  ++loops_;
  if (clang_Cursor_isNull(test) || !clang_isExpression(clang_getCursorKind(test))) go(body);
  else condition(test, body, after);
  // A loop that takes or gives back locks is taken to run at least once: else a second loop that gives back what the
  // first took would seem able to leave it held.
  if (!clang_Cursor_isNull(body_cursor) && !clang_Cursor_isNull(test) && mentions_lock(body_cursor))
  {
    f_.blocks[static_cast<std::size_t>(entry)].next.clear();
    begin(entry);
    const std::size_t first = f_.blocks.size();
    if (clang_isExpression(clang_getCursorKind(test))) condition(test, body, after);
    else go(body);
    f_.blocks[static_cast<std::size_t>(entry)].avoided = after;
    for (std::size_t i = first; i < f_.blocks.size(); ++i) f_.blocks[i].avoided = after;
  }
  breaks_.push_back({after, scopes_.size()});
  continues_.push_back({next, scopes_.size()});
  begin(body);
  if (!clang_Cursor_isNull(body_cursor)) statement(body_cursor);
  go(next);
  begin(next);
  if (!clang_Cursor_isNull(step)) value(step);
  go(head);
  --loops_;
  breaks_.pop_back();
  continues_.pop_back();
  begin(after);
  close_scope();
}

void FunctionLowering::range_for(CXCursor c) {
  const std::vector<CXCursor> parts = by_offset(c);
  open_scope();
  CXCursor element = clang_getNullCursor(), range = clang_getNullCursor(), body_cursor = clang_getNullCursor();
  for (const CXCursor part : parts) {
    const CXCursorKind kind = clang_getCursorKind(part);
    if (kind == CXCursor_VarDecl) element = part;
    else if (kind == CXCursor_DeclStmt && clang_Cursor_isNull(element) && !children(part).empty()) element = children(part)[0];
    else if (clang_isExpression(kind) && clang_Cursor_isNull(range)) range = part;
    else body_cursor = part;
  }
  ExprId over = kNoExpr;
  if (!clang_Cursor_isNull(range)) {
    over = place(range);
    if (over == kNoExpr) value(range);
  }
  const std::int32_t head = new_block(), body = new_block(), after = new_block();
  go(!clang_Cursor_isNull(body_cursor) && mentions_lock(body_cursor) ? body : head);
  begin(head);
  block().next = {body, after};
  breaks_.push_back({after, scopes_.size()});
  continues_.push_back({head, scopes_.size()});
  ++loops_;
  begin(body);
  open_scope();
  if (!clang_Cursor_isNull(element)) {
    const CXType type = clang_getCursorType(element);
    const std::int32_t index = new_variable(text_of(clang_getCursorSpelling(element)), record_name(type));
    variables_[declaration_key(element)] = index;
    const ExprId one = over == kNoExpr ? kNoExpr : expr(ExprKind::kIndex, over, -1);
    const ExprId what = one == kNoExpr ? unknown(pointee_record(type)) : is_reference(type) ? address(one) : load(one);
    const ExprId to = var(index);
    assign(element, to, what);
  }
  if (!clang_Cursor_isNull(body_cursor)) statement(body_cursor);
  close_scope();
  go(head);
  --loops_;
  breaks_.pop_back();
  continues_.pop_back();
  begin(after);
  close_scope();
}

void FunctionLowering::switch_statement(CXCursor c) {
  const std::vector<CXCursor> parts = by_offset(c);
  if (parts.size() < 2) return;
  open_scope();
  const std::int32_t chosen = new_variable("", "");
  const ExprId what = value(parts[parts.size() - 2]);
  const ExprId to = var(chosen);
  assign(c, to, what);
  const std::int32_t after = new_block(), tail = new_block();
  go(tail);
  switches_.push_back({load(var(chosen)), tail, -1});
  breaks_.push_back({after, scopes_.size()});
  begin(new_block());   // what stands before the first case is never reached
  statement(parts.back());
  go(after);
  begin(switches_.back().tail);
  go(switches_.back().otherwise >= 0 ? switches_.back().otherwise : after);
  switches_.pop_back();
  breaks_.pop_back();
  begin(after);
  close_scope();
}

void FunctionLowering::case_statement(CXCursor c, bool otherwise) {
  const std::vector<CXCursor> parts = children(c);
  if (parts.empty()) return;
  const std::int32_t here = new_block();
  go(here);   // falls through from the case before
  if (!switches_.empty()) {
    Switch& s = switches_.back();
    if (otherwise) {
      s.otherwise = here;
    } else {
      std::int64_t number;
      const bool known = parts.size() == 2 && constant(parts[0], number);
      const std::int32_t rest = new_block();
      Block& test = f_.blocks[static_cast<std::size_t>(s.tail)];
      test.next = {here, rest};
      if (known) {
        const ExprId equal = expr(ExprKind::kEqual, s.value, number);
        f_.blocks[static_cast<std::size_t>(s.tail)].condition = equal;
      }
      s.tail = rest;
    }
  }
  begin(here);
  statement(parts.back());
}

void FunctionLowering::variable(CXCursor c) {
  const CXType type = clang_getCursorType(c);
  if (clang_Cursor_getStorageClass(c) == CX_SC_Static || clang_Cursor_getStorageClass(c) == CX_SC_Extern) {
    unit_.global_variable(c);
    return;
  }
  const std::string record = record_name(type);
  const std::int32_t index = new_variable(text_of(clang_getCursorSpelling(c)), is_pointer(type) || is_reference(type) ? std::string() : record);
  variables_[declaration_key(c)] = index;
  if (!scopes_.empty()) scopes_.back().variables.push_back(index);
  const std::vector<CXCursor> inner = children(c);
  CXCursor initialiser = clang_getNullCursor();
  for (const CXCursor child : inner)
    if (clang_isExpression(clang_getCursorKind(child))) initialiser = child;
  if (is_array(type) && !clang_Cursor_isNull(initialiser) && clang_getCursorKind(peeled(initialiser)) == CXCursor_IntegerLiteral) initialiser = clang_getNullCursor();
  if (!clang_Cursor_isNull(initialiser)) {
    const ExprId self = address(var(index));
    CXCursor made = peeled(initialiser);   // through copies, which newer standards elide
    while (clang_getCursorKind(made) == CXCursor_CallExpr && clang_getCursorKind(clang_getCursorReferenced(made)) == CXCursor_Constructor &&
           clang_Cursor_getNumArguments(made) == 1 && keeps_function(made))
      made = peeled(clang_Cursor_getArgument(made, 0));
    if (clang_getCursorKind(made) == CXCursor_LambdaExpr) {
      const ExprId what = lambda(made);
      const ExprId to = var(index);
      assign(c, to, what);
    } else if (is_record(type) && !is_reference(type) && keeps_value(record)) {
      const ExprId what = function_value(initialiser);
      const ExprId to = var(index);
      assign(c, to, what);
    } else if (is_record(type) && !is_reference(type) && constructor_call(initialiser, self, index)) {
      // Guards, threads and objects of classes come to life by their constructor.
    } else if (is_record(type) && !is_reference(type) && clang_getCursorKind(peeled(initialiser)) == CXCursor_InitListExpr &&
               find_guard(record) == nullptr) {
      value(initialiser);
    } else {
      const CXCursor from = peeled(initialiser);
      const ExprId what = is_reference(type) ? argument(from, true) : value(from);
      const ExprId to = var(index);
      if (find_guard(record) != nullptr) {   // given back by a function
        Op& op = emit(OpKind::kGuardTake, c);
        op.var = index;
        op.mode = find_guard(record)->mode;
      } else {
        assign(c, to, what);
      }
    }
    std::string_view text = unit_.text(extent(initialiser).begin, extent(initialiser).end);
    if (text.find("PTHREAD_MUTEX_RECURSIVE_NP") != std::string_view::npos) {
      const ExprId object = address(var(index));
      emit(OpKind::kRecursive, c).object = object;
    }
  }
  if (const CXCursor destructor = is_reference(type) || is_pointer(type) ? clang_getNullCursor() : unit_.destructor(type); !clang_Cursor_isNull(destructor) && !scopes_.empty())
    scopes_.back().destructors.emplace_back(unit_.symbol(destructor), index);
  // __attribute__((cleanup(function))): called with the variable's address.
  const Extent at = extent(c);
  const std::string_view text = unit_.text(at.begin, at.end);
  const auto cleanup = text.find("cleanup");
  if (cleanup != std::string_view::npos && !scopes_.empty()) {
    const auto open = text.find('(', cleanup), close = text.find(')', cleanup);
    if (open != std::string_view::npos && close != std::string_view::npos && open < close && text.find("attribute") < cleanup) {
      std::string name(text.substr(open + 1, close - open - 1));
      std::erase_if(name, [](char ch) { return ch == ' ' || ch == '\n'; });
      scopes_.back().destructors.emplace_back("?" + name, index);   // resolved by name, see program.cpp
    }
  }
}

void FunctionLowering::return_statement(CXCursor c) {
  const std::vector<CXCursor> inner = children(c);
  ExprId what = kNoExpr;
  if (!inner.empty()) {
    const CXCursor from = peeled(inner[0]);
    const std::string record = record_name(clang_getCursorType(from));
    if (find_guard(record) != nullptr) {
      // The caller's variable takes over what this one holds.
      CXCursor source = from;
      while (clang_getCursorKind(source) == CXCursor_CallExpr && clang_Cursor_getNumArguments(source) == 1) source = peeled(clang_Cursor_getArgument(source, 0));
      if (clang_getCursorKind(source) == CXCursor_DeclRefExpr) {
        const std::int32_t index = variable_of(clang_getCursorReferenced(source));
        if (index >= 0) emit(OpKind::kGuardForget, c).var = index;
      } else if (clang_getCursorKind(source) == CXCursor_CallExpr) {
        const std::int32_t temporary = new_variable("", record);
        if (constructor_call(source, kNoExpr, temporary)) emit(OpKind::kGuardForget, c).var = temporary;
        else value(source);
      }
    } else {
      what = value(from);
      if (scopes_.size() > 0 && what != kNoExpr) {
        const std::int32_t kept = new_variable("", "");
        const ExprId to = var(kept);
        assign(c, to, what);
        what = load(var(kept));
      }
    }
  }
  leave_scopes(0);
  block().value = what;
  begin(new_block());
  block().stops = true;   // what stands behind is not reached, unless a label does
}

void FunctionLowering::statement(CXCursor c) {
  const auto jump = [&](const std::vector<Jump>& to) {
    if (to.empty()) return;
    leave_scopes(to.back().depth);
    go(to.back().to);
    begin(new_block());
    block().stops = true;
  };
  // A dead block is revived where a label or case leads into it: those begin blocks of their own.
  switch (clang_getCursorKind(c)) {
    case CXCursor_CompoundStmt: return compound(c);
    case CXCursor_IfStmt: return if_statement(c);
    case CXCursor_WhileStmt:
    case CXCursor_DoStmt: return loop(c);
    case CXCursor_ForStmt: return for_statement(c);
    case CXCursor_CXXForRangeStmt: return range_for(c);
    case CXCursor_SwitchStmt: return switch_statement(c);
    case CXCursor_CaseStmt: return case_statement(c, false);
    case CXCursor_DefaultStmt: return case_statement(c, true);
    case CXCursor_BreakStmt: return jump(breaks_);
    case CXCursor_ContinueStmt: return jump(continues_);
    case CXCursor_ReturnStmt: return return_statement(c);
    case CXCursor_DeclStmt:
      for (const CXCursor child : children(c))
        if (clang_getCursorKind(child) == CXCursor_VarDecl) variable(child);
      return;
    case CXCursor_VarDecl: return variable(c);
    case CXCursor_LabelStmt: {
      const std::int32_t here = new_block();
      go(here);
      begin(here);
      labels_[text_of(clang_getCursorSpelling(c))] = {here, scope_ids_};
      for (const CXCursor child : children(c)) statement(child);
      return;
    }
    case CXCursor_GotoStmt: {
      const std::vector<CXCursor> inner = children(c);
      if (!inner.empty()) gotos_.push_back({at_, text_of(clang_getCursorSpelling(inner[0])), scope_ids_});
      begin(new_block());
      block().stops = true;
      return;
    }
    case CXCursor_CXXTryStmt: {
      const std::vector<CXCursor> parts = children(c);
      const std::int32_t before = at_, after = new_block();
      if (parts.empty()) return;
      // An exception may leave the block anywhere, with its guards ended: a handler begins with what was held before.
      const std::int32_t body = new_block();
      block().next.push_back(body);
      begin(body);
      statement(parts[0]);
      go(after);
      for (std::size_t i = 1; i < parts.size(); ++i) {
        const std::int32_t handler = new_block();
        f_.blocks[static_cast<std::size_t>(before)].next.push_back(handler);
        begin(handler);
        open_scope();
        for (const CXCursor child : children(parts[i]))
          if (clang_isStatement(clang_getCursorKind(child))) statement(child);
        close_scope();
        go(after);
      }
      begin(after);
      return;
    }
    case CXCursor_UnexposedStmt:
    case CXCursor_UnexposedAttr:
      for (const CXCursor child : children(c)) statement(child);
      return;
    default:
      if (clang_isExpression(clang_getCursorKind(c))) value(c);
  }
}

}  // namespace crossdep::source
