// SPDX-License-Identifier: MIT
//
// See catalogue.h. `crossdep check` on each example, or `crossdep explain`, gives exactly its finding (a test does so).
//
// Threading: constant data.  Allocation: none.
#include "rules/catalogue.h"

#include <array>

namespace crossdep::rules {
namespace {

using engine::Check;

constexpr std::array<CheckText, engine::kCheckCount> kCatalogue = {{
    {Check::kLockOrderCycle, "lock-order-cycle", "locks are taken in orders that form a cycle",
     "Every context holds one lock of the cycle while it requests the next. If all of them get their first lock before "
     "any gets its second, none of them ever goes on. Decide on one order for these locks and take them in it "
     "everywhere, or release the first before requesting the second.",
     "T1 acquire a\nT1 acquire b\nT1 release b\nT1 release a\n"
     "T2 acquire b\nT2 acquire a\nT2 release a\nT2 release b\n",
     Level::kError},
    {Check::kCrossReleaseCycle, "cross-release-cycle", "a wait and its release depend on each other through locks",
     "One context waits for something (a completion, a condition variable, a semaphore, a thread's end, a work item) "
     "while it holds a lock; the context that is to release the waiter requests that lock, or one that leads to it, "
     "first. Release the lock before waiting, or do what needs the lock after the release.",
     "T1 acquire a\nT1 init done kind=completion\nT1 release a\nT2 wait done\nT1 acquire a\nT1 release a\n"
     "T1 signal done\nT2 wake done\nT2 acquire a\nT2 wait done\n",
     Level::kError},
    {Check::kRecursiveLock, "recursive-lock", "a lock is requested by the context that already holds it",
     "A context requests a lock it holds, or another lock of the same class with no order between the two. The first "
     "blocks for ever; the second does as soon as another context takes the pair the other way round. If the nesting "
     "is meant, declare its order (a subclass, or ascending addresses) or use a recursive lock.",
     "T1 acquire a\nT1 acquire a\n", Level::kError},
    {Check::kBadUnlock, "bad-unlock", "a lock is released by a context that does not hold it",
     "The lock is not held, or another context holds it. For mutexes that is undefined behaviour: the critical section "
     "of whoever holds it is open from now on. Look for a release too many on an error path, or use a semaphore if "
     "the hand-over is meant.",
     "T1 acquire a\nT1 release a\nT1 release a\n", Level::kError},
    {Check::kDestroyHeld, "destroy-held", "a lock is destroyed, freed or initialised again while it is held",
     "Its holder will release memory that is something else by then, and whoever waits for it is never woken. Release "
     "it first; if the object is shared, wait for its last user before destroying it.",
     "T1 init a\nT1 acquire a\nT1 destroy a\n", Level::kError},
    {Check::kExitHeld, "exit-held", "a context ended while it held a lock",
     "Nobody can release the lock any more: the next request for it blocks for ever (a robust mutex reports the dead "
     "owner instead). Look for a return, exception or cancellation between acquisition and release.",
     "T1 fork T2\nT2 acquire a\nT1 join T2\n", Level::kError},
    {Check::kAssertHeld, "assert-held", "a lock the code declares to be held here is not",
     "An annotation states that this code runs under the lock and it does not: what the lock protects is open here. "
     "Take the lock in the caller, or correct the annotation.",
     "T1 init a\nT1 assert_held a\n", Level::kError},
    {Check::kSignalUnsafeLock, "signal-unsafe-lock", "a handler or interrupt may wait for what it has interrupted",
     "A lock is taken in a signal handler or interrupt, and the same lock, or one that leads to it, is held somewhere while "
     "that handler can strike. The handler then waits for the lock of the very context it has interrupted, which goes on "
     "only when the handler is done. Block the signal (or disable the interrupt) while the lock is held, or take no lock "
     "in the handler.",
     "T1 acquire a\nT1 release a\nT2 begin signal 10\nT2 acquire a\nT2 release a\nT2 end\n", Level::kError},
    {Check::kWaitContext, "wait-context", "a lock that may sleep is requested where that is not allowed",
     "The context (an interrupt) or a lock it holds (a spinlock) does not allow to sleep, or not even to spin on a lock "
     "whose holder may sleep. Take the lock before, use a lock of the stricter kind, or defer the work.",
     "T1 acquire s wait=0:2\nT1 acquire m wait=0:4\nT1 release m\nT1 release s\n", Level::kError},
    {Check::kRcuUsage, "rcu-usage", "something RCU protects is used without its protection",
     "The kernel's lockdep saw a pointer that RCU protects read outside a read-side critical section, or a sleep inside "
     "one. What is pointed to may be freed meanwhile. Take rcu_read_lock() around the use, or name the lock that makes it "
     "safe in the dereference. Only kernel logs report it (`crossdep explain`).",
     "WARNING: suspicious RCU usage\n6.1.0 #1 Not tainted\n-----------------------------\n"
     "kernel/a.c:12 suspicious rcu_dereference_check() usage!\nstack backtrace:\n"
     "CPU: 0 PID: 1 Comm: init Not tainted 6.1.0 #1\nCall Trace:\n <TASK>\n lookup+0x1/0x9\n </TASK>\n",
     Level::kError, Example::kLog},
    {Check::kLockMisuse, "lock-misuse", "a lock is used against the rules of its kind",
     "Another tool reports a call that the lock does not allow: it was never initialised, has an impossible subclass, is "
     "downgraded without being held for writing, is no lock at all, or is not held where a wait or signal needs it. What "
     "the lock protects is open there. The reason has the tool's words; `crossdep explain` reports it.",
     "BUG: looking up invalid subclass: 9\nturning off the locking correctness validator.\n"
     "CPU: 0 PID: 1 Comm: init Not tainted 6.1.0 #1\nCall Trace:\n <TASK>\n enter+0x1/0x9\n </TASK>\n",
     Level::kError, Example::kLog},
    {Check::kDeclaredOrder, "declared-order", "locks are taken against the order that a rule declares",
     "A rule file says which of these locks comes first, and the code takes them the other way round: at once, or by way of "
     "locks that the rule does not mention. Whoever keeps to the rule can meet it in a deadlock, also if nobody did so in "
     "this run. Take them in the declared order, or correct the rule.",
     "T1 acquire b\nT1 acquire a\nT1 release a\nT1 release b\n", Level::kError, Example::kTrace, R"({"order": [["^a$", "^b$"]]})"},
    {Check::kLeafLock, "leaf-lock", "something is taken or waited for under a leaf lock",
     "A rule says that nothing is taken under this lock: it is held for a few instructions, and everybody may take it "
     "anywhere because it leads nowhere. Release it before going on, or declare its place in an order instead.",
     "T1 acquire log\nT1 acquire a\nT1 release a\nT1 release log\n", Level::kError, Example::kTrace, R"({"leaf": ["^log$"]})"},
    {Check::kForbiddenOperation, "forbidden-operation", "an operation is performed under a lock under which it is forbidden",
     "A rule forbids this operation, or this call, while such a lock is held: it may take locks that others hold while they "
     "wait for this one, take long, or never come back. Do it before taking the lock or after releasing it.",
     "T1 acquire a\nT1 op alloc_workqueue\nT1 release a\n", Level::kError, Example::kTrace,
     R"({"forbid": [{"operation": "alloc_workqueue", "under": "^a$"}]})"},
    {Check::kLockRequired, "lock-required", "an operation is performed without the lock that it requires",
     "A rule says that this operation, or this call, needs the lock to be held, and here it is not: what the lock protects "
     "is open. Take it in the caller, or correct the rule.",
     "T1 acquire b\nT1 op modify\nT1 release b\n", Level::kError, Example::kTrace, R"({"require": [{"operation": "modify", "lock": "^a$"}]})"},
    {Check::kNoLockAllowed, "no-lock-allowed", "an operation is performed with a lock held where none is allowed",
     "A rule says that nobody holds a lock when this operation, or this call, is performed: it waits for others, who may "
     "need just that lock, or gives control to code that may do anything. Release all locks first, or name those that are "
     "allowed in the rule's \"except\".",
     "T1 acquire a\nT1 op callback\nT1 release a\n", Level::kError, Example::kTrace, R"({"no_lock": [{"operation": "callback"}]})"},
    {Check::kForkHeldLock, "fork-held-lock", "a fork child needs a lock that another thread of its parent held",
     "fork() copies the memory, locks included, but only the thread that calls it. A lock that another thread held at that "
     "moment stays held in the child for ever. Take such locks around fork() (pthread_atfork), make them anew in the child, "
     "or let the child do nothing but execute another program.",
     "T1 init a held=write\nT1 acquire a\n", Level::kError},
}};

constexpr bool in_order() {
  for (unsigned i = 0; i < engine::kCheckCount; ++i)
    if (kCatalogue[i].check != static_cast<Check>(i)) return false;
  return true;
}
static_assert(in_order(), "the catalogue lists every check in the order of engine::Check");

}  // namespace

const CheckText& catalogue(Check check) { return kCatalogue[static_cast<unsigned>(check)]; }
const CheckText* catalogue() { return kCatalogue.data(); }

bool parse_check(const std::string& id, Check& out) {
  for (const CheckText& entry : kCatalogue) {
    if (id != entry.id) continue;
    out = entry.check;
    return true;
  }
  return false;
}

const char* word(Level level) {
  switch (level) {
    case Level::kNote: return "note";
    case Level::kWarning: return "warning";
    case Level::kError: return "error";
  }
  return "error";
}

}  // namespace crossdep::rules
