// SPDX-License-Identifier: MIT
//
// What the standard library's classes do with pointers, functions, containers and guards. A future is known by what it
// waits for: the function that async() runs or a packaged task holds, else the promise it came from.
//
// Threading: as lower.h.  Allocation: the heap.
#include "source/lower.h"

namespace crossdep::source {
namespace {

bool is_smart_pointer(const std::string& record) {
  return record == "std::unique_ptr" || record == "std::shared_ptr" || record == "std::__shared_ptr" || record == "std::__shared_ptr_access" ||
         record == "std::optional" || record == "boost::shared_ptr" || record == "std::weak_ptr" || record == "std::reference_wrapper";
}

bool is_container(const std::string& record) {
  for (const char* name : {"std::vector", "std::array", "std::deque", "std::map", "std::unordered_map", "std::list"})
    if (record == name) return true;
  return false;
}

bool is_future(const std::string& record) {
  return record == "std::future" || record == "std::shared_future" || record == "std::__basic_future" || record == "boost::future";
}

bool holds_function(const std::string& record) {
  return record == "std::function" || record == "std::packaged_task" || record == "std::move_only_function" || record == "boost::function";
}

}  // namespace

bool FunctionLowering::keeps_value(const std::string& record) { return is_future(record) || holds_function(record); }

bool FunctionLowering::keeps_function(CXCursor constructor) {
  const std::string made = record_name(clang_getCursorType(constructor));
  return keeps_value(made) || record_name(clang_getCursorType(clang_Cursor_getArgument(constructor, 0))) == made;
}

// What a std::function or a packaged task holds is what counts, not the object.
ExprId FunctionLowering::function_value(CXCursor c) {
  const ExprId what = callback(c);
  const Expr e = f_.exprs[static_cast<std::size_t>(what)];
  return e.kind == ExprKind::kAddress && holds_function(record_name(clang_getCursorType(c))) ? load(e.a) : what;
}

bool FunctionLowering::future_call(CXCursor c, const std::string& record, const std::string& method, ExprId& out) {
  const bool promise = record == "std::promise" || record == "boost::promise";
  const bool function = holds_function(record), future = is_future(record);
  if (!promise && !function && !future) return false;
  const std::vector<CXCursor> given = arguments(c);
  if (method == "operator=" && !promise) {
    const ExprId what = function_value(given.empty() ? c : given.back());
    assign(c, expr(ExprKind::kDeref, self_argument(c)), what);
    out = unknown();
    return true;
  }
  const ExprId self = self_argument(c);
  out = unknown();
  if (promise) {
    if (method == "get_future") out = self;
    if (method.rfind("set_value", 0) != 0 && method.rfind("set_exception", 0) != 0) return true;
    for (const CXCursor one : given) value(one);
    Op& op = emit(OpKind::kSignal, c);
    op.object = self;
    op.lock_kind = engine::Kind::kFuture;
    return true;
  }
  const ExprId held = load(expr(ExprKind::kDeref, self));
  if (function && method == "get_future") out = held;
  if (function && method == "operator()") {
    std::vector<ExprId> passed;
    for (std::size_t i = given.empty() ? 0 : 1; i < given.size(); ++i) passed.push_back(argument(given[i], true));
    const std::int32_t result = new_variable("", "");
    Op& op = emit(OpKind::kCall, c);
    op.other = held;
    op.args = std::move(passed);
    op.result = result;
    out = load(var(result));
  }
  if (future && method == "share") out = held;
  if (future && (method == "get" || method.rfind("wait", 0) == 0)) {
    Op& op = emit(OpKind::kJoin, c);
    op.other = held;
    op.lock_kind = engine::Kind::kFuture;
    if (method.size() > 4) op.flags = kFlagTimed;   // wait_for, wait_until
  }
  return true;
}

// What the standard library does with pointers, containers and guards. False: nothing special.
bool FunctionLowering::standard_call(CXCursor c, CXCursor callee, const std::string& name, ExprId& out) {
  const std::string method = text_of(clang_getCursorSpelling(callee));
  const CXCursorKind kind = clang_getCursorKind(callee);
  const bool is_method = kind == CXCursor_CXXMethod || kind == CXCursor_ConversionFunction;
  std::string record;
  if (is_method) record = record_of_declaration(clang_getCursorSemanticParent(callee));
  if (const auto at = record.find('<'); at != std::string::npos) record.resize(at);
  const std::vector<CXCursor> given = arguments(c);
  if (is_method && is_smart_pointer(record)) {
    if (method == "operator->" || method == "get" || method == "operator*" || method == "value") {
      out = load(expr(ExprKind::kDeref, self_argument(c), 0, {}, {}));
      return true;
    }
  }
  if (is_method && future_call(c, record, method, out)) return true;
  if (name == "std::less::operator()" || name == "std::greater::operator()") {
    if (given.size() >= 2) out = order_of(given[given.size() - 2], given[given.size() - 1], name == "std::greater::operator()");
    if (out != kNoExpr) return true;
  }
  if ((name == "std::swap" || name == "std::iter_swap") && given.size() == 2) {
    const ExprId a = place(given[0]), b = place(given[1]);
    if (a == kNoExpr || b == kNoExpr) return false;
    const ExprId kept = var(new_variable("", ""));
    assign(c, kept, load(a));
    assign(c, a, load(b));
    assign(c, b, load(kept));
    out = unknown();
    return true;
  }
  if (is_method && is_container(record) &&
      (method == "operator[]" || method == "at" || method == "front" || method == "back")) {
    std::int64_t number = -1;
    if (!given.empty() && !constant(given.back(), number)) number = -1;
    if (record.find("map") != std::string::npos) number = -1;
    out = address(expr(ExprKind::kIndex, expr(ExprKind::kDeref, self_argument(c)), number));
    return true;
  }
  if (is_method && (method == "emplace_back" || method == "push_back") && is_container(record)) {
    const std::vector<CXCursor> inner = children(c);
    const std::string type = inner.empty() ? std::string() : text_of(clang_getTypeSpelling(plain_type(clang_getCursorType(children(peeled(inner[0])).empty() ? c : children(peeled(inner[0]))[0]))));
    if (type.find("thread") != std::string::npos) {
      const ExprId handle = expr(ExprKind::kIndex, expr(ExprKind::kDeref, self_argument(c)), -1);
      if (method == "emplace_back") create_thread(c, given, 0, handle);
      else if (!given.empty() && !constructor_call(given[0], address(handle), -1)) value(given[0]);
      out = unknown();
      return true;
    }
  }
  if (is_method && find_guard(record) != nullptr) {
    const ExprId self = self_argument(c);
    const Expr& e = f_.exprs[static_cast<std::size_t>(self)];
    std::int32_t guard_variable = -1;
    if (e.kind == ExprKind::kAddress && f_.exprs[static_cast<std::size_t>(e.a)].kind == ExprKind::kVar)
      guard_variable = static_cast<std::int32_t>(f_.exprs[static_cast<std::size_t>(e.a)].number);
    if (method == "owns_lock" || method == "operator bool" || kind == CXCursor_ConversionFunction) {
      out = load(guard_variable >= 0 ? var(guard_variable) : kNoExpr);
      return true;
    }
    out = unknown();
    if (guard_variable < 0) return true;   // a guard in a structure: not followed
    if (method == "unlock" || method == "Release") emit(OpKind::kReleaseAll, c).var = guard_variable;
    else if (method == "release") emit(OpKind::kGuardForget, c).var = guard_variable;
    else if (method == "lock" || method == "relock" || method.rfind("try_lock", 0) == 0) {
      const bool tries = method.rfind("try_lock", 0) == 0;
      const std::int32_t result = tries ? new_variable("", "") : -1;
      Op& op = emit(OpKind::kGuard, c);
      op.var = guard_variable;
      op.mode = find_guard(record)->mode;
      op.flags = tries ? kFlagTry : 0;
      op.result = result;
      if (tries) out = load(var(result));
    }
    return true;
  }
  if (name == "std::lock" || name == "std::try_lock" || name == "boost::lock") {
    std::vector<ExprId> objects;
    for (const CXCursor one : given) objects.push_back(argument(one, true));
    const bool tries = name == "std::try_lock";
    for (std::size_t i = 0; i < objects.size(); ++i) {
      Op& op = emit(OpKind::kAcquire, c);
      op.object = objects[i];
      // An algorithm that gives back what it has got when it would have to wait: nothing is waited for while it holds.
      op.flags = static_cast<std::uint16_t>(i == 0 && !tries ? kFlagUnordered : kFlagTry | kFlagUnordered);
    }
    out = unknown();
    return true;
  }
  return false;
}

}  // namespace crossdep::source
