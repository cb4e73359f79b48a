// EXPECT none: readers of a std::shared_mutex (a pthread rwlock of the default kind) do not block readers
// SPDX-License-Identifier: MIT
#include <chrono>
#include <mutex>
#include <shared_mutex>
#include <thread>

static std::shared_mutex table;
static std::mutex m;

int main() {
  std::thread first([] {
    std::shared_lock reading(table);
    std::lock_guard locked(m);
  });
  std::thread second([] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    std::lock_guard locked(m);
    std::shared_lock reading(table);
  });
  first.join();
  second.join();
}
