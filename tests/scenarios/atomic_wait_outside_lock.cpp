// EXPECT none: std::atomic::wait without the lock that whoever notifies needs
// SPDX-License-Identifier: MIT
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

static std::mutex table, other;
static std::atomic<int> stage{0};

int main() {
  std::thread worker([] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    { std::scoped_lock lock(other); }
    stage = 1;
    stage.notify_all();
  });
  std::thread third([] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    std::scoped_lock outer(other);
    std::scoped_lock inner(table);
  });
  stage.wait(0);
  worker.join();
  third.join();
}
