// EXPECT none: std::mutex has no destroy call; memory that was freed and allocated again holds another lock
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <mutex>
#include <thread>

struct Job { long number = 0; std::mutex mutex; };
struct Result { long number = 0; std::mutex mutex; };
static std::mutex table;

int main() {
  int reused = 0;
  for (int i = 0; i < 20; ++i) {
    auto* job = new Job;
    const void* const place = job;
    std::thread first([&] { std::scoped_lock outer(job->mutex); std::scoped_lock inner(table); });
    first.join();
    delete job;
    auto* result = new Result;
    reused += result == place;
    std::thread second([&] { std::scoped_lock outer(table); std::scoped_lock inner(result->mutex); });
    second.join();
    delete result;
  }
  if (reused == 0) std::puts("the allocator never gave the same memory again");
}
