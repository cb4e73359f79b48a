// SPDX-License-Identifier: MIT
//
// Calls: what is in the table of operations becomes one, guards and threads of the standard library are understood by
// their constructors (its other classes: lower_standard.cpp), everything else is a call.
//
// Threading: as lower.h.  Allocation: the heap.
#include "source/lower.h"

namespace crossdep::source {
namespace {

bool ends(const std::string& text, const std::string& with) { return text.size() >= with.size() && text.ends_with(with); }

bool is_thread(const std::string& record) { return record == "std::thread" || record == "std::jthread" || record == "boost::thread"; }

}  // namespace

std::vector<CXCursor> FunctionLowering::arguments(CXCursor c) const {
  std::vector<CXCursor> out;
  const int count = clang_Cursor_getNumArguments(c);
  for (int i = 0; i < count; ++i) out.push_back(clang_Cursor_getArgument(c, static_cast<unsigned>(i)));
  return out;
}

bool FunctionLowering::is_recursive(CXCursor argument) const {
  CXType type = plain_type(clang_getCursorType(peeled(argument)));
  if (type.kind == CXType_Pointer) type = plain_type(clang_getPointeeType(type));
  const std::string name = text_of(clang_getTypeSpelling(type));
  return name.find("recursive_") != std::string::npos || name.find("GRecMutex") != std::string::npos || name.find("QRecursiveMutex") != std::string::npos;
}

// The address of the object a method is called for.
ExprId FunctionLowering::self_argument(CXCursor c) {
  const std::vector<CXCursor> inner = children(c);
  if (inner.empty()) return unknown();
  const CXCursor callee = peeled(inner[0]);
  // An operator's first operand may itself be a member.
  const bool is_callee = clang_getCursorKind(callee) == CXCursor_MemberRefExpr && clang_equalCursors(clang_getCursorReferenced(callee), clang_getCursorReferenced(c));
  if (!is_callee) return argument(inner[0], true);
  const std::vector<CXCursor> object = children(callee);
  if (object.empty() || !clang_isExpression(clang_getCursorKind(object[0]))) {
    if (f_.has_this) return load(var(0));
    return unknown(record_of_declaration(clang_getCursorSemanticParent(clang_getCursorReferenced(c))));
  }
  const CXType type = clang_getCursorType(object[0]);
  if (is_pointer(type)) return value(object[0]);
  const CXCursor base = peeled(object[0]);
  if (clang_getCursorKind(base) == CXCursor_CallExpr && text_of(clang_getCursorSpelling(base)) == "operator->") return value(base);
  if (const ExprId at = place(object[0]); at != kNoExpr) return address(at);
  return value(object[0]);
}

// A function given as an argument, for `std::thread(&C::run, this)` as well.
ExprId FunctionLowering::callback(CXCursor c) {
  CXCursor inner = peeled(c);
  while (clang_getCursorKind(inner) == CXCursor_CallExpr && clang_getCursorKind(clang_getCursorReferenced(inner)) == CXCursor_Constructor) {
    const std::vector<CXCursor> given = arguments(inner);
    if (given.size() != 1) break;
    inner = peeled(given[0]);
  }
  return value(inner);
}

void FunctionLowering::create_thread(CXCursor c, const std::vector<CXCursor>& given, std::size_t first, ExprId handle) {
  if (first >= given.size()) return;
  const ExprId what = function_value(given[first]);
  std::vector<ExprId> passed;
  for (std::size_t i = first + 1; i < given.size(); ++i) passed.push_back(callback(given[i]));
  Op& op = emit(OpKind::kCreate, c);
  op.object = handle;
  op.other = what;
  op.args = std::move(passed);
  if (loops_ > 0) op.flags |= kFlagInLoop;
}

void FunctionLowering::guard(const GuardClass& guard, CXCursor c, std::int32_t variable, const std::string& type) {
  std::vector<ExprId> objects;
  std::uint16_t flags = 0;
  for (const CXCursor argument_ : arguments(c)) {
    const std::string argument_type = record_name(clang_getCursorType(argument_));
    if (ends(argument_type, "adopt_lock_t")) flags |= kFlagAdopt;
    else if (ends(argument_type, "defer_lock_t")) flags |= kFlagDeferred;
    else if (ends(argument_type, "try_to_lock_t")) flags |= kFlagTry;
    else if (argument_type.rfind("std::chrono", 0) == 0) flags |= kFlagTry | kFlagTimed;
    else if (argument_type == type) {   // moved from another guard
      const CXCursor from = peeled(argument_);
      ExprId taken = value(from);
      const Expr& e = f_.exprs[static_cast<std::size_t>(taken)];
      std::int32_t source = -1;
      if (e.kind == ExprKind::kLoad && e.a >= 0 && f_.exprs[static_cast<std::size_t>(e.a)].kind == ExprKind::kVar)
        source = static_cast<std::int32_t>(f_.exprs[static_cast<std::size_t>(e.a)].number);
      Op& op = emit(OpKind::kGuardTake, c);
      op.var = variable;
      op.number = source;
      op.mode = guard.mode;
      return;
    } else {
      if (is_recursive(argument_)) flags |= kFlagRecursive;
      objects.push_back(guard.pointer && is_pointer(clang_getCursorType(argument_)) ? value(argument_) : argument(argument_, true));
    }
  }
  if (objects.size() > 1) flags |= kFlagUnordered;
  const std::string lock_type = text_of(clang_getTypeSpelling(plain_type(clang_getCursorType(c))));
  Op& op = emit(OpKind::kGuard, c);
  op.var = variable;
  op.mode = guard.mode;
  op.flags = flags;
  op.args = std::move(objects);
  op.lock_kind = lock_type.find("shared_") != std::string::npos || guard.mode == engine::Mode::kRead ? engine::Kind::kRwlock : engine::Kind::kMutex;
}

// A constructor's call, for a variable or (variable -1) a temporary. False: it is no constructor's.
bool FunctionLowering::constructor_call(CXCursor c, ExprId self, std::int32_t variable) {
  c = peeled(c);
  if (clang_getCursorKind(c) != CXCursor_CallExpr) return false;
  const CXCursor callee = clang_getCursorReferenced(c);
  const std::string type = record_name(clang_getCursorType(c));
  if (const GuardClass* known = find_guard(type)) {
    if (clang_getCursorKind(callee) != CXCursor_Constructor && !clang_Cursor_isNull(callee)) return false;
    const bool temporary = variable < 0;
    if (temporary) variable = new_variable("", type);
    guard(*known, c, variable, type);
    if (temporary) {
      Op& op = emit(OpKind::kScopeEnd, c);
      op.var = variable;
    }
    return true;
  }
  if (clang_getCursorKind(callee) != CXCursor_Constructor && !(clang_Cursor_isNull(callee) && is_thread(type))) return false;
  if (is_thread(type)) {
    const std::vector<CXCursor> given = arguments(c);
    if (given.size() == 1 && record_name(clang_getCursorType(given[0])) == type) {   // moved
      const CXCursor from = peeled(given[0]);
      if (clang_getCursorKind(from) == CXCursor_CallExpr && constructor_call(from, self, variable)) return true;
    }
    create_thread(c, given, 0, self == kNoExpr ? kNoExpr : expr(ExprKind::kDeref, self));
    return true;
  }
  const std::vector<CXCursor> given = arguments(c);
  if (given.size() == 1 && record_name(clang_getCursorType(given[0])) == type) {
    // A copy or a move, often elided: what it is made from counts.
    const CXCursor from = peeled(given[0]);
    if (clang_getCursorKind(from) == CXCursor_CallExpr && constructor_call(from, self, variable)) return true;
  }
  if (attributed_guard(c, callee, variable)) return true;
  if (self == kNoExpr) self = expr(ExprKind::kFresh, kNoExpr, 0, {}, type);
  plain_call(c, callee, in_system_header(callee) ? std::string() : unit_.symbol(callee), self);
  return true;
}

std::vector<ExprId> FunctionLowering::passed_arguments(CXCursor c, CXCursor callee, ExprId self) {
  std::vector<ExprId> passed;
  if (self != kNoExpr) passed.push_back(self);
  const CXType type = clang_getCursorType(callee);
  const std::vector<CXCursor> given = arguments(c);
  // An operator's first argument is its object.
  const std::size_t first = self != kNoExpr && clang_getCursorKind(callee) == CXCursor_CXXMethod &&
                                    static_cast<int>(given.size()) == clang_getNumArgTypes(type) + 1 ? 1 : 0;
  for (std::size_t i = first; i < given.size(); ++i) {
    const bool known = static_cast<int>(i - first) < clang_getNumArgTypes(type);
    const bool by_reference = known && is_reference(clang_getArgType(type, static_cast<unsigned>(i - first)));
    passed.push_back(argument(given[i], by_reference || is_record(clang_getCursorType(given[i]))));
  }
  return passed;
}

ExprId FunctionLowering::plain_call(CXCursor c, CXCursor callee, const std::string& key, ExprId self) {
  std::vector<ExprId> passed = passed_arguments(c, callee, self);
  const std::int32_t result = new_variable("", "");
  Op& op = emit(OpKind::kCall, c);
  op.callee = key;
  op.args = std::move(passed);
  op.result = result;
  // Base::f() calls just that one. Of operators libclang does not say whether the call is dynamic.
  if (clang_getCursorKind(callee) == CXCursor_CXXMethod && clang_CXXMethod_isVirtual(callee) &&
      (clang_Cursor_isDynamicCall(c) != 0 || text_of(clang_getCursorSpelling(callee)).starts_with("operator")))
    op.flags |= kFlagVirtual;
  return load(var(result));
}

ExprId FunctionLowering::operation(const Operation& operation, CXCursor c, CXCursor callee, const std::string& name, const std::string& key) {
  using What = Operation::What;
  const std::vector<CXCursor> given = arguments(c);
  std::vector<ExprId> values;
  const CXType type = clang_getCursorType(callee);
  const bool is_method = clang_getCursorKind(callee) == CXCursor_CXXMethod;
  const ExprId self = operation.object == kThis ? self_argument(c) : kNoExpr;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const bool reference = static_cast<int>(i) < clang_getNumArgTypes(type) && is_reference(clang_getArgType(type, static_cast<unsigned>(i)));
    // Of a template libclang may know no argument types: a lock is passed as an object then.
    values.push_back(argument(given[i], reference || (is_record(clang_getCursorType(given[i])) && (is_method || clang_getNumArgTypes(type) < 0))));
  }
  const auto nth = [&](int i) {
    if (i == kThis) return self;
    return i >= 0 && static_cast<std::size_t>(i) < values.size() ? values[static_cast<std::size_t>(i)] : kNoExpr;
  };
  const auto place_of = [&](ExprId pointer) { return pointer == kNoExpr ? kNoExpr : expr(ExprKind::kDeref, pointer); };
  const auto recursive = [&] {
    if (operation.object == kThis) return name.find("recursive") != std::string::npos || name.find("Recursive") != std::string::npos;
    return operation.object >= 0 && static_cast<std::size_t>(operation.object) < given.size() &&
           is_recursive(given[static_cast<std::size_t>(operation.object)]);
  };
  const auto annotate = [&](Op& op) {
    op.lock_kind = operation.kind;
    op.mode = operation.mode;
    op.flags |= operation.flags;
    if (!body_counts_more(name)) return;
    op.flags |= kFlagModel;
    op.callee = key;
    op.args = values;
  };
  ExprId out = unknown();
  switch (operation.what) {
    case What::kAcquire:
    case What::kRelease: {
      const bool acquire = operation.what == What::kAcquire;
      const bool tries = acquire && (operation.flags & kFlagTry) != 0;
      ExprId object = nth(operation.object);
      if (operation.object == -1) object = address(expr(ExprKind::kGlobal, kNoExpr, 0, "cpu_hotplug_lock"));
      std::uint16_t flags = recursive() ? kFlagRecursive : 0;
      engine::Mode mode = operation.mode;
      if (name.rfind("crossdep_acquire", 0) == 0) {
        std::int64_t number;
        if (given.size() > 1 && constant(given[1], number)) mode = number == 1 ? engine::Mode::kRead : number == 2 ? engine::Mode::kRecursiveRead : engine::Mode::kWrite;
        if (given.size() > 2 && constant(given[2], number) && (number & 1) != 0) flags |= kFlagUnordered;
      }
      const bool brief = acquire && (operation.flags & kFlagDeferred) != 0;
      const std::int32_t result = tries || body_counts_more(name) ? new_variable("", "") : -1;
      Op& op = emit(acquire ? OpKind::kAcquire : OpKind::kRelease, c);
      annotate(op);
      op.mode = mode;
      op.object = object;
      op.flags = static_cast<std::uint16_t>((op.flags | flags) & ~kFlagDeferred);
      op.result = result;
      if (brief) {
        Op& back = emit(OpKind::kRelease, c);
        annotate(back);
        back.object = object;
        back.flags |= kFlagSecond;
      }
      if (result >= 0) out = load(var(result));
      else if (acquire) out = expr(ExprKind::kConst, kNoExpr, 0);   // pthread's success
      break;
    }
    case What::kWait:
    case What::kSignal: {
      std::int32_t result = body_counts_more(name) ? new_variable("", "") : -1;
      ExprId mutex = nth(operation.other);
      std::int32_t guard_variable = -1;
      if (mutex != kNoExpr) {   // condition_variable::wait(lock): the guard's mutex
        const Expr& e = f_.exprs[static_cast<std::size_t>(mutex)];
        if (e.kind == ExprKind::kAddress && f_.exprs[static_cast<std::size_t>(e.a)].kind == ExprKind::kVar &&
            find_guard(f_.variables[static_cast<std::size_t>(f_.exprs[static_cast<std::size_t>(e.a)].number)].type) != nullptr) {
          guard_variable = static_cast<std::int32_t>(f_.exprs[static_cast<std::size_t>(e.a)].number);
          mutex = kNoExpr;
        }
      }
      Op& op = emit(operation.what == What::kWait ? OpKind::kWait : OpKind::kSignal, c);
      annotate(op);
      op.object = nth(operation.object);
      if (operation.object == -1) op.object = address(expr(ExprKind::kGlobal, kNoExpr, 0, "system_wq"));
      op.other = mutex;
      op.var = guard_variable;
      op.result = result;
      break;
    }
    case What::kCreate: {
      const ExprId handle = place_of(nth(operation.object));
      Op& op = emit(OpKind::kCreate, c);
      op.object = handle;
      op.other = nth(operation.other);
      if (const ExprId data = nth(operation.more); data != kNoExpr) op.args.push_back(data);
      if (loops_ > 0) op.flags |= kFlagInLoop;
      out = expr(ExprKind::kConst, kNoExpr, 0);
      break;
    }
    case What::kJoin: {
      if ((operation.flags & kFlagDeferred) != 0) {   // the thread is known by what its creation gave back: its function
        Op& op = emit(OpKind::kJoin, c);
        op.other = nth(operation.object);
        break;
      }
      ExprId handle = place_of(nth(operation.object));
      if (operation.object != kThis && handle != kNoExpr) {   // pthread_join takes the handle's value
        const Expr e = f_.exprs[static_cast<std::size_t>(nth(operation.object))];
        handle = e.kind == ExprKind::kLoad ? e.a : kNoExpr;
      }
      emit(OpKind::kJoin, c).object = handle;
      break;
    }
    case What::kOnce: {
      Op& get = emit(OpKind::kAcquire, c);
      get.object = nth(operation.object);
      get.lock_kind = operation.kind;
      Op& run = emit(OpKind::kCall, c);
      run.other = nth(operation.other);
      for (std::size_t i = static_cast<std::size_t>(operation.other) + 1; i < values.size(); ++i) run.args.push_back(values[i]);
      emit(OpKind::kRelease, c).object = nth(operation.object);
      break;
    }
    case What::kName: {
      Op& op = emit(OpKind::kName, c);
      op.object = nth(operation.object);
      op.other = nth(operation.other);
      op.lock_kind = operation.kind;
      break;
    }
    case What::kWorkQueue: {
      const ExprId queue = operation.other < 0 ? address(expr(ExprKind::kGlobal, kNoExpr, 0, "system_wq")) : nth(operation.other);
      Op& op = emit(OpKind::kWorkQueue, c);
      op.object = nth(operation.object);
      op.other = queue;
      break;
    }
    case What::kWorkInit: {
      Op& op = emit(OpKind::kWorkInit, c);
      op.object = nth(operation.object);
      op.other = nth(operation.other);
      break;
    }
    case What::kOperation: emit(OpKind::kOperation, c).other = nth(operation.object); break;
    case What::kRecursive: emit(OpKind::kRecursive, c).object = nth(operation.object); break;
    case What::kNoReturn:
      leave_scopes(0);
      block().stops = true;
      begin(new_block());
      break;
    case What::kCallBack:
    case What::kContext: {
      for (std::size_t i = 0; i < values.size(); ++i) {
        if (operation.other >= 0 && static_cast<int>(i) != operation.other) continue;
        if (operation.other < 0 && f_.exprs[static_cast<std::size_t>(values[i])].kind != ExprKind::kFunction) continue;
        Op& op = emit(operation.what == What::kContext ? OpKind::kCreate : OpKind::kCall, c);
        op.other = values[i];
        if (operation.what == What::kContext && operation.more >= 0 && nth(operation.more) != kNoExpr) op.args.push_back(nth(operation.more));
        if (operation.what != What::kContext) continue;
        op.flags |= kFlagInLoop;
        out = values[i];   // who waits for its end finds it by this
      }
      break;
    }
    case What::kValue: out = values.empty() ? unknown() : values[0];
      if (name.find("atomic_load") != std::string::npos || name == "__atomic_load_n") out = load(place_of(out));
      break;
    case What::kStore: {
      const ExprId to = place_of(nth(operation.object));
      Op& op = emit(OpKind::kAssign, c);
      op.object = to;
      op.other = nth(operation.other);
      break;
    }
    case What::kIgnore: break;
  }
  return out;
}

ExprId FunctionLowering::call(CXCursor c) {
  const CXCursor callee = clang_getCursorReferenced(c);
  const CXCursorKind kind = clang_getCursorKind(callee);
  const std::vector<CXCursor> inner = children(c);
  if (kind == CXCursor_Constructor || clang_Cursor_isNull(callee)) {
    if (constructor_call(c, kNoExpr, -1)) return unknown(record_name(clang_getCursorType(c)));
  }
  const bool direct = kind == CXCursor_FunctionDecl || kind == CXCursor_CXXMethod || kind == CXCursor_Constructor || kind == CXCursor_Destructor ||
                      kind == CXCursor_ConversionFunction || kind == CXCursor_FunctionTemplate;
  if (!direct) {
    // Through a pointer, or in a template where the callee depends on its parameters.
    ExprId pointer = kNoExpr;
    if (!inner.empty()) {
      CXCursor what = peeled(inner[0]);
      if (clang_getCursorKind(what) == CXCursor_UnaryOperator && !children(what).empty()) what = peeled(children(what)[0]);
      pointer = value(what);
    }
    std::vector<ExprId> passed;
    for (const CXCursor one : arguments(c)) passed.push_back(argument(one, is_record(clang_getCursorType(one))));
    const std::int32_t result = new_variable("", "");
    Op& op = emit(OpKind::kCall, c);
    op.other = pointer;
    op.args = std::move(passed);
    op.result = result;
    return load(var(result));
  }
  std::string name = qualified_name(callee);
  if (name.rfind("__builtin_", 0) == 0 && name != "__builtin_expect" && find_operation(name) == nullptr && find_operation(name.substr(10)) != nullptr) name.erase(0, 10);
  // A lambda called by its variable.
  if (kind == CXCursor_CXXMethod && text_of(clang_getCursorSpelling(callee)) == "operator()" && !inner.empty() && in_system_header(callee) == false) {
    const std::vector<CXCursor> given = arguments(c);
    const CXCursor object = peeled(given.empty() ? inner[0] : given[0]);
    if (clang_getCursorKind(object) == CXCursor_LambdaExpr ||
        text_of(clang_getTypeSpelling(clang_getCursorType(object))).find("(lambda at") != std::string::npos) {
      const ExprId pointer = value(object);
      std::vector<ExprId> passed;
      for (std::size_t i = 1; i < given.size(); ++i) passed.push_back(argument(given[i], true));
      const std::int32_t result = new_variable("", "");
      Op& op = emit(OpKind::kCall, c);
      op.other = pointer;
      op.args = std::move(passed);
      op.result = result;
      return load(var(result));
    }
  }
  if (name == "pthread_mutexattr_settype" || name == "pthread_mutex_init") {
    const std::vector<CXCursor> given = arguments(c);
    if (given.size() != 2) return unknown();
    const ExprId first = value(given[0]), second = value(given[1]);
    const bool settype = name == "pthread_mutexattr_settype";
    const ExprId attribute = expr(ExprKind::kMember, expr(ExprKind::kDeref, settype ? first : second), 0, "$type", "$attribute");
    Op& op = emit(settype ? OpKind::kAssign : OpKind::kRecursive, c);
    op.object = settype ? attribute : first;
    op.other = settype ? second : load(attribute);
    // The place is an expression made before the operation: emit() may move the list of operations, not of expressions.
    return expr(ExprKind::kConst, kNoExpr, 0);
  }
  ExprId out = kNoExpr;
  if (standard_call(c, callee, name, out)) return out;
  const bool of_system = in_system_header(callee);
  const std::string key = unit_.symbol(callee);
  if (const Operation* known = find_operation(name)) return operation(*known, c, callee, name, key);
  const bool is_method = kind == CXCursor_CXXMethod && !clang_CXXMethod_isStatic(callee);
  const ExprId self = is_method || kind == CXCursor_Destructor || kind == CXCursor_ConversionFunction ? self_argument(c) : kNoExpr;
  if (attributed_call(c, callee, key, self, out)) return out;
  if (!of_system && looks_like_lock(name)) unit_.count_unmodelled(key, name, unit_.site(c));
  out = plain_call(c, callee, key, self);
  if (unit_.no_return(callee)) {
    leave_scopes(0);
    block().stops = true;
    begin(new_block());
  }
  return out;
}

}  // namespace crossdep::source
