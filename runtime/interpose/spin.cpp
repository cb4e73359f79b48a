// SPDX-License-Identifier: MIT
//
// pthread spin locks.
//
// Threading: any thread.  Allocation: none here.
#include "interpose/lock_call.h"

using namespace crossdep::runtime;
using crossdep::engine::Kind;

namespace {

struct Spin {
  using Object = int;   // pthread_spinlock_t without its volatile
  static constexpr Kind kKind = Kind::kSpin;
  static constexpr int kDone = 0;
  static std::uint8_t flags(const Object*) noexcept { return 0; }
  static bool taken(int result) noexcept { return result == 0; }
};

int* plain(pthread_spinlock_t* lock) noexcept { return const_cast<int*>(lock); }

}  // namespace

CROSSDEP_EXPORT int pthread_spin_lock(pthread_spinlock_t* lock) noexcept {
  return take<Spin>(real.pthread_spin_lock, Mode::kWrite, 0, CROSSDEP_CALLER, plain(lock));
}
CROSSDEP_EXPORT int pthread_spin_trylock(pthread_spinlock_t* lock) noexcept {
  return take<Spin>(real.pthread_spin_trylock, Mode::kWrite, crossdep::engine::kTry, CROSSDEP_CALLER, plain(lock));
}
CROSSDEP_EXPORT int pthread_spin_unlock(pthread_spinlock_t* lock) noexcept {
  return give<Spin>(real.pthread_spin_unlock, CROSSDEP_CALLER, plain(lock));
}
CROSSDEP_EXPORT int pthread_spin_init(pthread_spinlock_t* lock, int shared) noexcept {
  return initialise<Spin>(real.pthread_spin_init, CROSSDEP_CALLER, plain(lock), shared);
}
CROSSDEP_EXPORT int pthread_spin_destroy(pthread_spinlock_t* lock) noexcept {
  return destroy<Spin>(real.pthread_spin_destroy, CROSSDEP_CALLER, plain(lock));
}
