// EXPECT none: the lock is given up before the future is waited for
// SPDX-License-Identifier: MIT
#include <chrono>
#include <future>
#include <mutex>
#include <thread>

static std::mutex table;

int main() {
  std::promise<int> promise;
  std::future<int> answer = promise.get_future();
  std::thread worker([&] {
    { std::scoped_lock lock(table); }
    std::this_thread::sleep_for(std::chrono::milliseconds(200));   // the waiter may have come first: then both hang
    promise.set_value(42);
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  {
    { std::scoped_lock lock(table); }
    answer.get();
  }
  worker.join();
}
