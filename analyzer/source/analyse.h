// SPDX-License-Identifier: MIT
//
// The walk over one function's flow graph with states (state.h), which makes its summary.
//
// Threading: none.  Allocation: the heap.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <tuple>
#include <unordered_map>

#include "source/program.h"
#include "source/state.h"

namespace crossdep::source {

class FunctionAnalysis {
 public:
  FunctionAnalysis(Program& program, FunctionId id) : p_(program), places_(program.places()), f_(program.function(id)), id_(id) {}
  /// `numbers`: what some parameters are.
  Summary run(const std::vector<std::pair<std::int32_t, std::int64_t>>& numbers = {});
  Summary as_context(const std::vector<Values>& args);
  Summary widened(Summary summary);

 private:
  using States = std::vector<State>;

  // analyse.cpp
  void put_in_order();
  bool retake(State& state, const HeldLock& lock);
  void require(const HeldLock& lock);
  void block(std::int32_t at, State state);
  void arrive(std::int32_t at, const State& state);
  void leave(const Block& block, State&& state);
  void step(const Op& op, State&& state, States& out);
  void assign(State& state, PlaceId place, const Values& values, bool record);
  void forget_parts(State& state, PlaceId place);
  Event event_at(Event::What what, const Op& op, const State& state, PlaceId place) const;
  std::uint16_t once_more(std::uint16_t flags, PlaceId handle, const State& state) const;

  // record.cpp
  struct EventKey;
  void record(Event&& event);
  bool coarse(const Event& event, EventKey& key) const;
  bool covered(const Event& event);
  void drop_retakes();

  // refine.cpp
  bool refine(State& state, ExprId condition, bool truth);
  bool refine_order(State& state, const Expr& less, bool wanted);
  void mark_order(const State& state, Event& event) const;

  // analyse_locks.cpp
  HeldLock lock_of(PlaceId place, const Op& op, std::int32_t guard) const;
  States decided(State&& state, ExprId object);
  void get(State& state, PlaceId place, const Op& op, std::int32_t guard, bool waits, bool may = false);
  static void remember(State& state, const HeldLock& lock);
  void acquire(const Op& op, State&& state, States& out, bool may = false);
  void release(State& state, PlaceId place);
  void release_like(State& state, PlaceId place);
  void end_guard(State& state, std::int32_t variable);
  void guard(const Op& op, State&& state, States& out);
  void wait(const Op& op, State& state);
  void let_go(State& state, LetGo what) const;

  // evaluate.cpp
  Values values(const State& state, ExprId expr);
  std::vector<PlaceId> places(const State& state, ExprId expr);
  Values load(const State& state, PlaceId place);
  PlaceId written_place(const State& state, ExprId expr);
  bool learn(State& state, PlaceId cell, const Assumption& is) const;
  std::vector<PlaceId> dereferenced(const State& state, const Values& values, const std::string& record);
  PlaceId variable(std::int32_t index);
  std::vector<PlaceId> substituted(const State& state, PlaceId place, const std::vector<Values>& args);
  std::vector<PlaceId> substitute(const State& state, PlaceId place, const std::vector<Values>& args);
  Values substituted(const State& state, const Values& values, const std::vector<Values>& args);
  static int truth(const Values& values);         // 1, 0, or -1: unknown

  // call.cpp
  void call(const Op& op, State&& state, States& out);
  void apply(FunctionId callee, const Summary& summary, const Op& op, const std::vector<Values>& args, const State& state);
  void leave_by(const Summary& summary, const Op& op, const std::vector<Values>& args, const State& state, States& out);
  ChainId extended(ChainId inner, const Site& site) const;
  void threads_of(const std::vector<PlaceId>& live, const std::vector<PlaceId>& joined, const std::vector<Values>& args, const State& state, State& out);
  bool lifted_before(const Event& event, ChainId chain, std::uint64_t surroundings, const State& state);
  bool lift(const Event& event, ChainId chain, const Op& op, const std::vector<Values>& args, const State& state);
  std::vector<HeldLock> lifted(const std::vector<HeldLock>& locks, const Op& op, const std::vector<Values>& args, const State& state);
  bool agree(const std::vector<Assumption>& assumptions, const std::vector<Fact>& entry, const std::vector<Values>& args, const Op& op, State& state);

  Program& p_;
  Places& places_;
  const Function& f_;
  FunctionId id_;
  bool may_ = false;             // the call being gone through is one of several that may be meant
  std::vector<FunctionId> handed_on_;   // called by what a callee was given, and being applied
  bool final_ = false;           // of a context: no caller will know more
  std::set<std::int32_t> stepped_;   // variables that count
  /// What a callee's places are here, while its summary is gone through: its events name few of them, often.
  struct Memo {
    const State* state;
    const std::vector<Values>* args;
    FunctionId callee;
    std::unordered_map<PlaceId, std::vector<PlaceId>> places;
    /// What is to be assumed here for what a callee assumes; nothing: it contradicts what is known.
    struct Noted {
      std::vector<Assumption> assumptions;
      std::vector<Fact> entry;
    };
    std::unordered_map<std::uint64_t, std::optional<Noted>> noted;
  };
  Memo* memo_ = nullptr;
  std::unordered_map<std::uint64_t, unsigned> lifted_;   // the lengths of the ways
  Summary summary_;
  std::map<std::int32_t, States> arrived_;
  std::vector<std::int32_t> order_;                      // of blocks: before those they lead to, loops apart
  std::map<std::int32_t, std::deque<State>> todo_;       // by that
  struct EventKey {
    int what;
    PlaceId place;
    int mode, flags;
    std::vector<std::pair<PlaceId, int>> held;
    std::vector<PlaceId> released;
    Values values;
    std::vector<Assumption> chosen;   // the first "is this number": what differs by a parameter's value stays apart
    auto operator<=>(const EventKey&) const = default;
  };
  std::map<EventKey, std::size_t> events_;
  /// The same by classes: so many of one kind stand for all others.
  struct Alike {
    std::size_t count = 0, last = 0;
  };
  std::map<EventKey, Alike> alike_;
  /// A closed event by the classes held, with their modes.
  struct Closed {
    std::vector<std::uint32_t> held;
    std::vector<std::int32_t> released;   // classes
    bool threads = false, may = false;
    std::size_t at = 0;
  };
  std::unordered_map<std::uint64_t, std::vector<Closed>> closed_;   // by all else
};

}  // namespace crossdep::source
