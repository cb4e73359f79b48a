// EXPECT lock-order-cycle possible: std::mutex is a pthread mutex
// SPDX-License-Identifier: MIT
#include <chrono>
#include <mutex>
#include <thread>

static std::mutex a, b;

int main() {
  std::thread first([] {
    std::lock_guard outer(a);
    std::lock_guard inner(b);
  });
  std::thread second([] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    std::lock_guard outer(b);
    std::lock_guard inner(a);
  });
  first.join();
  second.join();
}
