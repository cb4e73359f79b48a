// SPDX-License-Identifier: MIT
//
// C11 mutexes. glibc's are its pthread mutexes under another name, but its functions call each other inside, past every
// interposer, so they have their own here. A timed mutex is a mutex; mtx_recursive stands in the object's kind.
//
// Threading: any thread.  Allocation: none here.
#include "interpose/mutex_family.h"

using namespace crossdep::runtime;

CROSSDEP_EXPORT int mtx_lock(mtx_t* mutex) {
  return take<C11Mutex>(real.mtx_lock, Mode::kWrite, 0, CROSSDEP_CALLER, mutex);
}
CROSSDEP_EXPORT int mtx_trylock(mtx_t* mutex) {
  return take<C11Mutex>(real.mtx_trylock, Mode::kWrite, crossdep::engine::kTry, CROSSDEP_CALLER, mutex);
}
CROSSDEP_EXPORT int mtx_timedlock(mtx_t* mutex, const timespec* until) {
  return take<C11Mutex>(real.mtx_timedlock, Mode::kWrite, crossdep::engine::kTimed, CROSSDEP_CALLER, mutex, until);
}
CROSSDEP_EXPORT int mtx_unlock(mtx_t* mutex) { return give<C11Mutex>(real.mtx_unlock, CROSSDEP_CALLER, mutex); }
CROSSDEP_EXPORT int mtx_init(mtx_t* mutex, int kind) {
  return initialise<C11Mutex>(real.mtx_init, CROSSDEP_CALLER, mutex, kind);
}
CROSSDEP_EXPORT void mtx_destroy(mtx_t* mutex) { destroy<C11Mutex>(real.mtx_destroy, CROSSDEP_CALLER, mutex); }
