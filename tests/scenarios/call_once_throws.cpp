// EXPECT none: an exception passes through std::call_once() and its next call begins again
// SPDX-License-Identifier: MIT
#include <mutex>
#include <stdexcept>

static std::once_flag flag;
static std::mutex a;
int main() {
  int tries = 0;
  const auto body = [&] {
    std::lock_guard<std::mutex> hold(a);
    if (++tries == 1) throw std::runtime_error("not yet");
  };
  try { std::call_once(flag, body); } catch (const std::runtime_error&) {}
  std::call_once(flag, body);
  std::call_once(flag, body);
  return tries == 2 ? 0 : 1;
}
