// EXPECT none: two functions' locks lie at the same places of the stack, one after the other
// SPDX-License-Identifier: MIT
#include <mutex>
#include <thread>

struct Pair { std::mutex a, b; };
static void both(std::mutex& outer, std::mutex& inner) { std::scoped_lock first(outer); std::scoped_lock second(inner); }
__attribute__((noinline)) static void forward() {
  Pair pair;
  both(pair.a, pair.b);
  std::thread other([&] { both(pair.a, pair.b); });
  other.join();
}
__attribute__((noinline)) static void backward() {
  Pair pair;
  both(pair.b, pair.a);
  std::thread other([&] { both(pair.b, pair.a); });
  other.join();
}

int main() {
  forward();
  std::thread meanwhile([] { backward(); });   // the other way round, on a stack and beside main's
  meanwhile.join();
  backward();
}
