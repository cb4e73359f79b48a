// SPDX-License-Identifier: MIT
//
// Incremental cycle detection: nodes, edges, and an order that every edge between different components respects.
//
// Method: D. J. Pearce and P. H. J. Kelly, "A Dynamic Topological Sort Algorithm for Directed Acyclic Graphs" (JEA 2006):
// an edge u -> v with ord(u) < ord(v) costs nothing; otherwise only the nodes between ord(v) and ord(u) that v reaches or
// that reach u are visited and given each other's places. A lock graph does get cycles and lives on, so the order is
// kept over strongly connected components (union-find): the components on a new cycle are merged into one, and an edge
// inside a component says "there may be a cycle", which the typed search (cycles.h) then decides.
//
// Complexity: add_edge O(affected region); component() near O(1).  No recursion.
// Threading: serialised by the owner.  Allocation: from the Allocator; where it fails, add_edge answers kNoMemory, the
// edge is not listed and the order is as before.
#pragma once

#include "engine/containers.h"

namespace crossdep::engine {

class OrderGraph {
 public:
  using Node = std::uint32_t;
  enum class Added : std::uint8_t { kOrdered, kInComponent, kNoMemory };

  explicit OrderGraph(Allocator& memory) noexcept;

  /// After true, the next add_node() cannot fail.
  [[nodiscard]] bool make_room() noexcept { return nodes_.make_room(); }
  [[nodiscard]] bool make_room_for_edge(std::uint32_t edge) noexcept { return edge < edges_.size() || edges_.resize(edge + 1); }
  /// The next node's number, or kNone when memory is out.
  Node add_node() noexcept;
  /// Adds u -> v (u != v, not there before) under the caller's number `edge`.
  Added add_edge(Node u, Node v, std::uint32_t edge) noexcept;
  /// True if u and v lie on a common directed cycle.
  bool same_component(Node u, Node v) const noexcept { return component(u) == component(v); }
  Node component(Node node) const noexcept;

  /// The edge numbers that leave `node`, in insertion order: for (e = first_out(n); e != kNone; e = next_out(e)).
  std::uint32_t first_out(Node node) const noexcept { return nodes_[node].first_out; }
  std::uint32_t next_out(std::uint32_t edge) const noexcept { return edges_[edge].next_out; }
  Node target(std::uint32_t edge) const noexcept { return edges_[edge].to; }
  Node source(std::uint32_t edge) const noexcept { return edges_[edge].from; }

  std::uint32_t node_count() const noexcept { return nodes_.size(); }
  /// Every edge between components goes up in the order; members and representatives agree. O(nodes + edges).
  bool check_invariants() const noexcept;

 private:
  struct NodeData {
    std::uint32_t first_out, last_out, first_in;
    mutable Node parent;        // union-find
    std::uint32_t order;        // of the component; valid for representatives
    Node next_member;           // circular list of the component's members
    std::uint32_t mark;         // visit stamp
    std::uint32_t size;         // of the component
  };
  struct EdgeData {
    Node from, to;
    std::uint32_t next_out, next_in;
  };

  bool discover_forward(Node from, Node goal, std::uint32_t upper, bool& found) noexcept;
  bool discover_backward(Node from, std::uint32_t lower) noexcept;
  Node merge(const Vec<Node>& members) noexcept;
  void reorder(Node merged) noexcept;

  Vec<NodeData> nodes_;
  Vec<EdgeData> edges_;
  Vec<Node> forward_, backward_, ring_;
  Vec<std::uint32_t> places_;
  std::uint32_t stamp_ = 0;
};

}  // namespace crossdep::engine
