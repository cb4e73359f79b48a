// SPDX-License-Identifier: MIT
//
// The incremental order against a naive transitive closure: random edges, every answer and the invariants checked at
// each step.
#include <random>
#include <set>

#include "catch.hpp"
#include "engine/order.h"
#include "unit/engine/fixture.h"

using namespace crossdep::engine;
using crossdep::engine::test::CountingAllocator;

TEST_CASE("components are those of a naive closure, whatever the order of edges", "[engine][model]") {
  const unsigned seed = GENERATE(1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u);
  CAPTURE(seed);
  std::mt19937 random(seed);
  constexpr unsigned kNodes = 24;
  CountingAllocator memory;
  OrderGraph graph(memory);
  for (unsigned i = 0; i < kNodes; ++i) REQUIRE(graph.add_node() == i);
  bool reach[kNodes][kNodes] = {};
  std::set<std::pair<unsigned, unsigned>> edges;
  for (unsigned step = 0; step < 140; ++step) {
    const unsigned u = random() % kNodes, v = random() % kNodes;
    if (u == v || !edges.emplace(u, v).second) continue;
    const auto added = graph.add_edge(u, v, static_cast<std::uint32_t>(edges.size() - 1));
    for (unsigned a = 0; a < kNodes; ++a)
      for (unsigned b = 0; b < kNodes; ++b)
        if ((a == u || reach[a][u]) && (b == v || reach[v][b])) reach[a][b] = true;
    CHECK((added == OrderGraph::Added::kInComponent) == reach[v][u]);
    for (unsigned a = 0; a < kNodes; ++a)
      for (unsigned b = 0; b < kNodes; ++b)
        if (a != b && graph.same_component(a, b) != (reach[a][b] && reach[b][a])) FAIL("components differ");
    REQUIRE(graph.check_invariants());
  }
}

TEST_CASE("a long ring is one component", "[engine]") {
  constexpr unsigned kNodes = 20'000;
  CountingAllocator memory;
  OrderGraph graph(memory);
  for (unsigned i = 0; i < kNodes; ++i) REQUIRE(graph.add_node() == i);
  for (unsigned i = 0; i + 1 < kNodes; ++i) REQUIRE(graph.add_edge(i, i + 1, i) == OrderGraph::Added::kOrdered);
  CHECK(graph.add_edge(kNodes - 1, 0, kNodes - 1) == OrderGraph::Added::kInComponent);
  CHECK(graph.same_component(0, kNodes / 2));
  CHECK(graph.check_invariants());
}
