// EXPECT recursive-lock latent: a list walked hand over hand: each node's lock is requested under the one before it
// SPDX-License-Identifier: MIT
#include <mutex>
#include <thread>
#include <vector>

struct Node { std::mutex mutex; Node* next = nullptr; };
__attribute__((noinline)) static Node* make() { return new Node; }

int main() {
  std::vector<Node*> made;
  for (int i = 0; i < 8; ++i) made.push_back(make());
  // Not in the order of their addresses.
  const int order[] = {3, 6, 1, 4, 0, 7, 2, 5};
  for (int i = 0; i + 1 < 8; ++i) made[order[i]]->next = made[order[i + 1]];
  const auto walk = [&] {
    Node* at = made[order[0]];
    at->mutex.lock();
    while (at->next != nullptr) {
      at->next->mutex.lock();
      at->mutex.unlock();
      at = at->next;
    }
    at->mutex.unlock();
  };
  std::thread one(walk), two(walk);
  one.join();
  two.join();
  for (Node* node : made) delete node;
}
