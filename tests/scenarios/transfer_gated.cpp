// EXPECT recursive-lock latent: two accounts are locked in the order of the transfer, but one transfer at a time; the first pair alone ascends
// SPDX-License-Identifier: MIT
#include <chrono>
#include <mutex>
#include <thread>

struct Account { std::mutex mutex; long balance = 100; };
__attribute__((noinline)) static Account* open_account() { return new Account; }
static std::mutex bank;
static void transfer(Account& from, Account& to) {
  std::scoped_lock gate(bank);
  std::scoped_lock first(from.mutex);
  std::scoped_lock second(to.mutex);
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
