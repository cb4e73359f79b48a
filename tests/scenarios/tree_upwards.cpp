// EXPECT recursive-lock possible: a tree's nodes, a child's lock under its parent's - and once the parent's under a child's
// SPDX-License-Identifier: MIT
#include <chrono>
#include <mutex>
#include <thread>

struct Node { std::mutex mutex; Node* parent = nullptr; Node* child = nullptr; };
__attribute__((noinline)) static Node* make() { return new Node; }
static void descend(Node* node) {
  std::scoped_lock lock(node->mutex);
  if (node->child != nullptr) descend(node->child);
}
int main() {
  Node* root = make();
  Node* middle = make();
  Node* leaf = make();
  root->child = middle, middle->parent = root, middle->child = leaf, leaf->parent = middle;
  std::thread one([&] { descend(root); });
  std::thread two([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    std::scoped_lock low(leaf->mutex);
    std::scoped_lock high(leaf->parent->mutex);
  });
  one.join();
  two.join();
}
