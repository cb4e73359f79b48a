// EXPECT none: as call_once_under_lock, but the second thread calls std::call_once() before it takes the lock
// SPDX-License-Identifier: MIT
#include <mutex>

#include "pair.h"

static std::mutex a;
static std::once_flag flag;
static void routine() {
  a.lock();
  a.unlock();
  usleep(300 * 1000);
}
static void* first(void* unused) {
  std::call_once(flag, routine);
  return unused;
}
static void* second(void* unused) {   // comes while the routine runs
  std::call_once(flag, routine);
  a.lock();
  a.unlock();
  return unused;
}
int main() { two_threads(first, second); }
