// SPDX-License-Identifier: MIT
//
// The whole program: all units linked by symbol keys, the call graph, and the fixpoint of function summaries (callees
// first; recursive functions until nothing changes). What pointers in memory lead to is collected without regard to
// order, and the summaries made from what has changed are made again until that, too, is stable.
//
// Threading: none.  Allocation: the heap.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "source/freshness.h"
#include "source/summary.h"

namespace crossdep::source {

class Program {
 public:
  /// Takes a unit in; units in the same order give the same program.
  void add(Unit&& unit);
  void analyse();
  /// Functions whose calls are operations for rules: names, `*` standing for any text.
  void watch(std::vector<std::string> operations) { watched_ = std::move(operations); }
  std::int32_t operation(const std::string& key);       // its name's text; -1: none is asked for

  const std::vector<Function>& functions() const { return functions_; }
  const Function& function(FunctionId id) const { return functions_[static_cast<std::size_t>(id)]; }
  const Summary& summary(FunctionId id) const {
    fresh_.asked_summary(id);
    return summaries_[static_cast<std::size_t>(id)];
  }
  /// The same for these arguments: gone through once more where the numbers passed decide what is left held.
  const Summary& summary(FunctionId id, const std::vector<Values>& args);
  /// What of it a caller takes the events from: fewer if both are among many functions that call each other.
  const Summary& for_caller(FunctionId id, FunctionId caller, const Summary& summary) const;
  const Event& shared(std::int32_t id) const { return shared_[static_cast<std::size_t>(id)]; }   // its chain is of no meaning
  /// Leaves those events to the program that are the same for every caller.
  void share(Summary& summary);
  /// All of a summary's; the chains of the shared ones are of no meaning.
  template <typename Do>
  void each_event(const Summary& summary, Do what) const {
    for (const Event& event : summary.events) what(event);
    for (const Shared& one : summary.shared) what(shared(one.event));
  }
  Places& places() { return places_; }
  const std::vector<std::string>& files() const { return files_; }
  const ChainNode& chain(ChainId id) const { return chains_[static_cast<std::size_t>(id)]; }
  ChainId chain(FunctionId function, const Site& site, ChainId inner);
  unsigned length(ChainId id) const { return id < 0 ? 0 : chain(id).length; }

  /// Definitions of a function; several if several programs were scanned together.
  const std::vector<FunctionId>& defined(const std::string& key) const;
  const std::vector<FunctionId>& overriders(const std::string& key) const;
  bool has_lock_effect(const std::string& key) const;
  std::int32_t symbol(const std::string& key);          // its number
  const Symbol* symbol_at(std::int32_t number) const;
  std::int32_t symbol_of(FunctionId id) { return symbol(function(id).key); }

  /// What is stored in a cell anywhere; `anything` is set if something unknown is, too.
  Values content(PlaceId cell, bool& anything) const;
  void store(PlaceId cell, const Values& values);
  /// What a cell leads to if, wherever it is set, it is set to a part of the object that it lies in itself.
  Values own_parts(PlaceId cell) const;
  void name(PlaceId object, const std::string& name) {
    if (names_.emplace(object, name).second) class_ids_.clear();
  }
  void recursive(PlaceId object) {
    if (recursive_.insert(object).second) fresh_.place_changed(object);
  }
  bool is_recursive(PlaceId object) const;
  PlaceId object_of(PlaceId place) const;
  PlaceId generalised(PlaceId place) const;             // Record::member for what is reached through any pointer
  std::string class_name(PlaceId place) const;          // empty: unknown
  std::int32_t class_of(PlaceId place) const;           // its text's number: a look-up; -1: unknown
  bool index_varies(PlaceId array) const { return varying_.count(array) != 0; }

  std::vector<FunctionId> functions_in(const Values& values) const;
  const std::vector<Declared>& declared() const { return declared_; }
  std::vector<Unmodelled> unmodelled() const;           // those that have no body either
  /// Contexts begin here: functions nobody calls, or whose address goes elsewhere.
  const std::vector<FunctionId>& roots() const { return roots_; }

  void note_element(PlaceId array) {
    if (varying_.insert(array).second) class_ids_.clear();
  }
  void note_called(FunctionId id) { called_.insert(id); }

 private:
  void link();
  std::vector<std::vector<FunctionId>> components() const;
  void find_roots();
  bool calls_itself(FunctionId id) const;
  bool round(const std::vector<std::vector<FunctionId>>& components);
  bool make(FunctionId id);
  void take_facts(const Summary& summary);

  std::vector<Function> functions_;
  std::vector<Summary> summaries_;
  std::vector<std::int32_t> large_;                      // the large component that a function belongs to; -1: none
  std::vector<Summary> wide_;                            // of functions in those: the events for the others there
  std::deque<Event> shared_;
  std::unordered_map<std::uint64_t, std::int32_t> shared_ids_;   // by their digests
  std::map<std::pair<FunctionId, std::vector<std::pair<std::int32_t, std::int64_t>>>, Summary> for_numbers_;
  std::map<FunctionId, std::size_t> kinds_of_;      // how many of them a function has
  std::set<FunctionId> in_progress_;
  std::vector<std::string> files_;
  std::map<std::string, std::uint32_t> file_ids_;
  std::map<std::string, Symbol> symbols_;
  std::unordered_map<std::string, std::int32_t> symbol_ids_;
  std::vector<std::string> symbol_keys_;
  std::unordered_map<std::string, std::vector<FunctionId>> defined_, overriders_;
  std::unordered_map<std::string, std::vector<FunctionId>> by_name_;
  std::vector<Initial> initials_;
  std::map<std::string, Unmodelled> unmodelled_;
  std::vector<std::string> watched_;
  std::unordered_map<std::string, std::int32_t> operations_;
  std::vector<Declared> declared_;
  mutable Places places_;
  mutable std::vector<std::int32_t> class_ids_;         // by place; kNotAsked
  std::vector<ChainNode> chains_;
  std::vector<ChainId> chain_ids_;                       // open addressing, a power of two; -1: free
  std::unordered_map<PlaceId, std::pair<Values, bool>> cells_;
  std::unordered_map<PlaceId, std::vector<PlaceId>> elements_;   // of an array, those that something is stored in
  void note_own(PlaceId cell, const Values& values);
  struct Own {
    Values parts;            // addresses, from the object's record on
    bool others = false;     // set to something else, too
  };
  std::map<PlaceId, Own> own_;   // by the generalised cell
  mutable Freshness fresh_;      // notes what is asked for
  std::map<PlaceId, std::string> names_;
  std::set<PlaceId> recursive_, varying_;
  std::set<FunctionId> called_;
  std::vector<FunctionId> roots_;
};

/// The summary of one function, from those of its callees as they are now.
Summary analyse_function(Program& program, FunctionId id, const std::vector<std::pair<std::int32_t, std::int64_t>>& numbers = {});
/// The summary with its events by classes, as far as a caller's objects are concerned (widen.cpp).
Summary widened(Program& program, FunctionId id, Summary summary);
/// The events of a context that begins in this function with these arguments.
Summary analyse_context(Program& program, FunctionId id, const std::vector<Values>& args);

}  // namespace crossdep::source
