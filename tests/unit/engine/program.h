// SPDX-License-Identifier: MIT
//
// Small random concurrent programs for judging the judge: run once under a random schedule with the engine listening,
// and searched exhaustively over all schedules for the states in which a reported cycle really strikes.
//
// A program has 2-4 threads over mutexes, rwlocks (readers that queue behind writers and recursive ones), counting
// completions, a condition variable (broadcast only), a barrier, and create/join. Thread 0 is there from the start, the
// others when created, by any thread, sometimes made and joined within one critical section. Releases need not be LIFO.
//
// Where the programs come from: random_program.h.
//
// Threading: single-threaded simulation.
#pragma once

#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "unit/engine/fixture.h"

namespace crossdep::engine::test {

enum class Do : std::uint8_t { kAcquire, kTry, kRelease, kWait, kSignal, kCreate, kJoin, kMeet, kSleep, kBroadcast };

struct Op {
  Do what;
  unsigned object;   // lock, completion or thread; kSleep: the condition variable's mutex
  Mode mode;
};

struct Program {
  unsigned locks = 0, completions = 0;
  unsigned party = 0;   // arrivals at the barrier that make a round; 0: there is none
  std::vector<std::vector<Op>> threads;
};

/// How far every thread is, and what is held. Small enough to copy; the key tells states apart.
struct State {
  static constexpr unsigned kMaxThreads = 4, kMaxLocks = 5, kMaxCompletions = 2;
  std::uint8_t next[kMaxThreads] = {};       // index of the next operation
  bool started[kMaxThreads] = {};
  bool asked[kMaxThreads] = {};              // the next operation was requested and waits to be granted
  std::uint8_t held[kMaxThreads][kMaxLocks] = {};   // 0 no, 1 + mode
  std::uint8_t tried[kMaxThreads] = {};      // bit per lock: the try failed, its release is skipped
  std::uint8_t count[kMaxCompletions] = {};
  std::uint8_t came = 0;                     // at the barrier in this round
  std::uint8_t woken = 0;                    // bit per thread: its round is over, or its sleep

  std::string key() const {
    std::string out;
    for (unsigned t = 0; t < kMaxThreads; ++t) {
      out += static_cast<char>(next[t]);
      out += static_cast<char>((started[t] ? 1 : 0) | (asked[t] ? 2 : 0));
      out += static_cast<char>(tried[t]);
      for (unsigned l = 0; l < kMaxLocks; ++l) out += static_cast<char>(held[t][l]);
    }
    for (const std::uint8_t c : count) out += static_cast<char>(c);
    out += static_cast<char>(came);
    out += static_cast<char>(woken);
    return out;
  }
};

class Machine {
 public:
  explicit Machine(const Program& program) : program_(program) { state.started[0] = true; }

  const Op* op(unsigned thread) const {
    if (!state.started[thread] || state.next[thread] >= program_.threads[thread].size()) return nullptr;
    return &program_.threads[thread][state.next[thread]];
  }
  bool blocking(const Op& op) const {
    return op.what == Do::kAcquire || op.what == Do::kWait || op.what == Do::kJoin || op.what == Do::kMeet ||
           op.what == Do::kSleep;
  }
  bool woken(unsigned thread) const { return (state.woken >> thread & 1) != 0; }
  bool ended(unsigned thread) const {
    return state.started[thread] && state.next[thread] >= program_.threads[thread].size();
  }
  bool lock_free(unsigned thread, unsigned lock, Mode mode) const {
    for (unsigned other = 0; other < program_.threads.size(); ++other) {
      if (other == thread) continue;
      const std::uint8_t held = state.held[other][lock];
      if (held != 0 && (mode == Mode::kWrite || held == 1 + static_cast<unsigned>(Mode::kWrite))) return false;
      // A reader that is not recursive queues behind a waiting writer.
      const Op* theirs = op(other);
      if (mode == Mode::kRead && state.asked[other] && theirs != nullptr && theirs->object == lock &&
          theirs->mode == Mode::kWrite && (theirs->what == Do::kAcquire || (theirs->what == Do::kSleep && woken(other))))
        return false;
    }
    return true;
  }
  /// True if the thread's next operation would block now.
  bool blocked(unsigned thread) const {
    const Op* next = op(thread);
    if (next == nullptr) return false;
    switch (next->what) {
      case Do::kAcquire: return !lock_free(thread, next->object, next->mode);
      case Do::kWait: return state.count[next->object] == 0;
      case Do::kJoin: return !ended(next->object);
      case Do::kMeet: return !woken(thread);
      case Do::kSleep: return !woken(thread) || !lock_free(thread, next->object, Mode::kWrite);
      default: return false;
    }
  }
  /// True if the thread can take a step: to ask, or to do.
  bool enabled(unsigned thread) const {
    const Op* next = op(thread);
    if (next == nullptr) return false;
    if (blocking(*next) && !state.asked[thread]) return true;
    return !blocked(thread);
  }
  /// Takes one step of `thread`; true if an operation was done (not only asked for).
  bool step(unsigned thread) {
    const Op& next = *op(thread);
    if (blocking(next) && !state.asked[thread]) {
      state.asked[thread] = true;
      if (next.what == Do::kSleep) state.held[thread][next.object] = 0;
      if (next.what == Do::kMeet && ++state.came == program_.party) {
        state.came = 0;
        wake(Do::kMeet);
      }
      return false;
    }
    state.asked[thread] = false;
    switch (next.what) {
      case Do::kAcquire: state.held[thread][next.object] = 1 + static_cast<std::uint8_t>(next.mode); break;
      case Do::kTry:
        if (lock_free(thread, next.object, next.mode)) state.held[thread][next.object] = 1 + static_cast<std::uint8_t>(next.mode);
        else state.tried[thread] |= static_cast<std::uint8_t>(1u << next.object);
        break;
      case Do::kRelease:
        state.held[thread][next.object] = 0;
        state.tried[thread] &= static_cast<std::uint8_t>(~(1u << next.object));
        break;
      case Do::kWait: --state.count[next.object]; break;
      case Do::kSignal: ++state.count[next.object]; break;
      case Do::kCreate: state.started[next.object] = true; break;
      case Do::kJoin: break;
      case Do::kSleep: state.held[thread][next.object] = 1; [[fallthrough]];
      case Do::kMeet: state.woken &= static_cast<std::uint8_t>(~(1u << thread)); break;
      case Do::kBroadcast: wake(Do::kSleep); break;
    }
    ++state.next[thread];
    return true;
  }

  State state;

 private:
  void wake(Do what) {
    for (unsigned t = 0; t < program_.threads.size(); ++t)
      if (state.asked[t] && op(t) != nullptr && op(t)->what == what) state.woken |= static_cast<std::uint8_t>(1u << t);
  }

  const Program& program_;
};

/// What a run has shown: how many operations of each thread, the one it waits in included, and which tries failed.
struct Shown {
  std::vector<unsigned> operations, done;
  std::set<std::pair<unsigned, unsigned>> failed_tries;   // (thread, operation)
};

/// Runs the program once under a random schedule; the engine hears every step. Locks are named L0.., completions C0..,
/// the barrier X0, the condition variable V0, thread ends (thread)0..
inline Shown run_once(const Program& program, std::mt19937& random, Stage& stage) {
  Machine machine(program);
  Engine& engine = *stage.engine;
  const auto name = [](const char* prefix, unsigned i) { return prefix + std::to_string(i); };
  std::vector<Context*> contexts(program.threads.size());
  const auto begin = [&](unsigned thread, Context* parent) {
    contexts[thread] = stage.context(name("T", thread), parent, stage.lock(name("(thread)", thread), Kind::kThread));
  };
  begin(0, nullptr);
  Shown shown;
  for (;;) {
    std::vector<unsigned> enabled;
    for (unsigned t = 0; t < program.threads.size(); ++t)
      if (machine.enabled(t)) enabled.push_back(t);
    if (enabled.empty()) {
      for (unsigned t = 0; t < program.threads.size(); ++t)
        shown.operations.push_back(machine.state.next[t] + (machine.state.asked[t] ? 1 : 0));
      shown.done.assign(machine.state.next, machine.state.next + program.threads.size());
      return shown;
    }
    const unsigned t = enabled[random() % enabled.size()];
    const Op op = *machine.op(t);
    const Site site = 1 + t * 64 + machine.state.next[t];
    const bool skipped = op.what == Do::kRelease && (machine.state.tried[t] >> op.object & 1);
    const bool done = machine.step(t);
    Context* context = contexts[t];
    switch (op.what) {
      case Do::kAcquire:
        if (!done) engine.request(context, stage.lock(name("L", op.object)), op.mode, 0, site);
        else engine.acquired(context, stage.lock(name("L", op.object)), op.mode, 0, site);
        break;
      case Do::kTry:
        engine.request(context, stage.lock(name("L", op.object)), op.mode, kTry, site);
        if (machine.state.held[t][op.object] == 0) shown.failed_tries.emplace(t, machine.state.next[t] - 1u);
        else
          engine.acquired(context, stage.lock(name("L", op.object)), op.mode, kTry, site);
        break;
      case Do::kRelease:
        if (!skipped) engine.release(context, stage.lock(name("L", op.object)), site);
        break;
      case Do::kWait: {
        LockInstance* lock = stage.lock(name("C", op.object), Kind::kCompletion);
        if (!done) engine.wait_begin(context, lock, nullptr, 0, site);
        else engine.wait_end(context, lock, nullptr, true, site);
        break;
      }
      case Do::kSignal: engine.signal(context, stage.lock(name("C", op.object), Kind::kCompletion), 1, site); break;
      case Do::kMeet: {
        LockInstance* barrier = stage.lock("X0", Kind::kBarrier);
        if (done) {
          engine.wait_end(context, barrier, nullptr, true, site);
        } else {
          engine.signal(context, barrier, kNone, site);
          engine.wait_begin(context, barrier, nullptr, 0, site);
        }
        break;
      }
      case Do::kSleep: {
        LockInstance* condition = stage.lock("V0", Kind::kCond);
        if (!done) engine.wait_begin(context, condition, stage.lock(name("L", op.object)), 0, site);
        else engine.wait_end(context, condition, nullptr, true, site);
        break;
      }
      case Do::kBroadcast: engine.signal(context, stage.lock("V0", Kind::kCond), kNone, site); break;
      case Do::kCreate: begin(op.object, context); break;
      case Do::kJoin:
        if (!done) engine.join_begin(context, contexts[op.object], 0, site);
        else engine.join_end(context, contexts[op.object], true);
        break;
    }
    if (done && machine.ended(t)) engine.end_context(context, site);
  }
}

/// One step of a cycle in the simulation's terms: who is to release `from` asks for `to`.
struct Blocked {
  std::string from, to;
};

/// Searches every schedule for a state in which each step of the cycle is taken by a thread of its own that is blocked,
/// in an operation that the judged run has shown.
class Search {
 public:
  Search(const Program& program, std::vector<std::vector<Blocked>> cycles, Shown shown)
      : struck(cycles.size()), program_(program), cycles_(std::move(cycles)), shown_(std::move(shown)) {}

  bool run(std::size_t most_states) {
    std::vector<Machine> work{Machine(program_)};
    seen_.insert(work[0].state.key());
    while (!work.empty()) {
      Machine here = work.back();
      work.pop_back();
      if (seen_.size() > most_states) return false;
      for (std::size_t c = 0; c < cycles_.size(); ++c)
        if (!struck[c]) struck[c] = strikes(here, cycles_[c], 0, 0);
      for (unsigned t = 0; t < program_.threads.size(); ++t) {
        if (!here.enabled(t)) continue;
        Machine next = here;
        next.step(t);
        if (seen_.insert(next.state.key()).second) work.push_back(next);
      }
    }
    return true;
  }

  std::vector<bool> struck;   // per cycle

 private:
  /// Thread `t` is to release `object`: holds the lock, has yet to signal, or is itself.
  bool is_to_release(const Machine& machine, unsigned t, const std::string& name) const {
    const unsigned object = static_cast<unsigned>(name.back() - '0');
    if (name[0] == '(') return object == t;
    if (name[0] == 'C') return is_to_do(machine.state.next[t], t, Do::kSignal, object);
    if (name[0] == 'V') return is_to_do(machine.state.next[t], t, Do::kBroadcast, 0);
    // Who has come already comes to a later round.
    if (name[0] == 'X') return !has_come(machine, t) && is_to_do(machine.state.next[t], t, Do::kMeet, 0);
    if (machine.state.held[t][object] == 0) return false;
    unsigned got = machine.state.next[t];
    while (got-- > 0) {   // where it got it last
      const Op& op = program_.threads[t][got];
      if (op.object == object && (op.what == Do::kAcquire || op.what == Do::kTry || op.what == Do::kSleep)) break;
    }
    return shown_.failed_tries.count({t, got}) == 0;
  }
  bool is_to_do(std::size_t next, unsigned t, Do what, unsigned object) const {
    for (std::size_t i = next; i < shown_.operations[t]; ++i)
      if (program_.threads[t][i].what == what && program_.threads[t][i].object == object) return true;
    return false;
  }
  bool has_come(const Machine& machine, unsigned t) const {
    const Op* next = machine.op(t);
    return next != nullptr && next->what == Do::kMeet && machine.state.asked[t];
  }
  bool is_blocked_on(const Machine& machine, unsigned t, const std::string& name) const {
    const Op* next = machine.op(t);
    if (next == nullptr || !machine.state.asked[t] || !machine.blocked(t)) return false;
    if (machine.state.next[t] >= shown_.operations[t]) return false;
    if (next->what == Do::kMeet) return name == "X0";
    if (next->what == Do::kSleep && !machine.woken(t)) return name == "V0";
    if (next->what == Do::kSleep && machine.state.next[t] >= shown_.done[t]) return false;   // it never woke
    const bool lock = next->what == Do::kAcquire || next->what == Do::kSleep;
    const char* kind = lock ? "L" : next->what == Do::kWait ? "C" : "(thread)";
    return kind + std::to_string(next->object) == name;
  }
  bool strikes(const Machine& machine, const std::vector<Blocked>& cycle, std::size_t at, unsigned used) const {
    if (at == cycle.size()) return true;
    for (unsigned t = 0; t < program_.threads.size(); ++t)
      if (!(used >> t & 1) && is_to_release(machine, t, cycle[at].from) && is_blocked_on(machine, t, cycle[at].to) &&
          strikes(machine, cycle, at + 1, used | 1u << t))
        return true;
    return false;
  }

  const Program& program_;
  std::vector<std::vector<Blocked>> cycles_;
  Shown shown_;
  std::unordered_set<std::string> seen_;
};

}  // namespace crossdep::engine::test
