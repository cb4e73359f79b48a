// EXPECT none: std::scoped_lock takes several locks without a fixed order and without a deadlock
// SPDX-License-Identifier: MIT
#include <mutex>
#include <thread>

static std::mutex a, b;

int main() {
  std::thread first([] { for (int i = 0; i < 1000; ++i) std::scoped_lock both(a, b); });
  std::thread second([] { for (int i = 0; i < 1000; ++i) std::scoped_lock both(b, a); });
  first.join();
  second.join();
}
