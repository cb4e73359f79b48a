// EXPECT none: as static_guard_under_lock, but outside the lock; an initialisation that throws is begun again
// SPDX-License-Identifier: MIT
#include <mutex>
#include <stdexcept>

#include "pair.h"

static std::mutex a;
static int tries;
struct Slow {
  Slow() {
    a.lock();
    a.unlock();
    if (++tries == 1) throw std::runtime_error("not yet");
    usleep(300 * 1000);
  }
};
static void use() { static Slow once; (void)&once; }
static void* first(void* unused) {
  try { use(); } catch (const std::runtime_error&) {}
  use();
  return unused;
}
static void* second(void* unused) {
  use();
  a.lock();
  a.unlock();
  return unused;
}
int main() { two_threads(first, second); return tries == 2 ? 0 : 1; }
