// SPDX-License-Identifier: MIT
//
// Pearce-Kelly over components; see order.h for the method. One insertion marks each visited component: `stamp_` if only
// the target reaches it (forward), `stamp_ - 1` if it only reaches the source (backward), `stamp_ + 1` if both: those lie
// on the new cycle and become one component.
//
// Threading, allocation: see order.h.
#include "engine/order.h"

#include <algorithm>

namespace crossdep::engine {

OrderGraph::OrderGraph(Allocator& memory) noexcept
    : nodes_(memory), edges_(memory), forward_(memory), backward_(memory), ring_(memory), places_(memory) {}

OrderGraph::Node OrderGraph::add_node() noexcept {
  const Node node = nodes_.size();
  const NodeData data{kNone, kNone, kNone, node, node, node, 0, 1};
  return nodes_.push(data) ? node : kNone;
}

OrderGraph::Node OrderGraph::component(Node node) const noexcept {
  while (nodes_[node].parent != node) {
    nodes_[node].parent = nodes_[nodes_[node].parent].parent;  // path halving
    node = nodes_[node].parent;
  }
  return node;
}

OrderGraph::Added OrderGraph::add_edge(Node u, Node v, std::uint32_t edge) noexcept {
  if (!make_room_for_edge(edge)) return Added::kNoMemory;
  edges_[edge] = {u, v, kNone, nodes_[v].first_in};
  const std::uint32_t last_out = nodes_[u].last_out;
  const auto out_of_memory = [&]() noexcept {
    // Not listed after all: the order holds for what is listed.
    nodes_[v].first_in = edges_[edge].next_in;
    nodes_[u].last_out = last_out;
    if (last_out == kNone) nodes_[u].first_out = kNone;
    else edges_[last_out].next_out = kNone;
    return Added::kNoMemory;
  };
  if (nodes_[u].last_out == kNone) nodes_[u].first_out = edge;
  else edges_[nodes_[u].last_out].next_out = edge;
  nodes_[u].last_out = edge;
  nodes_[v].first_in = edge;

  const Node from = component(u), to = component(v);
  if (from == to) return Added::kInComponent;
  if (nodes_[from].order < nodes_[to].order) return Added::kOrdered;

  forward_.clear();
  backward_.clear();
  stamp_ += 4;
  bool cycle = false;
  if (!discover_forward(to, from, nodes_[from].order, cycle)) return out_of_memory();
  if (!discover_backward(from, nodes_[to].order)) return out_of_memory();
  Node merged = kNone;
  if (cycle) {
    ring_.clear();
    for (const Node node : backward_)
      if (nodes_[node].mark == stamp_ + 1 && !ring_.push(node)) return out_of_memory();
  }
  // Reserve before anything changes, so that running out of memory leaves the order valid.
  if (!places_.resize(forward_.size() + backward_.size())) return out_of_memory();
  if (cycle) merged = merge(ring_);
  reorder(merged);
  return cycle ? Added::kInComponent : Added::kOrdered;
}

// Components reachable from `from` whose order is at most `upper`, into forward_; `found` if `goal` is among them.
bool OrderGraph::discover_forward(Node from, Node goal, std::uint32_t upper, bool& found) noexcept {
  nodes_[from].mark = stamp_;
  if (!forward_.push(from)) return false;
  for (std::uint32_t next = 0; next < forward_.size(); ++next) {
    const Node here = forward_[next];
    Node member = here;
    do {
      for (std::uint32_t e = nodes_[member].first_out; e != kNone; e = edges_[e].next_out) {
        const Node there = component(edges_[e].to);
        if (there == goal) found = true;
        if (nodes_[there].mark == stamp_ || nodes_[there].order > upper) continue;
        nodes_[there].mark = stamp_;
        if (!forward_.push(there)) return false;
      }
      member = nodes_[member].next_member;
    } while (member != here);
  }
  return true;
}

// Components that reach `from` and whose order is at least `lower`, into backward_. What forward_ marked too gets
// stamp_ + 1 (on the cycle), the rest stamp_ - 1.
bool OrderGraph::discover_backward(Node from, std::uint32_t lower) noexcept {
  const auto take = [&](Node node) noexcept {
    // stamp_: forward only; stamp_ + 1: both; stamp_ - 1: backward only (stamps advance by 4, so all three are fresh).
    nodes_[node].mark = nodes_[node].mark == stamp_ ? stamp_ + 1 : stamp_ - 1;
    return backward_.push(node);
  };
  if (!take(from)) return false;
  for (std::uint32_t next = 0; next < backward_.size(); ++next) {
    const Node here = backward_[next];
    Node member = here;
    do {
      for (std::uint32_t e = nodes_[member].first_in; e != kNone; e = edges_[e].next_in) {
        const Node there = component(edges_[e].from);
        const std::uint32_t mark = nodes_[there].mark;
        if (mark == stamp_ + 1 || mark == stamp_ - 1 || nodes_[there].order < lower) continue;
        if (!take(there)) return false;
      }
      member = nodes_[member].next_member;
    } while (member != here);
  }
  return true;
}

// One component out of many; the largest gives its name. Their order is set by reorder().
OrderGraph::Node OrderGraph::merge(const Vec<Node>& members) noexcept {
  Node root = members[0];
  for (const Node node : members)
    if (nodes_[node].size > nodes_[root].size) root = node;
  for (const Node node : members) {
    if (node == root) continue;
    nodes_[node].parent = root;
    nodes_[root].size += nodes_[node].size;
    std::swap(nodes_[root].next_member, nodes_[node].next_member);  // splices two circular lists
  }
  return root;
}

// Gives the visited components' places anew: backward ones the smallest, forward ones the largest, the merged one
// between. A component thus only moves towards the side where nothing unvisited can be in its way.
void OrderGraph::reorder(Node merged) noexcept {
  const auto by_order = [&](Node a, Node b) { return nodes_[a].order < nodes_[b].order; };
  std::sort(backward_.begin(), backward_.end(), by_order);
  std::sort(forward_.begin(), forward_.end(), by_order);
  std::uint32_t count = 0, backward_only = 0, forward_only = 0;
  for (const Node node : backward_) places_[count++] = nodes_[node].order;
  for (const Node node : forward_)
    if (nodes_[node].mark == stamp_) places_[count++] = nodes_[node].order, ++forward_only;
  std::sort(places_.begin(), places_.begin() + count);
  for (const Node node : backward_)
    if (nodes_[node].mark == stamp_ - 1) nodes_[node].order = places_[backward_only++];
  if (merged != kNone) nodes_[merged].order = places_[backward_only];
  std::uint32_t next = count - forward_only;
  for (const Node node : forward_)
    if (nodes_[node].mark == stamp_) nodes_[node].order = places_[next++];
}

bool OrderGraph::check_invariants() const noexcept {
  for (Node node = 0; node < nodes_.size(); ++node) {
    for (std::uint32_t e = nodes_[node].first_out; e != kNone; e = edges_[e].next_out) {
      const Node from = component(node), to = component(edges_[e].to);
      if (edges_[e].from != node) return false;
      if (from != to && nodes_[from].order >= nodes_[to].order) return false;
    }
    if (component(node) != node) continue;
    std::uint32_t members = 0;
    Node member = node;
    do {
      if (component(member) != node) return false;
      ++members;
      member = nodes_[member].next_member;
    } while (member != node && members <= nodes_.size());
    if (members != nodes_[node].size) return false;
  }
  return true;
}

}  // namespace crossdep::engine
