// EXPECT cross-release-cycle possible: a static local is initialised under a lock by one thread, and takes that lock in another
// SPDX-License-Identifier: MIT
#include <mutex>

#include "pair.h"

static std::mutex a;
struct Slow {
  Slow() {
    a.lock();
    a.unlock();
    usleep(300 * 1000);
  }
};
static void use() { static Slow once; (void)&once; }
static void* first(void* unused) { use(); return unused; }
static void* second(void* unused) {   // comes while the first initialises
  a.lock();
  use();
  a.unlock();
  return unused;
}
int main() { two_threads(first, second); }
