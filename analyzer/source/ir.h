// SPDX-License-Identifier: MIT
//
// What one source file says about locks, without its syntax: functions as flow graphs of lock operations, assignments and
// calls, over expressions that name places in memory. Made by lower*.cpp from libclang's cursors, read by analysis/.
//
// Threading: values, no state.  Allocation: the heap.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/types.h"

namespace crossdep::source {

struct Site {
  std::uint32_t file = 0;          // into Unit::files
  std::uint32_t line = 0, column = 0;
};

using ExprId = std::int32_t;       // into Function::exprs
inline constexpr ExprId kNoExpr = -1;

/// Places: kVar, kGlobal, kMember, kIndex, kDeref. Values: the others.
enum class ExprKind : std::uint8_t {
  kVar,      // a variable of this function; `number` is its index
  kGlobal,   // `name` is a symbol's key
  kMember,   // of the place `a`; `name` is the member, `type` the record it belongs to
  kIndex,    // of the array place `a`; `number` is the index, -1 if not constant; `b` the index's value or kNoExpr
  kDeref,    // what the value `a` points to; `type` is the record pointed to, if it is one
  kLoad,     // the value in the place `a`
  kAddress,  // of the place `a`
  kFunction, // `name` is a symbol's key
  kConst,    // `number`
  kString,   // `name`
  kEqual,    // 1 if the value `a` is the constant `number`, else 0
  kNot,      // of the value `a`
  kMask,     // the bits `number` of the value `a`
  kLess,     // 1 if the object the value `a` points to comes before that of `b`: by address, or by a number in both
  kFresh,    // address of a new object of record `type`
  kUnknown,  // `type` is the record pointed to, if known
};

struct Expr {
  ExprKind kind = ExprKind::kUnknown;
  ExprId a = kNoExpr, b = kNoExpr;
  std::int64_t number = 0;
  std::string name, type;
};

enum class OpKind : std::uint8_t {
  kAcquire,    // object; with kTry, `result` gets whether it was got
  kRelease,    // object
  kReleaseAll, // what guard variable `var` holds: it is unlocked or ends
  kWait,       // object, a crosslock; `other` is the mutex given up meanwhile
  kSignal,     // object
  kAssign,     // object (a place) = other (a value)
  kCall,       // callee or, through a pointer, other (a value); args; result
  kGuard,      // variable `var` guards the objects args; flags say whether they are got now
  kGuardTake,  // guard variable `var` takes over what guard variable `number` holds; number -1: what the last call left
  kGuardForget,// guard variable `var` no longer gives back what it holds
  kScopeEnd,   // variable `var` ends
  kCreate,     // other is the function, args its arguments, object the handle (a place)
  kJoin,       // object is the handle (a place); or other is what is waited for: a function, a promise
  kWorkInit,   // object is the item, other its function
  kWorkQueue,  // object is the item, other the queue (a place)
  kName,       // object gets the name other (a string); kind is what it is
  kRecursive,  // object is a recursive lock
  kOperation,  // other (a string) is performed
  kHold,       // object is held by the caller when the function begins (an annotation)
};

enum OpFlag : std::uint16_t {
  kFlagTry = 1, kFlagTimed = 2, kFlagDeferred = 4, kFlagAdopt = 8, kFlagVirtual = 16, kFlagZeroIsGot = 32, kFlagInLoop = 64,
  kFlagRecursive = 256,   // the owner may get it again
  kFlagModel = 512,       // stands for the call of `callee` only as long as that has no body
  kFlagSecond = 1024,     // a further operation for the same call: done with it if it has a body
  kFlagUnordered = 128,   // got together with others by an algorithm that avoids deadlock
};

struct Op {
  OpKind kind = OpKind::kAssign;
  engine::Kind lock_kind = engine::Kind::kMutex;
  engine::Mode mode = engine::Mode::kWrite;
  std::uint16_t flags = 0;
  ExprId object = kNoExpr, other = kNoExpr;
  std::vector<ExprId> args;
  std::int32_t var = -1, result = -1;     // variables
  std::int32_t number = -1;
  std::string callee;                     // a symbol's key
  Site site;
};

struct Block {
  std::vector<Op> ops;
  ExprId condition = kNoExpr;      // two successors: if not 0, else
  std::vector<std::int32_t> next;  // none: the function returns `value`, unless `stops`
  ExprId value = kNoExpr;
  std::int32_t avoided = -1;       // of two successors: gone to only where the condition is known not to lead to the other
  bool stops = false;              // not reached further: abort, throw
};

struct Variable {
  std::string name;
  std::string type;                // record, empty if it is none
  std::int32_t outer = -1;         // seen from a lambda: its index in the function around it
};

struct Function {
  std::string key;                 // unique in the program
  std::string name;                // for people
  std::string outer;               // a lambda's: the function around it
  Site site;
  bool is_static = false, is_virtual = false;
  std::int32_t parameters = 0;     // the first variables; `this` is the first of them where there is one
  bool has_this = false;
  std::vector<Variable> variables;
  std::vector<Expr> exprs;
  std::vector<Block> blocks;       // 0 is the entry
  std::vector<std::string> overrides;   // keys of the methods it overrides
};

/// A global that lock names are made of.
struct Symbol {
  std::string key, name;
  std::string type;                // record
  std::string file;                // of a static, else empty
  bool is_function = false;
};

/// A value a global or a member has from its initialiser.
struct Initial {
  std::string global;              // symbol key
  std::vector<std::pair<std::string, std::string>> path;   // member, record; "[n]" for elements
  std::string function, object;    // symbol key of what it points to
};

/// A function that looks as if it locks, is called, and has neither a body here nor a model.
struct Unmodelled {
  std::string key, name;
  std::uint32_t calls = 0;
  Site first;
};

/// acquired_before and acquired_after: what is to be got first. An end is a member of a record, or a global.
struct Declared {
  struct End {
    std::string record, member;    // empty: `symbol` is a global's key
    std::string symbol;
  };
  End first, then;
  Site site;
};

struct Unit {
  std::string file;                // as in the compilation database, absolute
  std::vector<std::string> files;
  std::vector<Function> functions;
  std::vector<Symbol> symbols;
  std::vector<Initial> initials;
  std::vector<Unmodelled> unmodelled;
  std::vector<Declared> declared;
  std::string failure;             // "FILE:LINE: cause"; empty: it was read
};

}  // namespace crossdep::source
