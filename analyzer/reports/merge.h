// SPDX-License-Identifier: MIT
//
// The union of graphs: associative, commutative, idempotent. Every part is a set, or the first few of a set by value,
// so the order of the inputs cannot show. Cycles are searched again over the union by the engine, and those whose
// halves come from different runs become findings of the union; they are recomputed at each merge, never carried over.
//
// Classes are the same if name, kind and subclass are; runs if their ids are.
//
// Threading: pure functions, but for Sieve.  Allocation: the heap.  Cost: the union, plus one engine insertion per dependency mode.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/containers.h"
#include "engine/heap_allocator.h"
#include "reports/graph.h"

namespace crossdep::reports {

/// Leaves of each graph only what can be in the union: evidence of runs that come too late in the order of run ids is not
/// kept by any union with what was seen before. Of many graphs of one program most dependencies are dropped here, for
/// the price of a look-up.
///
/// Thread safety: filter() and any number of Outlooks at a time.
class Sieve {
 public:
  void filter(Graph& graph);
  void clear();

  /// Says while a graph is read what filter() would leave nothing of, so that it need not be kept until then. One graph
  /// for each; from the first question on filter() waits for its end.
  class Outlook {
   public:
    explicit Outlook(const Sieve& sieve) : sieve_(sieve), lock_(sieve.mutex_, std::defer_lock) {}
    bool wants(const Graph& graph, const Dependency& dependency);

   private:
    const Sieve& sieve_;
    std::shared_lock<std::shared_mutex> lock_;
    std::vector<std::uint32_t> classes_;   // the graph's, as the sieve numbers them
  };

 private:
  using RunNumber = std::uint32_t;
  static constexpr unsigned kModesKept = 7;
  struct Seen {                            // of a dependency
    RunNumber runs[kRunsKept];             // the first by id
    std::uint8_t run_count, mode_count;
    std::uint8_t modes[kModesKept];        // packed; more are not noted, and then always wanted
  };

  static constexpr std::uint32_t kUnknown = ~0u;
  static void key_of(const Class& c, std::string& key);
  static std::uint64_t pair_of(std::uint32_t from, std::uint32_t to) { return (std::uint64_t{from} + 1) << 32 | to; }   // never 0
  static std::uint8_t packed(const DependencyMode& mode);
  static bool knows(const Seen& seen, const DependencyMode& mode);
  bool note(Seen& seen, RunNumber run) const;

  mutable std::shared_mutex mutex_;
  std::unordered_map<std::string, std::uint32_t> class_number_;
  std::map<std::string, RunNumber> run_number_;
  std::vector<const std::string*> run_id_;
  engine::HeapAllocator heap_;
  engine::FlatMap<Seen> seen_{heap_};
};

/// Takes graphs one by one, so that no more than the union and a few of them are in memory.
class Merger {
 public:
  void add(Graph graph);
  /// What has been seen so far.
  const Sieve& sieve() const { return sieve_; }
  /// The union of what was added; the merger is empty again.
  Graph take();
  /// What the last take() could not join with the source, a line each (see source_join.h).
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  std::vector<std::string> notes_;
  Sieve sieve_;
  Graph sum_;                 // what was added, tables not yet unified
  std::size_t unified_ = 0;   // size of the sum when its tables were last unified
};

Graph merge(const std::vector<Graph>& graphs);

}  // namespace crossdep::reports
