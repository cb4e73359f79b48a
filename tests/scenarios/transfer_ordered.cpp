// EXPECT recursive-lock latent: two accounts are locked in the order of their addresses
// SPDX-License-Identifier: MIT
#include <chrono>
#include <mutex>
#include <thread>

struct Account { std::mutex mutex; long balance = 100; };
__attribute__((noinline)) static Account* open_account() { return new Account; }
static void transfer(Account& from, Account& to) {
  std::scoped_lock first(&from < &to ? from.mutex : to.mutex);
  std::scoped_lock second(&from < &to ? to.mutex : from.mutex);
  --from.balance, ++to.balance;
}
int main() {
  Account* accounts[2];
  for (auto& account : accounts) account = open_account();
  std::thread one([&] { transfer(*accounts[0], *accounts[1]); });
  std::thread two([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    transfer(*accounts[1], *accounts[0]);
  });
  one.join();
  two.join();
}
