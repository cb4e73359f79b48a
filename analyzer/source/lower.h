// SPDX-License-Identifier: MIT
//
// From libclang's cursors to flow graphs (ir.h). UnitLowering knows the file: symbols, places, names. FunctionLowering
// walks one function's statements and keeps the block being written, the scopes that are open and where jumps lead.
//
// libclang's C API does not tell operators apart, nor which part of a `for` is missing, so those are read from the
// preprocessed text between the operands' extents.
//
// Threading: one thread per unit.  Allocation: the heap.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "source/cursor.h"
#include "source/ir.h"
#include "source/operations.h"

namespace crossdep::source {

class UnitLowering {
 public:
  UnitLowering(Unit& unit, std::string_view text) : unit_(unit), text_(text) {}

  void lower(CXTranslationUnit tu);

  Site site(CXCursor cursor);
  std::string_view text(unsigned begin, unsigned end) const {
    return begin <= end && end <= text_.size() ? text_.substr(begin, end - begin) : std::string_view();
  }
  std::string_view text() const { return text_; }

  /// The key that names this function or variable in the whole program, entered into the unit's symbols.
  std::string symbol(CXCursor declaration);
  bool no_return(CXCursor function);
  /// The destructor to call at the end of an object's life, if it is the program's own; null cursor: none.
  CXCursor destructor(CXType type);
  void count_unmodelled(const std::string& key, const std::string& name, const Site& site);
  std::string lambda_key(CXCursor lambda);
  std::string function_key(CXCursor function);
  void add_function(Function&& function) { unit_.functions.push_back(std::move(function)); }
  void declared_orders(CXCursor lock);
  CXCursor global_named(const std::string& name);
  void add_initial(const std::string& global, std::vector<std::pair<std::string, std::string>>& path, CXType type, CXCursor value);
  void global_variable(CXCursor variable);

 private:
  void declarations(CXCursor parent);
  void function(CXCursor cursor);

  Unit& unit_;
  std::string_view text_;
  std::unordered_map<std::string, std::uint32_t> files_;
  std::set<std::string> symbols_, lowered_;
  std::unordered_map<std::string, bool> no_return_;
  std::unordered_map<std::string, CXCursor> destructors_;
  std::map<std::string, std::size_t> unmodelled_;
  std::unordered_map<std::string, CXCursor> globals_;   // seen so far, by their qualified names
};

class FunctionLowering {
 public:
  /// `outer`: the function a lambda stands in.
  FunctionLowering(UnitLowering& unit, const FunctionLowering* outer) : unit_(unit), outer_(outer) {}

  void lower(CXCursor function, CXCursor body, const std::string& key, const std::string& name);

 private:
  struct Scope {
    std::vector<std::int32_t> variables;
    std::vector<std::pair<std::string, std::int32_t>> destructors;   // symbol, variable; run before the variables end
  };
  struct Jump {              // where break and continue lead, and which scopes they leave
    std::int32_t to = -1;
    std::size_t depth = 0;
  };
  struct Switch {
    ExprId value = kNoExpr;
    std::int32_t tail = -1, otherwise = -1;
  };
  struct PendingGoto {
    std::int32_t block;
    std::string label;
    std::vector<std::size_t> scopes;
  };

  // lower_function.cpp
  void constructor_initialisers(CXCursor function);
  void resolve_gotos();
  void open_scope();
  void close_scope();
  void leave_scopes(std::size_t depth);
  void end_scope_variables(const Scope& scope);

  // lower_stmt.cpp
  void statement(CXCursor c);
  void compound(CXCursor c);
  void if_statement(CXCursor c);
  void loop(CXCursor c);
  void for_statement(CXCursor c);
  void range_for(CXCursor c);
  void switch_statement(CXCursor c);
  void case_statement(CXCursor c, bool otherwise);
  void variable(CXCursor c);
  void return_statement(CXCursor c);
  void condition(CXCursor c, std::int32_t yes, std::int32_t no);
  bool mentions_lock(CXCursor c) const;      // or a mutex
  std::vector<CXCursor> by_offset(CXCursor c) const;
  unsigned header_end(unsigned begin) const;   // of "if (...)": the offset of its closing parenthesis

  // lower_expr.cpp
  ExprId value(CXCursor c);
  ExprId place(CXCursor c);
  ExprId unary(CXCursor c);
  ExprId binary(CXCursor c);
  ExprId order_of(CXCursor left, CXCursor right, bool greater);
  ExprId conditional(CXCursor c);
  ExprId logical(CXCursor c);
  ExprId lambda(CXCursor c);
  ExprId address_of(CXCursor c);
  ExprId argument(CXCursor c, bool by_reference);
  ExprId truth_as_value(CXCursor c);
  bool constant(CXCursor c, std::int64_t& out) const;
  std::string operator_between(CXCursor left, CXCursor right) const;

  // lower_call.cpp
  ExprId call(CXCursor c);
  ExprId operation(const Operation& operation, CXCursor c, CXCursor callee, const std::string& name, const std::string& key);
  ExprId plain_call(CXCursor c, CXCursor callee, const std::string& key, ExprId self);
  bool constructor_call(CXCursor c, ExprId self, std::int32_t variable);
  void guard(const GuardClass& guard, CXCursor c, std::int32_t variable, const std::string& type);
  void create_thread(CXCursor c, const std::vector<CXCursor>& arguments, std::size_t first, ExprId handle);
  ExprId self_argument(CXCursor c);
  std::vector<CXCursor> arguments(CXCursor c) const;
  bool is_recursive(CXCursor argument) const;
  ExprId callback(CXCursor c);
  std::vector<ExprId> passed_arguments(CXCursor c, CXCursor callee, ExprId self);

  // lower_standard.cpp
  bool standard_call(CXCursor c, CXCursor callee, const std::string& name, ExprId& out);
  bool future_call(CXCursor c, const std::string& record, const std::string& method, ExprId& out);
  ExprId function_value(CXCursor c);
  static bool keeps_value(const std::string& record);        // stands for what it was made of
  static bool keeps_function(CXCursor constructor);          // a copy, or a std::function of its argument

  // lower_attributes.cpp
  ExprId attribute_object(const std::string& text, CXCursor function, const std::vector<ExprId>& args, ExprId self);
  std::vector<ExprId> attribute_objects(const std::vector<std::string>& texts, CXCursor function, const std::vector<ExprId>& args, ExprId self);
  void required_locks(CXCursor function);
  bool attributed_call(CXCursor c, CXCursor callee, const std::string& key, ExprId self, ExprId& out);
  bool attributed_guard(CXCursor c, CXCursor constructor, std::int32_t variable);

  ExprId expr(ExprKind kind, ExprId a = kNoExpr, std::int64_t number = 0, std::string name = {}, std::string type = {});
  ExprId load(ExprId place) { return place == kNoExpr ? unknown() : expr(ExprKind::kLoad, place); }
  ExprId address(ExprId place) { return place == kNoExpr ? unknown() : expr(ExprKind::kAddress, place); }
  ExprId unknown(std::string type = {}) { return expr(ExprKind::kUnknown, kNoExpr, 0, {}, std::move(type)); }
  ExprId var(std::int32_t index) { return expr(ExprKind::kVar, kNoExpr, index); }
  std::int32_t new_variable(std::string name, std::string type);
  std::int32_t variable_of(CXCursor declaration) const;
  std::int32_t new_block();
  void go(std::int32_t block);               // the block being written leads there
  void begin(std::int32_t block) { at_ = block; }
  Op& emit(OpKind kind, CXCursor where);
  void assign(CXCursor where, ExprId to, ExprId what);
  Block& block() { return f_.blocks[static_cast<std::size_t>(at_)]; }

  UnitLowering& unit_;
  const FunctionLowering* outer_;
  Function f_;
  std::int32_t at_ = 0;
  std::vector<Scope> scopes_;
  std::vector<std::size_t> scope_ids_;
  std::size_t next_scope_ = 0;
  std::map<std::size_t, Scope> closed_;      // by id, for jumps that leave them
  std::vector<Jump> breaks_, continues_;
  std::vector<Switch> switches_;
  std::unordered_map<std::string, std::int32_t> variables_;   // by the declaration's key
  struct Label {
    std::int32_t block = -1;
    std::vector<std::size_t> scopes;
  };
  std::map<std::string, Label> labels_;
  std::vector<PendingGoto> gotos_;
  unsigned loops_ = 0;
  std::set<std::int32_t> scoped_;            // variables that guard by their class's attributes
  bool locks_ = false;                       // its text says so
};

/// One of clang's attributes, its arguments as they are written, without & and spaces.
struct Attribute {
  std::string name;
  std::vector<std::string> args;
};
/// Of this declaration and the first one of the same thing.
std::vector<Attribute> attributes(const UnitLowering& unit, CXCursor declaration);

/// A local declaration's key: where it stands.
std::string declaration_key(CXCursor declaration);

/// Parses preprocessed text and lowers it.
Unit read_unit(const std::string& file, bool cxx, const std::vector<std::string>& flags, const std::string& text);

}  // namespace crossdep::source
