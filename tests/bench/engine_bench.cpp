// SPDX-License-Identifier: MIT
//
// What the engine alone costs: the hot path per request+acquired+release, and building large lock graphs. Every figure is
// printed beside a baseline of the same process (the loop with an empty body, a plain hash-set insertion), as a ratio,
// because machines are noisy. Prints, asserts nothing.
//
// Run: engine_bench
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <unordered_set>
#include <vector>

#include "timing.h"
#include "engine/engine.h"
#include "engine/heap_allocator.h"

using namespace crossdep::engine;
using crossdep::bench::best_of;
using crossdep::bench::now;

namespace {

class CountingSink final : public Sink {
 public:
  void on_class(const ClassInfo&) override {}
  void on_class_usage(ClassId, std::uint8_t) override {}
  void on_instance(const InstanceInfo&) override {}
  void on_context(const ContextInfo&) override {}
  void on_stack(StackId, const Site*, unsigned) override {}
  void on_dependency(const DependencyInfo&) override {}
  void on_witness(const WitnessInfo&) override {}
  void on_finding(const FindingInfo& info) override {
    ++findings;
    longest = info.link_count > longest ? info.link_count : longest;
  }
  unsigned findings = 0, longest = 0;
};

struct Bench {
  crossdep::engine::HeapAllocator heap;
  CountingSink sink;
  Engine engine{heap, sink, {}};
  std::vector<LockInstance*> locks;
  Context* context = engine.begin_context(nullptr, ContextKind::kThread, 1, "bench", 5, nullptr);

  void make_locks(unsigned count) {
    while (locks.size() < count) {
      const std::string name = "L" + std::to_string(locks.size());
      Engine::ClassSpec spec;
      spec.name = name.data();
      spec.name_length = static_cast<std::uint32_t>(name.size());
      locks.push_back(engine.create(engine.declare_class(spec), Kind::kMutex, locks.size(), 0));
    }
  }
  void take(LockInstance* lock, Site site) {
    engine.request(context, lock, Mode::kWrite, 0, site);
    engine.acquired(context, lock, Mode::kWrite, 0, site);
  }
  void nest(unsigned first, unsigned second) {
    take(locks[first], 1);
    engine.request(context, locks[second], Mode::kWrite, 0, 2);
    engine.release(context, locks[first], 3);
  }
};

void hot_path() {
  constexpr unsigned kPairs = 5'000'000;
  volatile unsigned guard = 0;
  const double empty = best_of(3, [&] { for (unsigned i = 0; i < kPairs; ++i) guard = i; });
  std::printf("hot path, ns per request+acquired+release (empty loop %.2f ns)\n", empty / kPairs * 1e9);
  const auto row = [&](const char* what, double seconds) {
    std::printf("  %-34s %6.2f ns\n", what, (seconds - empty) / kPairs * 1e9);
  };
  Bench bench;
  bench.make_locks(1000);
  row("one lock", best_of(3, [&] {
        for (unsigned i = 0; i < kPairs; ++i) bench.take(bench.locks[0], 1), bench.engine.release(bench.context, bench.locks[0], 2);
      }));
  bench.take(bench.locks[1], 1);
  row("under another lock", best_of(3, [&] {
        for (unsigned i = 0; i < kPairs; ++i) bench.take(bench.locks[0], 1), bench.engine.release(bench.context, bench.locks[0], 2);
      }));
  bench.engine.release(bench.context, bench.locks[1], 2);
  std::vector<unsigned> order(4096);
  std::mt19937 random(1);
  for (unsigned& index : order) index = random() % 1000;
  row("1 000 random locks", best_of(3, [&] {
        for (unsigned i = 0; i < kPairs; ++i) {
          LockInstance* lock = bench.locks[order[i & 4095]];
          bench.take(lock, 1);
          bench.engine.release(bench.context, lock, 2);
        }
      }));
}

// An acyclic random graph: edges go up a random numbering, in random order.
void random_graph(unsigned classes, unsigned dependencies) {
  std::mt19937 random(7);
  std::vector<unsigned> rank(classes);
  for (unsigned i = 0; i < classes; ++i) rank[i] = i;
  for (unsigned i = classes; i-- > 1;) std::swap(rank[i], rank[random() % (i + 1)]);
  std::unordered_set<std::uint64_t> chosen;
  std::vector<std::pair<unsigned, unsigned>> edges;
  while (edges.size() < dependencies) {
    unsigned a = random() % classes, b = random() % classes;
    if (a == b) continue;
    if (rank[a] > rank[b]) std::swap(a, b);
    if (chosen.insert(std::uint64_t{a} << 32 | b).second) edges.emplace_back(a, b);
  }
  const double set = best_of(3, [&] {
    std::unordered_set<std::uint64_t> plain;
    for (const auto& [a, b] : edges) plain.insert(std::uint64_t{a} << 32 | b);
  });
  double whole = 1e9, graph_only = 1e9;
  unsigned findings = 0;
  for (int round = 0; round < 3; ++round) {
    Bench bench;
    bench.make_locks(classes);
    const double start = now();
    for (const auto& [a, b] : edges) bench.nest(a, b);
    whole = std::min(whole, now() - start);
    findings = bench.sink.findings;
    crossdep::engine::HeapAllocator heap;
    OrderGraph order(heap);
    for (unsigned i = 0; i < classes; ++i) (void)order.add_node();
    const double begin = now();
    for (unsigned i = 0; i < edges.size(); ++i) order.add_edge(edges[i].first, edges[i].second, i);
    graph_only = std::min(graph_only, now() - begin);
  }
  std::printf("%7u classes, %8u dependencies: %8.2f ms with witnesses, order alone %8.2f ms "
              "(%.1fx, %.1fx a hash set of pairs), %u findings\n",
              classes, dependencies, whole * 1e3, graph_only * 1e3, whole / set, graph_only / set, findings);
}

void ring(unsigned classes) {
  Bench bench;
  bench.make_locks(classes);
  const double start = now();
  for (unsigned i = 0; i + 1 < classes; ++i) bench.nest(i, i + 1);
  const double built = now();
  bench.nest(classes - 1, 0);
  const double judged = now();
  std::printf("ring of %u classes: built in %.1f ms, closed and judged in %.1f ms, %u finding of %u dependencies\n", classes,
              (built - start) * 1e3, (judged - built) * 1e3, bench.sink.findings, bench.sink.longest);
}

}  // namespace

int main() {
  hot_path();
  std::printf("random lock graphs, every dependency by a pair of nested locks\n");
  random_graph(2'114, 28'568);
  random_graph(100'000, 1'000'000);
  ring(100'000);
}
