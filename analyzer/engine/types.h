// SPDX-License-Identifier: MIT
//
// The vocabulary every part of crossdep shares: identifiers, lock modes, kinds of objects and contexts, checks and
// verdicts. Plain data only; names follow the kernel's lockdep where it has one.
//
// Threading: values, no state.  Allocation: none.
#pragma once

#include <cstddef>
#include <cstdint>

namespace crossdep::engine {

using ClassId = std::uint32_t;
using InstanceId = std::uint32_t;
using ContextId = std::uint32_t;
using DependencyId = std::uint32_t;
using StackId = std::uint32_t;    // an interned call stack, 0 = no stack
using FindingId = std::uint32_t;  // ordinal within one engine; the stable id is made from class names by the reports

/// A place in code. Opaque to the engine: a return address when recorded natively, an interned string's number in text.
using Site = std::uint64_t;

inline constexpr std::uint32_t kNone = 0xffffffffu;

/// How a lock is requested or held. A recursive reader is not blocked by waiting writers, a reader is.
enum class Mode : std::uint8_t { kWrite, kRead, kRecursiveRead };

/// What an object is. The order is part of the binary trace format: append only.
enum class Kind : std::uint8_t {
  kMutex, kSpin, kRwlock, kRwsem,                  // locks: held by the context that got them
  kCompletion, kCond, kSemaphore, kFuture,         // crosslocks: waited for here, released elsewhere
  kBarrier, kLatch, kOnce, kGuard, kThread, kProcess, kWork, kWorkqueue, kFutex,
  kOther,
  kInterrupt,                                      // the end of an interrupt or signal handler (engine/interrupts.cpp)
  kOperation,                                      // no object: a named operation (engine/operations.cpp)
};
inline constexpr unsigned kKindCount = static_cast<unsigned>(Kind::kOperation) + 1;

/// True for objects that one context waits for and another one releases.
constexpr bool is_crosslock(Kind kind) { return kind >= Kind::kCompletion && kind <= Kind::kFutex; }

/// Properties of one instance; a set of bits.
enum InstanceFlag : std::uint8_t {
  kRecursiveLock = 1,   // the owner may get it again; only the outermost acquisition counts
  kErrorCheck = 2,      // a self-deadlock is answered with an error, it does not block
  kOrderAddress = 4,    // nesting within the class is declared: ascending address
  kNestOk = 8,          // nesting within the class is declared harmless
  kLeftHeld = 16,       // since a fork held by a thread that this process does not have
  kLeftRead = 32,       // with kLeftHeld: for reading
  kOfProcess = 64,      // held by the process (a file lock): any of its contexts may give it up, and its end does
  kToken = 128,         // a semaphore of one token: held by who took it, until somebody else is seen to give it back
};

/// Properties of one request or wait; a set of bits.
enum RequestFlag : std::uint8_t {
  kTry = 1,      // does not block: no dependency ends here, but it is held like any other
  kTimed = 2,    // ends by itself
  kRetake = 4,   // a condition variable's mutex got again after its wait
  kSync = 8,     // waits for all holders, holds nothing
};

enum class ContextKind : std::uint8_t { kThread, kTask, kProcess, kSignal, kHardirq, kSoftirq, kNmi, kWorkItem, kLoader };

/// How a class got its identity; decides how its name is made (see ClassInfo).
enum class ClassKey : std::uint8_t {
  kNamed,      // by name: an annotation, a rules file, a text trace
  kStatic,     // `key` is the address of a static object: named by its symbol
  kInitSite,   // `key` is the Site that initialised the object
  kFirstSite,  // `key` is the Site that first requested it, `ordinal` tells apart objects first requested there
  kFunction,   // `key` is a function's address: a thread's start routine, a work item's function
  kInstance,   // every instance is its own class; `key` is its address (or trace-local number)
  kHeap,       // `key` is the Site that allocated the memory it lies in, `ordinal` its offset there (and, above bit 24,
               // which of several sizes allocated there it was), or kArrayElement
  kStack,      // `key` is the address of the function in whose frame it lies, `ordinal` tells that function's objects apart
};

/// Of a kHeap class: the objects of an array, at any offset.
inline constexpr std::uint32_t kArrayElement = (1u << 24) - 1;

/// Why a dependency exists. `overlap` and `history` are the two strengths of an event dependency (cross-release).
enum class Origin : std::uint8_t { kHeld, kOverlap, kHistory, kDeclared, kStatic };

/// Every check, in the order of the catalogue (rules/catalogue.h holds the ids and texts). Append only.
enum class Check : std::uint8_t {
  kLockOrderCycle,      // lock-order-cycle
  kCrossReleaseCycle,   // cross-release-cycle: at least one crosslock in the cycle
  kRecursiveLock,       // recursive-lock
  kBadUnlock,           // bad-unlock: released by a context that does not hold it
  kDestroyHeld,         // destroy-held: destroyed, freed or initialised again while held
  kExitHeld,            // exit-held: a context ended while holding it
  kAssertHeld,          // assert-held: an annotation said the lock is held here and it is not
  kSignalUnsafeLock,    // signal-unsafe-lock: a handler or interrupt may wait for what it has interrupted
  kWaitContext,         // wait-context: a lock that may sleep or spin where that is not allowed
  kRcuUsage,            // rcu-usage: only reported by the kernel's lockdep, never by the engine
  kLockMisuse,          // lock-misuse: likewise, only reported by other tools
  // What rule files declare, judged on graphs (rules/evaluate.h).
  kDeclaredOrder,       // declared-order: against an order that was declared
  kLeafLock,            // leaf-lock: something was taken or waited for under a leaf lock
  kForbiddenOperation,  // forbidden-operation: under a lock under which it is forbidden
  kLockRequired,        // lock-required: an operation without the lock it needs
  kNoLockAllowed,       // no-lock-allowed: an operation with any lock held
  kForkHeldLock,        // fork-held-lock: a fork child needs what another thread of its parent held
};
inline constexpr unsigned kCheckCount = static_cast<unsigned>(Check::kForkHeldLock) + 1;

/// What can honestly be said of a finding, weakest first, so that `a >= b` means "at least as certain".
enum class Verdict : std::uint8_t { kRefuted, kLatent, kPossible, kFeasible, kConfirmed, kDeadlock };

/// Why a finding has its verdict; the reports turn it into one sentence.
enum class Reason : std::uint8_t {
  kNoneExcluded,        // possible: same instances, different contexts, nothing seen excludes it
  kInstancesDiffer,     // possible: the classes form a cycle, the instances seen do not
  kTimed,               // possible: a timed request is part of it and would end by itself
  kHistoryOnly,         // possible: an event dependency is known from history only
  kBudgetSpent,         // possible: too many witnesses to try every combination
  kNestedUnordered,     // possible: same class nested, both address orders seen
  kOneContext,          // latent: one context did both
  kOrderedByForkJoin,   // latent: create/join put one side before the other
  kOrderedBySignal,     // latent: a signal and the wait it ended put one side before the other
  kNestedOrdered,       // latent: same class nested, always in ascending address order
  kGateLock,            // refuted: all sides hold the same lock for writing
  kErrorReturned,       // refuted: an errorcheck lock answers EDEADLK
  kObserved,            // confirmed: seen to happen in this run
  kBlockedNow,          // deadlock: these contexts wait for each other now
  kSelfBlocked,         // deadlock: a context waits for a lock it holds itself
  kNestedCycle,         // possible: same class nested, these very instances in both orders
  kNestedParentFirst,   // latent: same class nested, always parent before child
  kNestedByLevel,       // latent: same class nested, many pairs and no two of them contradict
  kHolderLeft,          // deadlock: the holder is a thread that a fork left behind
  kOtherReleasers,      // possible: somebody who is not in the cycle was seen to release a crosslock of it too
  kGuardedChild,        // refuted: one side holds what the other one's creator holds until it has joined that one
  kHistoriesExclude,    // refuted: to get there each would have to get what the other one holds by then
  kHandedOn,            // refuted: a semaphore's token counted as held, and another context gave it back
  kReported,            // another tool's finding, in its words (FindingInfo::said); the last, as the engine gives the others
};

}  // namespace crossdep::engine
