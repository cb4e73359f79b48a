// EXPECT lock-order-cycle possible: members of objects from the heap are one class; the instances seen differ
// SPDX-License-Identifier: MIT
#include <mutex>
#include <thread>

struct Account { long balance = 0; std::mutex mutex; };
struct Log { std::mutex mutex; long lines = 0; };
__attribute__((noinline)) static Account* open_account() { return new Account; }
__attribute__((noinline)) static Log* open_log() { return new Log; }

int main() {
  Account* accounts[2];
  Log* logs[2];
  for (int i = 0; i < 2; ++i) accounts[i] = open_account(), logs[i] = open_log();
  std::thread([&] { std::scoped_lock account(accounts[0]->mutex); std::scoped_lock log(logs[0]->mutex); }).join();
  std::thread([&] { std::scoped_lock log(logs[1]->mutex); std::scoped_lock account(accounts[1]->mutex); }).join();
  for (int i = 0; i < 2; ++i) delete accounts[i], delete logs[i];
}
