// SPDX-License-Identifier: MIT
//
// A function as a whole: its parameters, a constructor's initialisers, what a lambda sees of the function around it; the
// blocks of its flow graph and the scopes whose variables end where control leaves them, jumps included.
//
// Threading: as lower.h.  Allocation: the heap.
#include <algorithm>

#include "source/lower.h"

namespace crossdep::source {

std::int32_t FunctionLowering::new_variable(std::string name, std::string type) {
  f_.variables.push_back({std::move(name), std::move(type), -1});
  return static_cast<std::int32_t>(f_.variables.size() - 1);
}

std::int32_t FunctionLowering::variable_of(CXCursor declaration) const {
  const auto at = variables_.find(declaration_key(declaration));
  return at == variables_.end() ? -1 : at->second;
}

std::int32_t FunctionLowering::new_block() {
  f_.blocks.emplace_back();
  return static_cast<std::int32_t>(f_.blocks.size() - 1);
}

void FunctionLowering::go(std::int32_t to) {
  if (block().next.empty() && !block().stops) block().next.push_back(to);
}

Op& FunctionLowering::emit(OpKind kind, CXCursor where) {
  Op& op = block().ops.emplace_back();
  op.kind = kind;
  op.site = unit_.site(where);
  return op;
}

void FunctionLowering::assign(CXCursor where, ExprId to, ExprId what) {
  Op& op = emit(OpKind::kAssign, where);
  op.object = to;
  op.other = what;
}

void FunctionLowering::open_scope() {
  scopes_.emplace_back();
  scope_ids_.push_back(next_scope_++);
}

void FunctionLowering::end_scope_variables(const Scope& scope) {
  const auto end_of = [&](std::int32_t variable) {
    for (auto it = scope.destructors.rbegin(); it != scope.destructors.rend(); ++it) {
      if (it->second != variable) continue;
      const ExprId self = address(var(variable));
      Op& op = block().ops.emplace_back();
      op.kind = OpKind::kCall;
      op.callee = it->first;
      op.args.push_back(self);
    }
    Op& op = block().ops.emplace_back();
    op.kind = OpKind::kScopeEnd;
    op.var = variable;
  };
  for (auto it = scope.variables.rbegin(); it != scope.variables.rend(); ++it) end_of(*it);
}

void FunctionLowering::close_scope() {
  end_scope_variables(scopes_.back());
  closed_[scope_ids_.back()] = scopes_.back();
  scopes_.pop_back();
  scope_ids_.pop_back();
}

void FunctionLowering::leave_scopes(std::size_t depth) {
  for (std::size_t i = scopes_.size(); i-- > depth;) end_scope_variables(scopes_[i]);
}

void FunctionLowering::resolve_gotos() {
  for (const PendingGoto& pending : gotos_) {
    const auto to = labels_.find(pending.label);
    if (to == labels_.end()) continue;
    begin(pending.block);
    for (std::size_t i = pending.scopes.size(); i-- > 0;) {
      const std::size_t id = pending.scopes[i];
      if (std::find(to->second.scopes.begin(), to->second.scopes.end(), id) != to->second.scopes.end()) break;
      if (const auto scope = closed_.find(id); scope != closed_.end()) end_scope_variables(scope->second);
    }
    go(to->second.block);
  }
}

void FunctionLowering::constructor_initialisers(CXCursor function) {
  const std::vector<CXCursor> parts = children(function);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (clang_getCursorKind(parts[i]) != CXCursor_MemberRef || i + 1 >= parts.size() || !clang_isExpression(clang_getCursorKind(parts[i + 1]))) continue;
    const CXCursor field = clang_getCursorReferenced(parts[i]);
    const CXType type = clang_getCursorType(field);
    const ExprId member = expr(ExprKind::kMember, expr(ExprKind::kDeref, load(var(0)), 0, {}, f_.variables[0].type), 0,
                               text_of(clang_getCursorSpelling(field)), record_of_declaration(clang_getCursorSemanticParent(field)));
    if (is_record(type) && !is_reference(type) && constructor_call(parts[i + 1], address(member), -1)) continue;
    const ExprId what = is_reference(type) ? argument(parts[i + 1], true) : value(parts[i + 1]);
    assign(parts[i], member, what);
  }
}

void FunctionLowering::lower(CXCursor function, CXCursor body, const std::string& key, const std::string& name) {
  f_.key = key;
  f_.name = name;
  f_.site = unit_.site(function);
  const CXCursorKind kind = clang_getCursorKind(function);
  f_.is_static = clang_getCursorLinkage(function) == CXLinkage_Internal;
  f_.has_this = (kind == CXCursor_CXXMethod && !clang_CXXMethod_isStatic(function)) || kind == CXCursor_Constructor || kind == CXCursor_Destructor ||
                kind == CXCursor_ConversionFunction;
  f_.is_virtual = kind == CXCursor_CXXMethod && clang_CXXMethod_isVirtual(function);
  if (f_.has_this) new_variable("this", record_of_declaration(clang_getCursorSemanticParent(function)));
  std::vector<CXCursor> parameters;
  for (const CXCursor child : children(function))
    if (clang_getCursorKind(child) == CXCursor_ParmDecl) parameters.push_back(child);
  for (const CXCursor parameter : parameters) {
    const std::int32_t index = new_variable(text_of(clang_getCursorSpelling(parameter)), pointee_record(clang_getCursorType(parameter)));
    variables_[declaration_key(parameter)] = index;
  }
  f_.parameters = static_cast<std::int32_t>(f_.variables.size());
  CXCursor* overridden = nullptr;
  unsigned count = 0;
  if (kind == CXCursor_CXXMethod) clang_getOverriddenCursors(function, &overridden, &count);
  for (unsigned i = 0; i < count; ++i) f_.overrides.push_back(unit_.function_key(overridden[i]));
  if (overridden != nullptr) clang_disposeOverriddenCursors(overridden);

  // A lambda sees the variables around it: the same objects, from another function.
  if (outer_ != nullptr) {
    f_.outer = outer_->f_.key;
    for (const auto& [where, index] : outer_->variables_) {
      const Variable& seen = outer_->f_.variables[static_cast<std::size_t>(index)];
      const std::int32_t mine = new_variable(seen.name, seen.type);
      f_.variables[static_cast<std::size_t>(mine)].outer = index;
      variables_.try_emplace(where, mine);
    }
  }
  locks_ = mentions_lock(body) || (outer_ != nullptr && outer_->locks_);
  at_ = new_block();
  required_locks(function);
  open_scope();
  if (kind == CXCursor_Constructor) constructor_initialisers(function);
  statement(body);
  close_scope();
  resolve_gotos();
  unit_.add_function(std::move(f_));
}

}  // namespace crossdep::source
