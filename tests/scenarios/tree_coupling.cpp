// EXPECT recursive-lock latent: a tree's nodes, a child's lock under its parent's
// SPDX-License-Identifier: MIT
#include <mutex>
#include <thread>
#include <utility>

struct Node { std::mutex mutex; Node* child[2] = {}; };
__attribute__((noinline)) static Node* one() { return new Node; }
static Node* make(int depth) {
  Node* spare = one();   // so that addresses neither ascend nor descend
  Node* node = one();
  if (depth % 2 == 0) std::swap(spare, node);
  if (depth > 0)
    for (auto& child : node->child) child = make(depth - 1);
  delete spare;
  return node;
}
static void descend(Node* node, unsigned path) {
  std::scoped_lock lock(node->mutex);
  if (Node* child = node->child[path & 1]) descend(child, path >> 1);
}
int main() {
  Node* root = make(4);
  const auto walk = [&] { for (unsigned path = 0; path < 16; ++path) descend(root, path); };
  std::thread one(walk), two(walk);
  one.join();
  two.join();
}
